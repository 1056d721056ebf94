"""The app at sizes that nobody should have to use, and at those that people do."""

from __future__ import annotations

import re

import pytest
from textual.app import App, ComposeResult
from textual.widgets._toast import Toast

from core.configuration import load_settings
from tests.support.pilot import wait_until
from tests.support.still_app import StillApp, press, rest
from tests.tui.conftest import Start
from tui.app import SpecdecApp
from tui.screens.jump import JumpScreen
from tui.screens.reading import Page
from tui.widgets.composer import Composer
from tui.widgets.key_bar import KeyBar
from tui.widgets.key_hints import KeyHints
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


async def test_stop_is_in_the_place_of_send_while_a_message_is_answered(start: Start) -> None:
    async with start(size=(60, 24), max_tokens=0) as (app, pilot):
        bar = app.query_one(KeyBar)
        before = bar.build(58)[0].plain
        assert before.startswith("Enter send   F2 next draft") and "stop" not in before
        app.ask("hello")
        await wait_until(pilot, lambda: bar.build(58)[0].plain.startswith("Esc stop "))
        assert bar.build(58)[0].plain[10:] == before[10:], "nothing jumps"
        await pilot.press("escape")
        await wait_until(pilot, lambda: bar.build(58)[0].plain == before)


@pytest.mark.parametrize("width", [60, 40, 59, 100, 80, 33])
async def test_no_key_is_cut_in_the_middle_at_any_width(start: Start, width: int) -> None:
    async with start(size=(100, 24), loaded=False) as (app, pilot):
        whole = re.split("   +", app.query_one(KeyBar).build(500)[0].plain.strip())
        await pilot.resize_terminal(width, 24)
        await wait_until(pilot, lambda: app.query_one(KeyBar).size.width == width - 2)
        await pilot.pause()
        shown = app.screen._compositor.render_strips()[-1].text.strip()
        assert re.split("   +", shown) == whole[: len(re.split("   +", shown))]


@pytest.mark.parametrize("height", [20, 24, 30])
async def test_the_panel_stands_still_however_low_it_is(start: Start, height: int) -> None:
    async with start(size=(120, height), loaded=False) as (app, pilot):
        panel, places = app.query_one(Panel), set()

        async def note() -> None:
            await pilot.pause()
            places.add(tuple(child.region for child in panel.children if child.display))

        # the list grows with what is found on the disk
        await wait_until(pilot, lambda: len(app.dialogue.offer.drafts) == 4)
        await note()
        for key in ("f2", "f2", "f2", "f2"):
            await pilot.press(key)
            await note()
        await wait_until(pilot, lambda: app.dialogue.state.target is not None)
        await note()
        (regions,) = places
        assert {region.x for region in regions} == {panel.region.x + 2}


async def test_a_hint_that_is_longer_than_its_line_is_said_above_it(start: Start) -> None:
    async with start(size=(80, 24), loaded=False) as (app, pilot):
        divider, bottom = app.divider, app.divider.region.bottom
        app.composer.text = "/nonsense-of-some-length"
        await pilot.press("enter")
        await wait_until(pilot, lambda: divider.size.height == 3)
        rows = [divider.render_line(y).text for y in range(3)]
        said = " ".join(row.strip() for row in rows[:2])
        assert said == divider.hint and "there is no command /nonsense-of-some-length" in said
        assert rows[2] == "─" * 80 and divider.region.bottom == bottom
        divider.say("draft: none")
        await wait_until(pilot, lambda: divider.size.height == 1)
        assert divider.render_line(0).text.endswith(" draft: none ──")
        divider.lasting, divider.hint = "a place", ""
        await pilot.resize_terminal(20, 6)
        divider.say("what is said takes the place of the whole chat here, and is cut")
        await wait_until(pilot, lambda: divider.size.height == 2)
        assert divider.render_line(0).text.rstrip().endswith("…")


async def test_a_long_message_does_not_push_the_chat_away(start: Start) -> None:
    async with start(size=(80, 24), loaded=False) as (app, pilot):
        app.query_one(Composer).text = "line\n" * 40
        await pilot.pause()
        assert app.query_one(Composer).size.height <= 8


async def test_a_notice_is_no_wider_than_the_screen() -> None:
    app = SpecdecApp(load_settings({"demo": True}))
    async with app.run_test(size=(40, 12), notifications=True) as pilot:
        app.notify("a sentence that is longer than a line of this screen is", markup=False)
        await wait_until(pilot, lambda: [one for one in app.screen.query(Toast) if one.size.width])
        assert app.screen.region.contains_region(app.screen.query_one(Toast).region)


class Hinting(App[None]):
    def compose(self) -> ComposeResult:
        yield KeyHints()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"muted": "#808080"}


async def test_a_long_sentence_above_the_keys_is_wrapped_where_there_is_room() -> None:
    sentence = "word " * 30 + "end"
    async with Hinting().run_test(size=(80, 24)) as pilot:
        hints = pilot.app.query_one(KeyHints)
        hints.show([("Esc", "close")])
        await wait_until(pilot, lambda: hints.size.height == 2)
        hints.say(sentence)
        await wait_until(pilot, lambda: hints.size.height == 3)
        shown = [line.plain for line in hints.build(hints.size.width)]
        assert " ".join(shown[:-1]).split() == sentence.split()
        assert shown[-1] == "Esc close"
        hints.say(sentence * 3)
        await wait_until(pilot, lambda: hints.size.height == 4)
        assert hints.build(hints.size.width)[2].plain.endswith("…")
        hints.say("")
        await wait_until(pilot, lambda: hints.size.height == 2)


async def test_help_keeps_a_meaning_of_two_lines_in_its_column(start: Start) -> None:
    async with start(size=(80, 24), loaded=False) as (app, pilot):
        await pilot.press("f1")
        page = app.screen.query_one(Page)
        lines = [line.plain for line in page.build(60)]
        at = next(y for y, line in enumerate(lines) if line.startswith("F2 "))
        assert lines[at + 1].startswith(" " * 14) and lines[at + 1].strip()


async def test_letters_over_places_that_have_moved_are_taken_away() -> None:
    app = StillApp("specdec-dark")
    async with app.run_test(size=(100, 30)) as pilot:
        await press(app, pilot, "ctrl+g")
        assert isinstance(app.screen, JumpScreen)
        await pilot.resize_terminal(60, 20)
        await rest(app, pilot)
        assert app.focused is app.composer
