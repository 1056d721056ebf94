"""The command palette: it knows every action, draft, theme and setting, and does what it says."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest
from textual.command import CommandList
from textual.pilot import Pilot

from core.chats.store import Store
from core.configuration import FIELDS
from tests.support.pilot import wait_until
from tests.support.still_app import StillApp
from tests.tui.conftest import Start
from tui.actions.views import FIRST_IN_PALETTE
from tui.app import SpecdecApp
from tui.keys import ACTIONS
from tui.screens.settings import SettingsScreen
from tui.screens.themes import ThemesScreen
from tui.widgets.setting_list import SettingList


async def choose(app: SpecdecApp, pilot: Pilot[None], letters: str) -> None:
    """Open the palette and take what it finds first, once it has looked everywhere."""
    await pilot.press("ctrl+p", *letters)
    found = app.screen.query_one(CommandList)
    await wait_until(
        pilot,
        lambda: (
            found.highlighted is not None
            and all(one.is_finished for one in app.workers if one.node is app.screen)
        ),
    )
    await pilot.press("enter")


async def test_it_knows_everything_and_does_what_it_finds(start: Start, tmp_path: Path) -> None:
    async with start() as (app, pilot):
        commands = {command.title: command for command in app.get_system_commands(app.screen)}
        for entry in ACTIONS:
            assert not entry.palette or entry.label.capitalize() in commands
        assert {f"Draft: {draft.name}" for draft in app.dialogue.offer.drafts} <= commands.keys()
        assert {f"Theme: {theme}" for theme in app.available_themes} <= commands.keys()
        assert {f"Setting: {name}" for name in FIELDS} <= commands.keys()
        assert {"Turn lookup off", "Turn demo on"} <= commands.keys()
        shown = [command.title for command in commands.values() if command.discover]
        assert len(shown) == sum(entry.palette for entry in ACTIONS), "found, but not listed"
        commands["Draft: prompt lookup"].callback()
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use == "lookup")
        commands["Turn lookup off"].callback()
        assert app.settings.lookup is False
        assert "lookup = false" in (tmp_path / "config.toml").read_text()
        await choose(app, pilot, "tingminp")
        await wait_until(pilot, lambda: isinstance(app.screen, SettingsScreen))
        highlighted = app.screen.query_one(SettingList).highlighted
        assert highlighted is not None and highlighted.name == "min_p"


async def test_it_begins_with_what_is_reached_for_first() -> None:
    assert set(FIRST_IN_PALETTE) <= {entry.id for entry in ACTIONS if entry.palette}
    app = StillApp("specdec-dark")
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("ctrl+p")
        found = app.screen.query_one(CommandList)
        await wait_until(pilot, lambda: found.option_count)
        names = [str(option.prompt).partition("\n")[0] for option in found.options]
        assert names[:4] == ["New chat", "Chats", "Drafts", "Next draft"]
        assert names[-1] == "Quit" and len(names) == sum(entry.palette for entry in ACTIONS)


@pytest.mark.parametrize("text", ["[/red]", "[bold]be brief", "a [link", "[@click=app.quit]x[/]"])
async def test_what_it_finds_is_shown_as_it_is_written(text: str) -> None:
    app = StillApp("specdec-dark")
    app.keeper.enabled = True
    async with app.run_test(size=(100, 40)) as pilot:
        app.use_setting("system", text)
        await app.ask_and_wait(pilot, f"{text} please")
        for typed, shown in (("systm", text), ("hatplease", f"Chat: {text} please")):
            await pilot.press("ctrl+p", *typed)
            found = app.screen.query_one(CommandList)
            await wait_until(pilot, lambda: found.option_count)  # noqa: B023 - this turn's
            assert shown in str(found.options[0].prompt)
            await pilot.press("escape")


async def test_of_two_names_that_match_the_shorter_one_comes_first(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await choose(app, pilot, "thm")
        await wait_until(pilot, lambda: isinstance(app.screen, ThemesScreen))


async def test_who_types_before_the_disk_has_answered_finds_everything(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start(loaded=False) as (app, pilot):
        store, answer = app.keeper.store, Event()

        def slow() -> Store:
            answer.wait()
            return store()

        monkeypatch.setattr(app.keeper, "store", slow)
        await pilot.press("ctrl+p", *"them")
        answer.set()
        found = app.screen.query_one(CommandList)
        await wait_until(pilot, lambda: found.highlighted is not None)


async def test_it_finds_saved_chats_by_their_titles(start: Start) -> None:
    async with start(max_tokens=4) as (app, pilot):
        app.ask("a question of marmalade")
        await wait_until(pilot, lambda: app.dialogue.conversation.turns and not app.dialogue.busy)
        asked = app.dialogue.conversation.id
        await pilot.press("ctrl+n")
        assert app.dialogue.conversation.id != asked
        await choose(app, pilot, "marmalade")
        await wait_until(pilot, lambda: app.dialogue.conversation.id == asked)
        assert app.dialogue.conversation.turns[0].prompt == "a question of marmalade"
