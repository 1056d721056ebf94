"""The command palette: it knows every action, draft, theme and setting, and does what it says."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from core.settings import Settings
from tests.support.pilot import type_text, wait_until
from tests.tui.conftest import Start
from tui.app import SpecdecApp
from tui.keys import ACTIONS
from tui.screens.settings import SettingsScreen
from tui.widgets.setting_list import SettingList


async def choose(app: SpecdecApp, pilot: Pilot[None], words: str) -> None:
    """Find something in the palette and take the first that is found."""
    await pilot.press("ctrl+p")
    await type_text(pilot, words)
    found = app.screen.query_one("CommandList")
    await wait_until(pilot, lambda: found.option_count == 1)
    await pilot.press("enter")
    await wait_until(pilot, lambda: found not in app.screen.query("CommandList"))


async def test_it_knows_everything(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await pilot.pause()
        commands = {command.title: command for command in app.get_system_commands(app.screen)}
        for entry in ACTIONS:
            assert not entry.palette or entry.label.capitalize() in commands
        assert {f"Draft: {draft.name}" for draft in app.dialogue.offer.drafts} <= commands.keys()
        assert {f"Theme: {theme}" for theme in app.available_themes} <= commands.keys()
        assert {f"Setting: {name}" for name in Settings.model_fields} <= commands.keys()
        assert {"Turn lookup off", "Turn demo on"} <= commands.keys()
        shown = [command.title for command in commands.values() if command.discover]
        assert len(shown) == sum(entry.palette for entry in ACTIONS), "what is found, not listed"


async def test_what_it_finds_is_done(start: Start, tmp_path: Path) -> None:
    async with start() as (app, pilot):
        await choose(app, pilot, "Draft: prompt")
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use == "lookup")
        await choose(app, pilot, "Turn lookup off")
        await wait_until(pilot, lambda: app.settings.lookup is False)
        assert "lookup = false" in (tmp_path / "config.toml").read_text()
        await choose(app, pilot, "Setting: min_p")
        await wait_until(pilot, lambda: isinstance(app.screen, SettingsScreen))
        highlighted = app.screen.query_one(SettingList).highlighted
        assert highlighted is not None and highlighted.name == "min_p"
