"""A screen that comes over the chat before that is painted: what was to come then comes."""

from __future__ import annotations

from tests.support.pilot import wait_until
from tests.tui.conftest import Start
from tui.screens.reading import ReadingScreen


async def test_who_opens_a_screen_before_the_first_frame_has_an_engine_all_the_same(
    start: Start,
) -> None:
    for _ in range(3):
        async with start(loaded=False) as (app, pilot):
            app.push_screen(ReadingScreen("opened at once", []))
            await wait_until(pilot, lambda app=app: app.engine.pid)
