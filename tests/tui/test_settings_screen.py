"""The settings screen: everything the model has, with its source; changes reach file and engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.configuration import FIELDS
from core.protocol import Load, SetDraft, SetDraftLen
from tests.support.pilot import wait_until
from tests.support.still_app import StillApp, press
from tests.tui.conftest import Start
from tui.app import SpecdecApp
from tui.preferences import EFFECTS, HEADINGS, describe, given_value, next_choice, value_text
from tui.screens.reading import Page
from tui.screens.settings import SettingsScreen
from tui.widgets.key_hints import KeyHints
from tui.widgets.setting_list import SettingList

FREE = {"temperature": None, "max_tokens": None}
"""Not given on the command line, so that the file counts."""


async def open_at(app: SpecdecApp, pilot: Pilot[None], name: str) -> SettingList:
    """The screen with the cursor on a setting."""
    if not isinstance(app.screen, SettingsScreen):
        await pilot.press("alt+s")
    rows = app.screen.query_one(SettingList)
    rows.go_to(name)
    await pilot.pause()
    return rows


def said(app: SpecdecApp) -> str:
    return app.screen.query_one(KeyHints).said


# ------------------------------------------------------------------ the model as a list


def test_every_setting_is_there_with_what_it_means() -> None:
    settings = {setting.name: setting for setting in describe({"theme": ["a", "b"]})}
    assert list(settings) == list(FIELDS)
    assert all(setting.help for setting in settings.values())
    assert settings["lookup"].kind == "switch" and settings["lookup"].choices == ("off", "on")
    assert settings["flash_attn"].choices == ("auto", "on", "off")
    assert settings["theme"].choices == ("a", "b")
    assert settings["draft_len"].kind == settings["temperature"].kind == "text"
    assert settings["seed"].nullable and not settings["ctx"].nullable


def test_effects_and_headings_name_settings_that_exist() -> None:
    named = [name for names in EFFECTS.values() for name in names]
    assert set(named) | set(HEADINGS) <= set(FIELDS)
    assert len(named) == len(set(named))


def test_values_as_text_and_back() -> None:
    settings = {setting.name: setting for setting in describe()}
    assert [value_text(v) for v in (None, True, 0.70, [Path("/a"), Path("/b")], 3)] == [
        *("", "on", "0.7", "/a:/b", "3")
    ]
    assert given_value(settings["seed"], " ") is None
    assert given_value(settings["models_dirs"], "/a:/b") == ["/a", "/b"]
    assert given_value(settings["lookup"], "off") is False
    assert next_choice(settings["flash_attn"], "off") == "auto"
    assert next_choice(settings["flash_attn"], "auto", -1) == "off"
    assert next_choice(settings["flash_attn"], "?") == "auto"


# ------------------------------------------------------------------ the screen


async def test_each_value_says_where_it_comes_from(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text("top_k = 5\n")
    monkeypatch.setenv("SPECDEC_TOP_P", "0.5")
    async with start(loaded=False) as (app, pilot):
        rows = await open_at(app, pilot, "top_k")
        sources = {name: rows._shown[name] for name in ("top_k", "top_p", "threads", "min_p")}
        assert sources == {
            "top_k": ("5", "file"),
            "top_p": ("0.5", "environment"),
            "threads": ("1", "command line"),
            "min_p": ("0.05", "default"),
        }
        await open_at(app, pilot, "top_p")
        await pilot.press("enter", "backspace", "9", "enter")
        assert "SPECDEC_TOP_P counts over it" in said(app)
        assert app.settings.top_p == 0.5
        assert (tmp_path / "config.toml").read_text() == "top_k = 5\ntop_p = 0.9\n"


async def test_a_number_is_checked_while_it_is_typed_and_counts_at_once(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text("# mine\ntemperature = 0.2  # cold\n")
    async with start(loaded=False, **FREE) as (app, pilot):
        await open_at(app, pilot, "temperature")
        await pilot.press("enter", "x")
        assert said(app) == "temperature: '0.2x' is not right; give a number from 0 to 10."
        await pilot.press("enter")
        assert app.settings.temperature == 0.2, "what is wrong is not kept"
        await pilot.press("backspace", "5")
        assert said(app) == ""
        await pilot.press("enter")
        assert app.settings.temperature == app.dialogue.settings.temperature == 0.25
        assert (tmp_path / "config.toml").read_text() == "# mine\ntemperature = 0.25  # cold\n"
        assert said(app) == "temperature = 0.25 is in config.toml now."
        await pilot.press("enter", "9", "escape", "d")
        assert app.settings.temperature == 0.7
        assert said(app).startswith("temperature is not in config.toml any more")
        assert (tmp_path / "config.toml").read_text() == "# mine\n"
        app.use_setting("temperature", 0.5)  # in this session only
        await pilot.press("d")
        assert app.settings.temperature == 0.7
        assert said(app) == "temperature: the default counts."


async def test_switches_and_choices_change_with_one_key_and_reach_the_engine(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as (app, pilot):
        sent: list[object] = []
        send = app.dialogue._send
        monkeypatch.setattr(app.dialogue, "_send", lambda c: (sent.append(c), send(c)))
        await open_at(app, pilot, "lookup")
        await pilot.press("enter")
        assert isinstance(sent[-1], SetDraft) and sent[-1].draft.lookup is False
        await open_at(app, pilot, "draft_len")
        await pilot.press("enter", "ctrl+u", "3", "enter")
        assert isinstance(sent[-1], SetDraftLen) and sent[-1].draft_len == 3
        await open_at(app, pilot, "theme")
        await pilot.press("right")
        assert app.theme == app.settings.theme != "specdec-dark"
        assert "theme" in (tmp_path / "config.toml").read_text()


async def test_what_needs_the_models_anew_says_so_and_offers_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as (app, pilot):
        await open_at(app, pilot, "ctx")
        await pilot.press("r")
        assert "nothing was changed" in said(app)
        await pilot.press("enter", "ctrl+u", *"512", "enter")
        assert said(app) == "ctx = 512 is in config.toml now. r loads the models again."
        sent: list[object] = []
        send = app.dialogue._send
        monkeypatch.setattr(app.dialogue, "_send", lambda c: (sent.append(c), send(c)))
        await pilot.press("r")
        assert isinstance(sent[0], Load) and sent[0].options.n_ctx == 512
        await wait_until(
            pilot,
            lambda: app.dialogue.state.target and app.dialogue.state.target.n_ctx == 512,
        )
        assert app.dialogue.state.draft_in_use.endswith("draft.gguf"), "the draft stays"


async def test_the_list_is_filtered_by_name_and_meaning(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await pilot.press("alt+s", "slash", *"gpu")
        rows = app.screen.query_one(SettingList)
        names = [row.name for row in rows._rows if not isinstance(row, str)]
        assert names == ["n_gpu_layers", "draft_n_gpu_layers"]
        await pilot.press("down", "j")
        assert rows.highlighted and rows.highlighted.name == "draft_n_gpu_layers"
        await pilot.press("slash", "z", "enter", "enter", "d", "escape")
        assert rows.count() > 30, "one step back is to all settings, as it is to all chats"
        await pilot.press("escape")
        assert len(app.screen_stack) == 1


async def test_a_file_that_cannot_be_written_is_said(start: Start, tmp_path: Path) -> None:
    async with start(loaded=False, **FREE) as (app, pilot):
        (tmp_path / "config.toml").write_text("temperature = = 2\n")
        await open_at(app, pilot, "temperature")
        await pilot.press("enter", "enter")
        assert "not valid TOML" in said(app)
        assert app.screen.query_one("#edit Input", Input).has_focus, "nothing typed is lost"


async def test_all_that_is_said_of_a_setting_has_room_in_eighty_columns() -> None:
    app = StillApp("specdec-dark")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(app, pilot, "alt+s")
        screen = app.screen
        assert isinstance(screen, SettingsScreen)
        for setting in screen._settings:
            lines = Page(screen._explain(setting)).build(screen._about.size.width)
            assert len(lines) <= screen._about.size.height, setting.name
