"""Themes: ours are complete and legible; a wrong one is named with its key."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import Theme

from core.errors import SpecdecError
from tests.tui.conftest import Start
from tui.theming import OWN_VARIABLES, load_themes, own_themes, read_theme

GOOD = '[colors]\nprimary = "#123456"\nforeground = "#ffffff"\nbackground = "#000000"\n'
THEMES, PROBLEMS = load_themes([own_themes()])


def luminance(color: Color) -> float:
    channels = [value / 255 for value in color.rgb]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""
    dark, light = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))))
    return (light + 0.05) / (dark + 0.05)


def test_ours_are_two_without_problems() -> None:
    assert [theme.name for theme in THEMES] == ["specdec-dark", "specdec-light"]
    assert PROBLEMS == []


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_ours_are_complete_and_legible(theme: Theme) -> None:
    assert set(OWN_VARIABLES) <= set(theme.variables)
    text = {
        name: theme.variables[name]
        for name in OWN_VARIABLES
        if name != "faint" and not name.endswith("-tint")
    }
    text |= {"foreground": str(theme.foreground), "primary": theme.primary}
    for name, color in text.items():
        for ground in (theme.background, theme.surface, theme.panel):
            assert contrast(color, str(ground)) >= 4.5, (name, ground)
    for name in (name for name in OWN_VARIABLES if name.endswith("-tint")):
        on_it = theme.variables[name.removesuffix("-tint")]
        assert contrast(on_it, theme.variables[name]) >= 4.5, name


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("name = ", "cannot be read"),
        (GOOD.replace("#123456", "blurple"), "colors.primary"),
        (GOOD + 'primry = "#fff"\n', "colors.primry"),
        (GOOD + '[variables]\nmuted = "no"\n', "variables.muted"),
        (GOOD.replace("background", "surface"), "colors.background is missing"),
        ("colors = 3\n", "colors must be a table"),
        ("dark = 3\n" + GOOD, "dark"),
    ],
)
def test_a_wrong_theme_is_named_with_its_key(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(SpecdecError, match=r"mine\.toml") as error:
        read_theme(file)
    assert named in error.value.message


async def test_a_user_theme_is_used_and_a_wrong_one_reported(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "themes"
    folder.mkdir()
    (folder / "mine.toml").write_text(GOOD)
    (folder / "wrong.toml").write_text("x = 1\n" + GOOD)
    async with start(loaded=False, theme="mine") as (app, pilot):
        await pilot.pause()
        assert app.theme == "mine"
        assert app.theme_variables["muted"] == "#929cab", "what it leaves out is ours"
        assert ["wrong.toml" in note.message for note in app._notifications] == [True]


async def test_an_unknown_theme_name_falls_back_and_says_so(start: Start) -> None:
    async with start(loaded=False, theme="nope") as (app, pilot):
        await pilot.pause()
        assert app.theme == "specdec-dark"
        assert any("'nope'" in note.message for note in app._notifications)


async def test_the_theme_can_be_changed_while_running(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        app.theme = "specdec-light"
        await pilot.pause()
        assert app.screen.styles.background.hex.lower() == "#faf9f6"
