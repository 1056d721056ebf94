"""Themes: ours are complete and legible; a wrong one is named with its key."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import Theme

from core.errors import SpecdecError
from tests.tui.conftest import Start
from tui.theming import OWN_VARIABLES, load_themes, missing_variables, own_themes, read_theme

GOOD = '[colors]\nprimary = "#123456"\nforeground = "#ffffff"\nbackground = "#000000"\n'
THEMES, PROBLEMS = load_themes([own_themes()])


def linear(color: Color) -> list[float]:
    channels = [value / 255 for value in color.rgb]
    return [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in channels]


def luminance(color: Color) -> float:
    r, g, b = linear(color)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""
    dark, light = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))))
    return (light + 0.05) / (dark + 0.05)


DARK = next(theme for theme in THEMES if theme.name == "specdec-dark")
WITH_COLORS = [theme for theme in THEMES if not theme.ansi]
"""What the sixteen colours of a terminal look like is the terminal's to say."""
ORIGINS = ("accepted", "corrected", "bonus", "alone", "rejected")
CODE = {name for name in OWN_VARIABLES if name.startswith(("md-", "code-"))}
NO_TEXT = {"faint", *(f"{name}-tint" for name in ORIGINS)}

PROTANOPIA = (
    (0.152286, 1.052583, -0.204868),
    (0.114503, 0.786281, 0.099216),
    (-0.003882, -0.048116, 1.051998),
)
DEUTERANOPIA = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
"""On linear RGB, severity 1.0: Machado, Oliveira and Fernandes, "A Physiologically-based Model for
Simulation of Color Vision Deficiency", IEEE TVCG 15 (6), 2009, table of matrices."""
Matrix = tuple[tuple[float, ...], ...]


def lab(color: str, seen_by: Matrix) -> tuple[float, float, float]:
    """CIE L*a*b* (D65) of a colour as such an eye sees it."""
    rgb = linear(Color.parse(color))
    r, g, b = (
        min(1.0, max(0.0, sum(weight * value for weight, value in zip(row, rgb, strict=True))))
        for row in seen_by
    )
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089
    fx, fy, fz = (
        value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in (x, y, z)
    )
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def test_ours_are_eight_or_more_without_problems() -> None:
    names = {theme.name for theme in THEMES}
    assert len(names) == len(THEMES) >= 8
    assert {"ansi-16", "monochrome", "specdec-dark", "specdec-light"} <= names
    assert {"colour-blind-dark", "colour-blind-light", "contrast-dark", "contrast-light"} <= names
    assert PROBLEMS == []


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_ours_are_complete(theme: Theme) -> None:
    assert set(OWN_VARIABLES) <= set(theme.variables)
    assert set(DARK.variables) <= set(theme.variables), "what one of them sets of Textual's, all do"


@pytest.mark.parametrize("theme", WITH_COLORS, ids=lambda theme: theme.name)
def test_every_text_is_legible_on_every_ground_it_is_used_on(theme: Theme) -> None:
    own = theme.variables
    least = 7.0 if theme.name.startswith("contrast") else 4.5
    page = [str(theme.background), str(theme.surface)]
    everywhere = [*page, str(theme.panel), own["block-cursor-background"]]
    text = {name: own[name] for name in OWN_VARIABLES if name not in NO_TEXT}
    text |= {"foreground": str(theme.foreground), "primary": theme.primary}
    for name, color in text.items():
        for ground in page if name in CODE else everywhere:
            assert contrast(color, ground) >= least, (name, ground)
    for name in ORIGINS:
        for over in ("foreground", name):
            assert contrast(text[over], own[f"{name}-tint"]) >= least, (over, f"{name}-tint")
    for over, ground in (
        (own["input-cursor-foreground"], own["input-cursor-background"]),
        (own["block-cursor-foreground"], own["block-cursor-background"]),
        (own["screen-selection-foreground"], own["screen-selection-background"]),
        (text["foreground"], own["input-selection-background"]),
    ):
        assert contrast(over, ground) >= least, (over, ground)


@pytest.mark.parametrize("name", ["colour-blind-dark", "colour-blind-light"])
@pytest.mark.parametrize("eye", [PROTANOPIA, DEUTERANOPIA], ids=["protanopia", "deuteranopia"])
def test_origins_differ_for_eyes_without_red_or_green(name: str, eye: Matrix) -> None:
    theme = next(theme for theme in THEMES if theme.name == name)
    seen = {origin: lab(theme.variables[origin], eye) for origin in ORIGINS}
    for one, other in itertools.combinations(ORIGINS, 2):
        assert math.dist(seen[one], seen[other]) >= 20, (one, other)
    for one, other in itertools.combinations(ORIGINS[:3] + ORIGINS[4:], 2):
        assert abs(seen[one][0] - seen[other][0]) >= 6, f"as bright as each other: {one}, {other}"


def test_without_colours_origins_differ_by_their_text_styles() -> None:
    mono = next(theme for theme in THEMES if theme.name == "monochrome")
    for tint in ("", "-tint"):
        styles = {mono.variables[f"{name}{tint}-text-style"] for name in ORIGINS}
        assert len(styles) == len(ORIGINS)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_one_colour_does_not_ask_for_two_text_styles(theme: Theme) -> None:
    found: dict[str, set[str]] = {}
    for key, style in theme.variables.items():
        name = key.removesuffix("-text-style")
        if name != key and name in theme.variables:
            found.setdefault(theme.variables[name], set()).add(style)
    assert not {color: styles for color, styles in found.items() if len(styles) > 1}


def test_all_mistakes_of_a_theme_are_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = 3\ndark = "yes"\n[colors]\nprimary = "bluish"\nink = "red"\npaper = "red"\n'
        '[variables]\nmuted = 7\nbonus-text-style = "loud"\n'
    )
    with pytest.raises(SpecdecError) as caught:
        read_theme(file)
    said = caught.value.message
    for mistake in (
        *("name must be a text", "dark must be true or false", "colors.primary = 'bluish' is not"),
        *("colors.ink and colors.paper are not known", "colors.foreground is missing"),
        *("colors.background is missing", "variables.muted = 7 is not a colour"),
        "bonus-text-style = 'loud' is not a text style",
    ):
        assert said.count(mistake) == 1


def test_a_file_s_name_cannot_command_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "\x1b[2Jnoir.toml"
    file.write_text(GOOD)
    assert read_theme(file).name == "\\x1b[2Jnoir"
    file.write_text("name = ")
    with pytest.raises(SpecdecError) as caught:
        read_theme(file)
    assert caught.value.message.isprintable()


def test_tints_that_a_theme_lacks_are_mixed_from_its_own_colours() -> None:
    theme = Theme("mine", primary="#123456", background="#000000", variables={"bonus": "#ff0000"})
    found = missing_variables(theme, DARK)
    assert found["accepted"] == DARK.variables["accepted"]
    assert found["bonus-tint"].lower() == "#230000"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("name = ", "not valid TOML"),
        (GOOD.replace("#123456", "blurple"), "colors.primary"),
        (GOOD + 'primry = "#fff"\n', "colors.primry"),
        (GOOD + '[variables]\nmuted = "no"\n', "variables.muted"),
        (GOOD.replace("background", "surface"), "colors.background is missing"),
        ("colors = 3\n", "colors must be a table"),
        ("dark = 3\n" + GOOD, "dark"),
        ('name = "\\u202enoir"\n' + GOOD, "name must be a text of one line"),
        ("ansi = 1\n" + GOOD, "ansi"),
        (GOOD + '[variables]\nmuted-text-style = "loud"\n', "variables.muted-text-style"),
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
        assert app.theme_variables["muted"] == DARK.variables["muted"], "what it leaves out is ours"
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
