"""The older messages of a chat as one widget: laying out hundreds of widgets would take its time
at every word of a reply. Thousands of messages cost what is seen of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.geometry import Offset
from textual.selection import Selection

from tui.archived import Archived, Place
from tui.message_lines import MessageLines
from tui.widgets.lines import Lines


class Archive(Lines):
    """Looks as if each message still had its own widget."""

    DEFAULT_CSS = """
    Archive {
        height: auto;
        margin: 0 2 0 1;
        color: $foreground;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[MessageLines] = []
        self._near = (0, 0, 0)

    @property
    def n_messages(self) -> int:
        return len(self.messages)

    @property
    def keys(self) -> list[int | None]:
        """What names each message."""
        return [message.key for message in self.messages]

    @property
    def width(self) -> int:
        """Cells that the messages are folded to."""
        return self._built_width

    @property
    def archived(self) -> Archived | None:
        """The lines as they were last laid out; None before the first time."""
        return self._built if isinstance(self._built, Archived) else None

    def take(self, messages: Iterable[MessageLines]) -> None:
        """Add messages at the end."""
        messages = list(messages)
        self.messages += messages
        if self.archived is not None:
            self.archived.add(messages)
        self._moved()

    def clear(self) -> None:
        """Forget all messages."""
        self.messages, self._near = [], (0, 0, 0)
        self._built = ()
        self.changed()

    def build(self, width: int) -> Sequence[Content]:
        """At a new width what was looked at is measured at once, so that it is painted right."""
        archived = Archived(self.messages, width)
        archived.measure(*self._near)
        return archived

    def fold(self, width: int) -> None:
        """Lay out for a container of `width` cells. Textual itself would look up a height that it
        has kept, though more has been measured since."""
        width -= self.styles.margin.width
        if width > 0 and width != self._built_width:
            self.lines(width)
            self._moved()

    def measure(self, index: int, above: int, below: int) -> bool:
        """Lay out around message `index`, as `Archived.measure` does. True where lines moved: the
        caller keeps the reader's place."""
        self._near = (index, above, below)
        archived = self.archived
        if archived is None or self.screen._selecting:  # what is held by the mouse stays put
            return False
        selection = self.text_selection
        ends = [_place(archived, end) for end in selection or ()]
        if not archived.measure(index, above, below):
            return False
        if selection:
            moved = Selection(*(_offset(archived, *end) for end in ends))
            self.screen.selections = {**self.screen.selections, self: moved}
        self._moved()
        return True

    def changed(self) -> None:
        """The look of messages has changed: lay them out anew."""
        self._built_width = -1
        self._moved()

    def _moved(self) -> None:
        self._strips.clear()
        self.relayout()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        archived = self.archived
        if not archived:
            return None
        last_line = len(archived) - 1
        first = min(selection.start.y, last_line) if selection.start else 0
        last = min(selection.end.y, last_line) if selection.end else last_line
        text = archived.text(first, last)
        rest = Selection(
            selection.start and Offset(selection.start.x, 0),
            selection.end and Offset(selection.end.x, text.count("\n")),
        )
        return rest.extract(text), "\n"


def _place(archived: Archived, end: Offset | None) -> tuple[int, Place | None]:
    return (end.x, archived.place(end.y)) if end and end.y < len(archived) else (0, None)


def _offset(archived: Archived, x: int, place: Place | None) -> Offset | None:
    return Offset(x, archived.start(place.index) + place.line) if place else None
