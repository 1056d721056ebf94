"""The line between chat and composer: shows how far a load or a prefill is, and short hints."""

from __future__ import annotations

from rich.segment import Segment
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.style import Style
from textual.timer import Timer
from textual.widget import Widget

HINT_S = 6.0
MOST_ROWS, SCREEN_ROWS = 3, 5
"""Rows of a hint that is too long for the line itself, at most; so many rows has the screen for
each of them."""


class Divider(Widget):
    """One row; nothing around it moves when it has something to say, but where that is longer than
    the row: then it stands above the line, and the chat makes room for it."""

    DEFAULT_CSS = """
    Divider {
        height: auto;
        color: $faint;
    }
    """

    fraction: reactive[float | None] = reactive(None)
    """From 0 to 1 while there is progress to show."""
    hint: reactive[str] = reactive("")
    lasting: reactive[str] = reactive("")
    """Shown while there is no hint."""

    _until: Timer | None = None
    """Takes back what was said last."""

    def say(self, hint: str, seconds: float | None = None) -> None:
        """Show a hint for a few seconds, from now on also where it stands there already."""
        self.hint = hint
        if self._until is not None:
            self._until.stop()
        self._until = self.set_timer(seconds or HINT_S, lambda: self.unsay(hint))

    def unsay(self, hint: str) -> None:
        """Take a hint back that is not true any more."""
        if self.hint == hint:
            self.hint = ""

    def watch_hint(self) -> None:
        self._make_room()

    def watch_lasting(self) -> None:
        self._make_room()

    def _make_room(self) -> None:
        if self.size and len(self._above(self.size.width)) + 1 != self.size.height:
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return len(self._above(width)) + 1

    def _above(self, width: int) -> list[Content]:
        """The rows of what is said where the line has no room for it."""
        said = Content(self.hint or self.lasting)
        if said.cell_length + 4 <= width:
            return []
        room, most = max(1, width - 2), min(MOST_ROWS, self.app.size.height // SCREEN_ROWS) or 1
        rows = said.wrap(room)
        if len(rows) > most:
            rest = Content(" ").join(rows[most - 1 :])
            rows = [*rows[: most - 1], rest.truncate(room, ellipsis=True)]
        return rows

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        above = self._above(width)
        line = self.rich_style
        said = line + Style.parse("$primary", self.app.theme_variables).rich_style
        if y < len(above):
            return Strip([Segment(f" {above[y].plain}", said)]).adjust_cell_length(width, line)
        text = "" if above else self.hint or self.lasting
        label = Content(f" {text} " if text else "")
        room = width - label.cell_length - (2 if label else 0)
        done = 0 if self.fraction is None else round(max(0.0, min(1.0, self.fraction)) * room)
        segments = [Segment("━" * done, said), Segment("─" * (room - done), line)]
        if label:
            segments += [Segment(label.plain, said), Segment("──", line)]
        return Strip(segments).adjust_cell_length(width, line)
