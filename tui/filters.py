"""What stands between the widgets and the terminal: meaning where colours cannot carry it, no
colours where none are wanted, and ASCII where nothing else can be shown.

A filter sees every strip of the screen, whoever drew it, so this is the one place for all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.scrollbar import ScrollBarRender
from textual.theme import Theme

from tui.stand_ins import ascii_text
from tui.theming import NOT_COLORS

SUFFIX = "-" + NOT_COLORS
SET_BY_TEXTUAL = ("block-cursor", "input-cursor")
"""Their text styles are Textual's own variables, and stand in its style sheets."""


NOT_DIM = Style(dim=False)


class TextStyles(LineFilter):
    """Sets text off by its style as well as by its colour, as the theme says with its variables
    `NAME-text-style`; with `bare` it leaves every colour out. In a theme of ANSI colours the colour
    only names the style, and is left out."""

    def __init__(self, theme: Theme, bare: bool) -> None:
        styles = styles_by_color(theme)
        super().__init__(enabled=bool(styles) or bare)
        if not (bare or theme.ansi):  # a grey that is seen is dim by itself
            styles = {color: style + NOT_DIM for color, style in styles.items()}
        self._styles, self._bare = styles, bare
        self._only_ansi = theme.ansi
        self._foreground = None if theme.ansi else _rich(theme.foreground)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [
            Segment(text, style and self._restyled(style), control)
            for text, style, control in segments
        ]

    def _restyled(self, style: Style) -> Style:
        color, ground = style.color, style.bgcolor
        own = self._styles.get(color) if color else None
        below = self._styles.get(ground) if ground else None
        if own is None and below is None and not self._bare:
            return style
        style = style + own + below  # None adds nothing
        if self._bare:
            return _with_colors(style, None, None)
        if below and below.reverse:
            color = self._foreground  # so that a chosen row is one colour, whatever stands on it
        elif self._only_ansi and own is not None:
            color = None
        return _with_colors(style, color, None if self._only_ansi and below is not None else ground)


class AsciiOnly(LineFilter):
    """Puts an ASCII stand-in of the same width in the place of every other character."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [
            segment if segment.text.isascii() else Segment(ascii_text(segment.text), *segment[1:])
            for segment in segments
        ]


class BlankEnds(ScrollBarRender):
    """A scroll bar whose ends are whole cells: there are no eighths of one in ASCII."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def styles_by_color(theme: Theme) -> Mapping[RichColor, Style]:
    """The text styles that the theme asks for, by the colour they belong to."""
    found: dict[RichColor, Style] = {}
    for key, words in theme.variables.items():
        name = key.removesuffix(SUFFIX)
        color = theme.variables.get(name) or getattr(theme, name, None)
        if name != key and name not in SET_BY_TEXTUAL and isinstance(color, str):
            found[Color.parse(color).rich_color] = Style.parse(words)
    return found


def _rich(color: str | None) -> RichColor | None:
    return Color.parse(color).rich_color if color else None


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
