"""One message of the chat. One widget, however long the text."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.message_lines import MessageLines, Role
from tui.widgets.lines import Lines


class MessageView(Lines):
    DEFAULT_CSS = """
    MessageView {
        height: auto;
        margin: 0 2 1 1;
        color: $foreground;
        &.picked { background: $panel; }
    }
    """

    def __init__(self, role: Role, text: str = "") -> None:
        super().__init__(classes=role)
        self.message = MessageLines(role, text)

    @classmethod
    def of(cls, message: MessageLines) -> MessageView:
        """The view of a message that there is already."""
        view = cls(message.role)
        view.message = message
        return view

    @property
    def n_lines(self) -> int:
        """As many lines as were last laid out."""
        return len(self._built)

    @property
    def role(self) -> Role:
        return self.message.role

    @property
    def text(self) -> str:
        return self.message.text

    def grow(self, text: str) -> None:
        """Append to a reply that is being written."""
        self.message.grow(text)
        self.changed()

    def finish(self, text: str, summary: Sequence[str], note: str = "") -> None:
        """Show a reply in its final form."""
        self.message.finish(text, summary, note)
        self.changed()

    def mark(self, marked: bool) -> None:
        """Make it stand out among the others, or not any more."""
        if marked != self.message.marked:
            self.message.marked = marked
            self.set_class(marked, "picked")
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        return self.message.lines(width)
