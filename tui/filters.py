"""What stands between the widgets and the terminal: meaning where colours cannot carry it, no
colours where none are wanted, and ASCII where nothing else can be shown.

A filter sees every strip of the screen, whoever drew it, so this is the one place for all of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

from tui.stand_ins import ascii_text
from tui.theming import NOT_COLORS

SUFFIX = "-" + NOT_COLORS
SET_BY_TEXTUAL = ("block-cursor", "input-cursor")
"""Their text styles are Textual's own variables, and stand in its style sheets."""


class TextStyles(LineFilter):
    """Sets text off by its style as well as by its colour, as the theme says with its variables
    `NAME-text-style`; with `bare` it leaves every colour out."""

    def __init__(self, theme: Theme, bare: bool) -> None:
        styles = styles_by_color(theme)
        super().__init__(enabled=bool(styles) or bare)
        self._styles, self._bare = styles, bare
        self._only_ansi = theme.ansi

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [
            Segment(text, style and self._restyled(style), control)
            for text, style, control in segments
        ]

    def _restyled(self, style: Style) -> Style:
        color, ground = style.color, style.bgcolor
        for found in (color, ground):
            extra = self._styles.get(found) if found else None
            style = style + extra if extra else style
        if self._bare:
            return _with_colors(style, None, None)
        if self._only_ansi and (_is_rgb(color) or _is_rgb(ground)):
            kept = [None if _is_rgb(found) else found for found in (color, ground)]
            return _with_colors(style, *kept)
        return style


class AsciiOnly(LineFilter):
    """Puts an ASCII stand-in of the same width in the place of every other character."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [
            segment if segment.text.isascii() else Segment(ascii_text(segment.text), *segment[1:])
            for segment in segments
        ]


def styles_by_color(theme: Theme) -> Mapping[RichColor, Style]:
    """The text styles that the theme asks for, by the colour they belong to."""
    found: dict[RichColor, Style] = {}
    for key, words in theme.variables.items():
        name = key.removesuffix(SUFFIX)
        color = theme.variables.get(name) or getattr(theme, name, None)
        if name != key and name not in SET_BY_TEXTUAL and isinstance(color, str):
            found[Color.parse(color).rich_color] = Style.parse(words)
    return found


def _is_rgb(color: RichColor | None) -> bool:
    return color is not None and color.triplet is not None


def _with_colors(style: Style, color: RichColor | None, ground: RichColor | None) -> Style:
    """`style` in other colours. Its link and what the mouse finds in it stay."""
    return Style(
        color=color,
        bgcolor=ground,
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        blink=style.blink,
        reverse=style.reverse,
        strike=style.strike,
        link=style.link,
        meta=style.meta or None,
    )
