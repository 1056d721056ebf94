"""Hints on the line between chat and composer: said for a while, and gone then."""

from __future__ import annotations

import asyncio

from tests.support.pilot import wait_until
from tests.tui.conftest import Start


async def test_a_hint_said_again_has_its_whole_time_again(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        first_is_over = asyncio.Event()
        app.divider.say("so", 0.01)
        app.divider.say("so", 3600.0)
        app.divider.set_timer(0.05, first_is_over.set)
        await first_is_over.wait()
        await pilot.pause()
        assert app.divider.hint == "so"
        app.divider.say("so", 0.01)
        await wait_until(pilot, lambda: not app.divider.hint)
