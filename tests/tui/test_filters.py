"""Text styles where colours cannot carry a meaning; no colours; what the mouse finds stays."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from tui.filters import AsciiOnly, TextStyles
from tui.theming import load_themes, own_themes

THEMES = {theme.name: theme for theme in load_themes([own_themes()])[0]}
BLACK = Color.parse("black")


def segment(theme: Theme, color: str, ground: str = "", **more: object) -> Segment:
    """A piece of text in the colours that these variables of the theme have."""
    own = {"foreground": theme.foreground, "background": theme.background, **theme.variables}
    style = Style(
        color=Color.parse(str(own[color])).rich_color,
        bgcolor=Color.parse(str(own[ground or "background"])).rich_color,
        **more,  # type: ignore[arg-type]  # whatever a style takes
    )
    return Segment("text", style)


def filtered(theme: Theme, bare: bool, piece: Segment) -> Style:
    style = TextStyles(theme, bare).apply([piece], BLACK)[0].style
    assert style is not None
    return style


def test_without_colours_the_styles_remain() -> None:
    mono = THEMES["monochrome"]
    muted = filtered(mono, True, segment(mono, "muted"))
    assert muted.color is None and muted.bgcolor is None and muted.dim
    chosen = filtered(mono, True, segment(mono, "muted", "block-cursor-background"))
    assert chosen.reverse
    heading = filtered(mono, True, segment(mono, "md-heading", bold=True))
    assert heading.bold and heading.underline


def test_a_grey_that_is_seen_is_not_made_dim_as_well() -> None:
    mono = THEMES["monochrome"]
    muted = filtered(mono, False, segment(mono, "muted"))
    assert not muted.dim and muted.color == Color.parse(mono.variables["muted"]).rich_color
    assert filtered(mono, False, segment(mono, "corrected")).underline


def test_in_sixteen_colours_no_other_colour_is_written() -> None:
    theme = THEMES["ansi-16"]
    for name, value in theme.variables.items():
        if value.startswith("#"):
            style = filtered(theme, False, segment(theme, name))
            assert style.color is None, name
            assert filtered(theme, False, segment(theme, "foreground", name)).bgcolor is None, name
    kept = filtered(theme, False, segment(theme, "accepted"))
    assert kept.color is not None and kept.color.number == 2, "green, whatever that is"


def test_themes_that_ask_for_no_text_styles_are_left_alone() -> None:
    dark = THEMES["specdec-dark"]
    assert not TextStyles(dark, bare=False).enabled
    assert TextStyles(dark, bare=True).enabled


def test_what_the_mouse_finds_stays() -> None:
    dark = THEMES["specdec-dark"]
    piece = segment(dark, "muted", meta={"offset": (3, 4)}, link="somewhere")
    style = filtered(dark, True, piece)
    assert style.meta == {"offset": (3, 4)} and style.link == "somewhere"


def test_ascii_replaces_text_and_keeps_its_style() -> None:
    style = Style(bold=True)
    assert AsciiOnly().apply([Segment("× é", style)], BLACK) == [Segment("x e", style)]
