"""A list with a cursor that draws only what is seen: Textual's own holds a line per row at each
width, and crashes where there is no room for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from tui.bindings import bindings
from tui.keys_in_lists import IN_LISTS
from tui.widgets.lines import Lines

WHEEL_ROWS = 3


class PickList(Lines, can_focus=True):
    """Arrow keys or j and k move, Enter and a click choose. What the rows are is its heirs' to
    say; every row is `row_height` lines high."""

    DEFAULT_CSS = """
    PickList { height: 1fr; color: $foreground; }
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(IN_LISTS)

    row_height = 1
    lit = False
    """Whether the cursor looks the same without the focus: where Enter chooses from elsewhere."""

    @dataclass
    class Moved(Message):
        """The cursor stands on another row, or the row has changed."""

    @dataclass
    class Picked(Message):
        """Enter was pressed on the row under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.cursor = -1
        self._top = 0

    # -------------------------------------------------------------- what an heir says

    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def step(self, at: int, by: int) -> int:
        """The row `by` steps from `at` that can be chosen, which is any, by default; -1: none."""
        return max(0, min(self.count() - 1, at + by)) if self.count() else -1

    def row(self, index: int, width: int) -> Sequence[Content]:
        """The lines of one row, not wider than `width`."""
        raise NotImplementedError

    # -------------------------------------------------------------- moving

    def move_to(self, index: int) -> None:
        """Put the cursor on a row and bring it into view."""
        self.cursor = index
        self._follow()
        self.changed()
        self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        self.move_to(self.step(self.cursor, by))

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self._room() - 1))

    def action_choose(self) -> None:
        if self.cursor >= 0:
            self.post_message(self.Picked())

    def _room(self) -> int:
        return max(1, self.size.height // self.row_height)

    def _follow(self) -> None:
        """Scroll as little as shows the cursor, and the headings above the first row with it."""
        if not self.size.height:  # not laid out yet
            return
        room, at = self._room(), max(0, self.cursor)
        if self.step(at, -1) == at:
            at = 0
        self._top = min(self._top, at)
        self._top = max(self._top, max(0, self.cursor) - room + 1)
        self._top = max(0, min(self._top, self.count() - room))

    # -------------------------------------------------------------- drawing

    def build(self, width: int) -> Sequence[Content]:
        lines: list[Content] = []
        for index in range(self._top, min(self.count(), self._top + self._room())):
            for line in self.row(index, width):
                whole = line.truncate(width).pad_right(max(0, width - line.cell_length))
                if index == self.cursor:
                    style = "$block-cursor-background" if self.has_focus or self.lit else "$panel"
                    whole = whole.stylize_before(f"$foreground on {style}")
                lines.append(whole)
        return lines

    def on_resize(self) -> None:
        self._follow()
        self.changed()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The event of getting it comes before one has it."""
        super().watch_has_focus(has_focus)
        self.changed()

    def on_click(self, event: events.Click) -> None:
        index = self._top + event.y // self.row_height
        if 0 <= index < self.count() and self.step(index, 0) == index:
            chosen_before = index == self.cursor
            self.move_to(index)
            if chosen_before:
                self.action_choose()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-WHEEL_ROWS)
