"""The older messages of a chat as one widget: laying out hundreds of widgets would take its time
at every word of a reply."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content

from tui.message_lines import MessageLines
from tui.widgets.lines import Lines

BLANK = Content("")


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
        self._messages: list[MessageLines] = []
        self._joined: list[Content] = []
        self._joined_width, self._joined_messages = 0, 0

    def take(self, messages: Iterable[MessageLines]) -> None:
        """Add messages at the end."""
        self._messages += messages
        self.changed()

    def build(self, width: int) -> Sequence[Content]:
        if width != self._joined_width:
            self._joined, self._joined_width, self._joined_messages = [], width, 0
        joined = list(self._joined)
        for message in self._messages[self._joined_messages :]:
            joined += [*message.lines(width), BLANK]
        self._joined, self._joined_messages = joined, len(self._messages)
        return joined
