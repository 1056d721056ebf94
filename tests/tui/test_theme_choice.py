"""Themes while the app runs: tried on, kept, and read again when their files change."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from core.configuration import load_settings
from tests.support.pilot import wait_until
from tests.support.still_app import StillApp, press
from tests.tui.conftest import Start
from tui.actions import themes
from tui.app import SpecdecApp
from tui.screens.themes import ThemeList, ThemesScreen
from tui.terminal import Terminal
from tui.theme_files import ThemeFiles
from tui.widgets.key_hints import KeyHints
from tui.widgets.message_view import MessageView

MINE = '[colors]\nprimary = "#123456"\nforeground = "#ffffff"\nbackground = "{ground}"\n'


def write(file: Path, ground: str) -> None:
    """Write a theme so that it is seen to have changed, however short the time since the last."""
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.parent.mkdir(exist_ok=True)
    file.write_text(MINE.format(ground=ground))
    os.utime(file, ns=(before + 10**9, before + 10**9))


def saved(folder: Path) -> str:
    """The theme that `config.toml` has; empty without one."""
    file = folder / "config.toml"
    return tomllib.loads(file.read_text()).get("theme", "") if file.exists() else ""


async def test_the_cursor_tries_on_and_escape_takes_off(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        app.action_change_theme()
        await pilot.pause()
        await pilot.press("home")
        assert app.theme == "colour-blind-dark"
        await pilot.pause()
        assert app.screen_stack[0].styles.background.hex.lower() == "#12151a"
        await pilot.press("escape")
        assert app.theme == "specdec-dark" and len(app.screen_stack) == 1


async def test_enter_keeps_it_and_s_saves_it_too(start: Start, tmp_path: Path) -> None:
    async with start(loaded=False) as (app, pilot):
        app.action_change_theme()
        await pilot.press("home", "enter")
        assert app.theme == app.settings.theme == "colour-blind-dark"
        assert not saved(tmp_path)
        app.action_change_theme()
        await pilot.press("end", "s")
        assert app.theme == "ansi-16"
        await pilot.pause()
        assert not isinstance(app.screen, ThemesScreen)
    assert saved(tmp_path) == "ansi-16"


async def test_a_theme_of_ansi_colours_dresses_every_screen(start: Start) -> None:
    async with start(loaded=False, size=(80, 24), theme="ansi-16") as (app, pilot):
        app.notify("a toast")
        for key in ("f1", "f3", "f5", "ctrl+p"):
            await pilot.press(key)
            await pilot.press("escape", "escape")
        assert app.is_running


async def test_a_theme_in_use_is_read_again_and_a_wrong_one_leaves_the_last(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(themes, "LOOK_AGAIN_S", 0.05)
    file = tmp_path / "themes" / "mine.toml"
    write(file, "#000000")
    async with start(loaded=False, theme="mine") as (app, pilot):
        screen = app.screen
        await wait_until(pilot, lambda: screen.styles.background.hex == "#000000")
        write(file, "#101010")
        await wait_until(pilot, lambda: screen.styles.background.hex == "#101010")
        write(file, "blurple")
        await wait_until(pilot, lambda: app._notifications)
        (note,) = app._notifications
        assert "mine.toml: colors.background = 'blurple'" in note.message
        assert note.message.endswith("its last good version stays.")
        assert screen.styles.background.hex == "#101010"
        file.unlink()
        write(tmp_path / "themes" / "other.toml", "#222222")
        await wait_until(pilot, lambda: "other" in app.available_themes)
        assert app.theme == "mine", "it is worn, so it stays until another is chosen"


async def test_the_list_follows_the_files_and_says_what_is_wrong_with_them(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(themes, "LOOK_AGAIN_S", 0.05)
    file = tmp_path / "themes" / "mine.toml"
    write(file, "blurple")
    async with start(loaded=False, size=(80, 24)) as (app, pilot):
        await wait_until(pilot, lambda: app._notifications)
        app.action_change_theme()
        await pilot.pause()
        said = app.screen.query_one(KeyHints)
        assert "colors.background = 'blurple'" in said.said
        assert not app._notifications, "nothing lies over the list"
        listed = app.screen.query_one(ThemeList)
        before = listed.highlighted.name
        write(file, "#000000")
        await wait_until(pilot, lambda: "mine" in [theme.name for theme in listed._themes])
        assert said.said == "" and listed.highlighted.name == before
        await wait_until(pilot, lambda: listed.size.height == listed.count())
        write(file, "green-ish")
        await wait_until(pilot, lambda: "'green-ish' is not a colour" in said.said)
        assert not app._notifications


def test_a_wrong_file_is_told_once(tmp_path: Path) -> None:
    folder = tmp_path / "themes"
    folder.mkdir()
    (folder / "wrong.toml").write_text("name = 3\n")
    files = ThemeFiles(folder)
    changed, problems = files.look()
    assert changed and ["wrong.toml" in problem for problem in problems] == [True]
    assert files.look() == (False, [])


def test_a_theme_of_the_user_takes_the_place_of_ours_until_it_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "themes"
    files = ThemeFiles(folder)
    write(folder / "specdec-dark.toml", "#000000")
    files.look()
    assert files.themes["specdec-dark"].background == "#000000"
    (folder / "specdec-dark.toml").unlink()
    files.look()
    assert files.themes["specdec-dark"].background != "#000000"


async def test_without_colours_there_is_one_theme() -> None:
    app = SpecdecApp(load_settings({"theme": "linen"}), terminal=Terminal(no_color=True))
    async with app.run_test() as pilot:
        assert app.theme == "monochrome"
        app.theme = "linen"
        assert app.theme == "monochrome"
        app.action_change_theme()
        await pilot.pause()
        assert any("NO_COLOR" in note.message for note in app._notifications)
        app.ask("/theme linen")
        await wait_until(pilot, lambda: "NO_COLOR" in app.divider.hint)


async def test_the_message_that_is_rewritten_stands_out_without_colours_too() -> None:
    app = StillApp("monochrome")
    async with app.run_test() as pilot:
        for text in ("one", "two"):
            await app.ask_and_wait(pilot, text)
            await app.get_reply(pilot, "Yes.")

        def marked() -> list[str]:
            heads = {view.text: view.build(60)[0].plain for view in app.query(MessageView)}
            return [text for text, head in heads.items() if head.startswith("▸ you")]

        for keys, text in ((("alt+up", "alt+up"), ["one"]), (("alt+down",), ["two"])):
            await press(app, pilot, *keys)
            assert marked() == text
        await press(app, pilot, "escape")
        assert marked() == []


async def test_with_few_colours_a_theme_that_was_chosen_counts() -> None:
    poor = Terminal(few_colors=True)
    assert SpecdecApp(load_settings(), terminal=poor).theme == "monochrome"
    assert SpecdecApp(load_settings({"theme": "ansi-16"}), terminal=poor).theme == "ansi-16"
