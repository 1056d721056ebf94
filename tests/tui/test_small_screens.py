"""The app at sizes that nobody should have to use, and at those that people do."""

from __future__ import annotations

import pytest

from tests.support.pilot import wait_until
from tests.tui.conftest import Start
from tui.widgets.composer import Composer
from tui.widgets.key_bar import KeyBar
from tui.widgets.panel import Panel
from tui.widgets.stats_bar import StatsBar


@pytest.mark.parametrize("size", [(20, 8), (10, 4), (1, 1), (40, 12), (80, 24), (160, 50)])
async def test_every_screen_opens_at_every_size(start: Start, size: tuple[int, int]) -> None:
    async with start(size=size, loaded=False) as (app, pilot):
        for key in ("f1", "f3", "f6", "f9", "f12", "ctrl+g", "ctrl+p"):
            await pilot.press(key)
            await pilot.press("escape")
        await pilot.press("slash", "d", "tab")
        assert app.composer.text == "/downloads", "completions need no room"
        app.ask("hello there")
        await wait_until(pilot, lambda: app.dialogue.conversation.turns)
        await wait_until(pilot, lambda: not app.dialogue.busy)
        assert app.dialogue.conversation.turns[0].reply


async def test_at_80_columns_the_panel_folds_away_and_the_bar_keeps_what_matters(
    start: Start,
) -> None:
    async with start(size=(80, 24)) as (app, pilot):
        assert not app.query_one(Panel).display
        app.ask("hello")
        await wait_until(pilot, lambda: app.dialogue.conversation.turns)
        await wait_until(pilot, lambda: not app.dialogue.busy)
        bar = app.query_one(StatsBar).shown_text
        for part in ("ready", "tok/s", "accepted", "ctx"):
            assert part in bar
        assert "Ctrl+P" in app.query_one(KeyBar).build(78)[0].plain
        await pilot.resize_terminal(120, 34)
        await wait_until(pilot, lambda: app.query_one(Panel).display)


async def test_a_long_message_does_not_push_the_chat_away(start: Start) -> None:
    async with start(size=(80, 24), loaded=False) as (app, pilot):
        app.query_one(Composer).text = "line\n" * 40
        await pilot.pause()
        assert app.query_one(Composer).size.height <= 8
