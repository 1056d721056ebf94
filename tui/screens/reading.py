"""A screen of text to read: help and the engine's log are such."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from tui.bindings import bindings
from tui.keys_in_lists import IN_PAGES
from tui.widgets.lines import Lines


class Entry(NamedTuple):
    """A name and what it means, whose lines all begin in the same column."""

    name: Content
    text: Content


class Page(Lines):
    """Lines that were given, wrapped."""

    DEFAULT_CSS = """
    Page { height: auto; color: $foreground; }
    """

    def __init__(self, content: Sequence[Content | Entry]) -> None:
        super().__init__()
        self._content = content

    def build(self, width: int) -> Sequence[Content]:
        return [part for line in self._content for part in _wrapped(line, max(8, width))]


def _wrapped(line: Content | Entry, width: int) -> Sequence[Content]:
    if isinstance(line, Content):
        return line.wrap(width) or [line]
    name, text = line
    indent = name.cell_length
    if indent > width // 2:
        return _wrapped(name + text, width)
    first, *others = text.wrap(width - indent) or [text]
    return [name + first, *(other.pad_left(indent) for other in others)]


class ReadingScreen(ModalScreen[None]):
    """Shows lines under a title until it is closed."""

    DEFAULT_CSS = """
    ReadingScreen > VerticalScroll {
        width: 92;
        max-width: 100%;
        height: auto;
        max-height: 90%;
        background: $surface;
        border: round $primary;
        border-title-color: $foreground;
        border-subtitle-color: $muted;
        padding: 1 2;
        scrollbar-size-vertical: 1;
        & Page { padding-right: 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "close"),
        ("q", "dismiss(None)", "close"),
        Binding("f12", "dismiss(None)", "close", id="engine_log"),
        *bindings(IN_PAGES),
    ]

    def __init__(
        self, title: str, content: Sequence[Content | Entry], from_end: bool = False
    ) -> None:
        super().__init__()
        self._title, self._content, self._from_end = title, content, from_end

    def compose(self) -> ComposeResult:
        box = VerticalScroll(Page(self._content), can_focus=False)  # the keys are the screen's
        box.border_title = Content(self._title)
        box.border_subtitle = "Esc closes"
        yield box

    def on_mount(self) -> None:
        if self._from_end:
            self._box.scroll_end(animate=False)

    # -------------------------------------------------------------- keys

    @property
    def _box(self) -> VerticalScroll:
        return self.query_one(VerticalScroll)

    def action_line(self, by: int) -> None:
        self._box.scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        self._box.scroll_relative(y=by * max(1, self._box.size.height - 1), animate=False)

    def action_edge(self, by: int) -> None:
        if by < 0:
            self._box.scroll_home(animate=False)
        else:
            self._box.scroll_end(animate=False)
