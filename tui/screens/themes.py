"""The list of themes. The one under the cursor is tried on at once; Esc takes it off again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.theme import Theme

from tui.sanitize import clean_line
from tui.widgets.key_hints import LONGEST, KeyHints
from tui.widgets.pick_list import PickList

SWATCHES = ("foreground", "primary", "accepted", "corrected", "bonus", "rejected")
SWATCH = "▪"
KIND_CELLS = 9
OTHER_LINES = 5
"""Of the screen: the title line above, the frame, the keys and the line before them."""


class ThemeList(PickList):
    """One theme a row, with its ground and a few of its colours."""

    def __init__(self, themes: Sequence[Theme], in_use: str) -> None:
        super().__init__(id="themes")
        self._themes, self._in_use = in_order(themes), in_use
        self.cursor = self._place(in_use)

    def take(self, themes: Sequence[Theme]) -> None:
        """Others are there now; the cursor stays on its theme."""
        name = self.highlighted.name
        self._themes = in_order(themes)
        self.cursor = self._place(name)
        self.relayout()
        self.move_to(self.cursor)

    def _place(self, name: str) -> int:
        names = [theme.name for theme in self._themes]
        return names.index(name) if name in names else 0

    @property
    def highlighted(self) -> Theme:
        return self._themes[self.cursor]

    def count(self) -> int:
        return len(self._themes)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return self.count()

    def row(self, index: int, width: int) -> Sequence[Content]:
        theme = self._themes[index]
        swatches = Content.assemble(
            *((SWATCH, f"{color} on {theme.background}") for color in _colors(theme))
        )
        end = Content.assemble((_kind(theme).ljust(KIND_CELLS), "$muted"), swatches, " ")
        if width < 2 * end.cell_length:
            end = Content("")
        room = max(1, width - 3 - end.cell_length)
        name = Content(clean_line(theme.name)).truncate(room, ellipsis=True)
        mark = "● " if theme.name == self._in_use else "  "
        padding = " " * (room - name.cell_length)
        return [Content.assemble((mark, "$accepted"), name, padding, " ", end)]


class ThemesScreen(ModalScreen[tuple[str, bool] | None]):
    """Closes with the theme chosen and whether to keep it for the next start, or with None."""

    CSS = """
    ThemesScreen.beside { align: right top; background: transparent; }
    """
    DEFAULT_CSS = """
    ThemesScreen {
        & > Container {
            width: 46;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            margin: 1 0 0 0;
            background: $surface;
            border: round $primary;
            border-title-color: $foreground;
            padding: 0 1;
        }
        & ThemeList { height: auto; }
        & KeyHints { padding: 0; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q", "back", "back"),
        ("s", "choose(True)", "keep and save"),
    ]

    def __init__(self, themes: Sequence[Theme], in_use: str, wrong: Sequence[str] = ()) -> None:
        """`wrong`: a sentence for each file that cannot be used."""
        super().__init__(classes="beside")
        self._before, self._list, self._hints = in_use, ThemeList(themes, in_use), KeyHints()
        self._wrong = wrong

    def take(self, themes: Sequence[Theme], wrong: Sequence[str]) -> None:
        """The files have changed."""
        self._list.take(themes)
        self._say(wrong)

    def _say(self, wrong: Sequence[str]) -> None:
        rest = f" ({len(wrong) - 1} more files are wrong.)" if len(wrong) > 1 else ""
        self._hints.say(wrong[0] + rest if wrong else "", "$failure")
        self._make_room()

    def compose(self) -> ComposeResult:
        with Container() as box:
            box.border_title = "theme"
            yield self._list
            yield self._hints

    def on_mount(self) -> None:
        self._list.focus()
        self._say(self._wrong)
        self._hints.show([("{list_choose}", "use"), ("s", "use and save"), ("Esc", "back")])

    def on_resize(self) -> None:
        self._make_room()

    def _make_room(self) -> None:
        """The list scrolls, so that there is room for what is said below it."""
        others = OTHER_LINES + (LONGEST - 1 if self._hints.said else 0)
        self._list.styles.max_height = max(1, self.size.height - others)

    @on(PickList.Moved)
    def _try_on(self) -> None:
        self._wear(self._list.highlighted.name)

    @on(PickList.Picked)
    def _picked(self) -> None:
        self.action_choose(False)

    def action_choose(self, keep: bool) -> None:
        self._wear(self._list.highlighted.name)
        self.dismiss((self._list.highlighted.name, keep))

    def action_back(self) -> None:
        self._wear(self._before)
        self.dismiss(None)

    def _wear(self, name: str) -> None:
        if name in self.app.available_themes:  # a user's file may be gone by now
            self.app.theme = name


def in_order(themes: Sequence[Theme]) -> Sequence[Theme]:
    """Dark ones, light ones, those of the terminal; by their names."""
    order = {"dark": 0, "light": 1}
    return sorted(themes, key=lambda theme: (order.get(_kind(theme), 2), theme.name))


def _kind(theme: Theme) -> str:
    if theme.ansi:
        return "terminal"
    return "dark" if theme.dark else "light"


def _colors(theme: Theme) -> list[str]:
    """The colours that tell themes apart, as far as the theme names them."""
    named = {"foreground": theme.foreground, "primary": theme.primary, **theme.variables}
    return [color for name in SWATCHES if (color := named.get(name))]
