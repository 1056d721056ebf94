"""Presets in the app: kept under a name, used again, deleted."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from core.chats.presets import Preset, presets_path, read_presets, save_preset
from tests.support.pilot import wait_until
from tests.tui.conftest import Start
from tui.app import SpecdecApp
from tui.screens.presets import PresetList, PresetsScreen, described
from tui.widgets.key_hints import KeyHints


async def presets(app: SpecdecApp, pilot: Pilot[None]) -> PresetList:
    app.action_presets()
    await wait_until(pilot, lambda: isinstance(app.screen, PresetsScreen) and app.screen.focused)
    return app.screen.query_one(PresetList)


async def test_what_is_in_use_is_kept_and_used_again(start: Start, models: Path) -> None:
    async with start(temperature=0.5, system="be brief") as (app, pilot):
        await presets(app, pilot)
        await pilot.press("s")
        await wait_until(pilot, lambda: len(app.screen_stack) == 3)
        app.screen.query_one(Input).value = "short answers"
        await pilot.press("enter")
        await wait_until(pilot, presets_path().exists)
        kept = read_presets()[0]["short answers"].values
        assert (kept["temperature"], kept["system"]) == (0.5, "be brief")
        assert (kept["target"], kept["draft"]) == (
            str(models / "target.gguf"),
            str(models / "draft.gguf"),
        )
        save_preset(Preset("cold", {"draft": "lookup", "temperature": 0.0, "system": "rhyme"}))
        await pilot.press("escape")
        rows = await presets(app, pilot)
        await pilot.press("end", "enter")
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use == "lookup")
        assert app.settings.temperature == 0 and app.dialogue.conversation.system == "rhyme"
        assert app.dialogue.state.target, "the target stayed loaded"
        rows = await presets(app, pilot)
        assert [line.plain for line in rows.row(1, 60)] == [
            "cold",
            "  lookup · temperature 0 · “rhyme”",
        ]
        await pilot.press("end", "x", "y")
        await wait_until(pilot, lambda: list(read_presets()[0]) == ["short answers"])
        await pilot.press("home", "enter")
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use.endswith("draft.gguf"))
        assert app.settings.temperature == 0.5


async def test_what_was_at_its_default_is_so_again(start: Start) -> None:
    async with start() as (app, pilot):
        await presets(app, pilot)
        await pilot.press("s")
        await wait_until(pilot, lambda: len(app.screen_stack) == 3)
        app.screen.query_one(Input).value = "plain"
        await pilot.press("enter")
        await wait_until(pilot, presets_path().exists)
        await pilot.press("escape")
        before = app.settings
        for name, value in (("temperature", "0"), ("seed", "4"), ("system", "rhyme")):
            app.use_setting(name, value)
        assert app.settings != before
        await presets(app, pilot)
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.divider.hint == "preset: plain")
        assert app.settings == before


async def test_a_preset_that_cannot_be_used_is_a_sentence(start: Start) -> None:
    save_preset(Preset("gone", {"target": "/nowhere/model.gguf"}))
    async with start() as (app, pilot):
        await presets(app, pilot)
        await pilot.press("enter")
        await wait_until(pilot, lambda: app._notifications)
        assert next(iter(app._notifications)).message.startswith("gone: There is no file /nowhere")
        assert "preset" not in app.divider.hint
        assert app.dialogue.offer.target.endswith("target.gguf")
        presets_path().write_text("[one\n")
        await presets(app, pilot)
        await wait_until(pilot, lambda: "not valid TOML" in app.screen.query_one(KeyHints).said)
        assert not app.screen.query_one(PresetList).build(60)[0].plain, "not: there is none yet"


def test_a_preset_is_described_in_one_line() -> None:
    assert described(Preset("x", {})) == "the defaults"
    values = {"system": "a\nb", "top_k": 3, "target": "/m/big.gguf"}
    assert described(Preset("x", values)) == "big · top_k 3 · “a b”"
