"""What a message of the chat looks like: a header line and its text, at any width.

Apart from the widget, since old messages outlive theirs: many of them share one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from textual.content import Content

from tui.markdown.document import Document
from tui.markdown.layout import MIN_WIDTH, plain_lines
from tui.replies import shortened

Role = Literal["user", "assistant", "note"]
LABELS: dict[Role, tuple[str, str]] = {
    "user": ("you", "bold $user"),
    "assistant": ("assistant", "bold $assistant"),
    "note": ("note", "bold $notice"),
}


class MessageLines:
    """A message by the user (as typed), the assistant (Markdown) or the app (a note)."""

    def __init__(self, role: Role, text: str = "") -> None:
        self.role = role
        self.summary: Sequence[str] = ()
        self.note = ""
        self.key: int | None = None
        """Names the message where it is one of the conversation."""
        self.place = ""
        """Which of several branches it begins, such as 2/3."""
        self._text = "" if role == "assistant" else text
        self._document = Document(text) if role == "assistant" else None

    @property
    def text(self) -> str:
        """The text as it was given."""
        return self._document.source if self._document else self._text

    def grow(self, text: str) -> None:
        """Append to a reply that is being written."""
        assert self._document is not None
        self._document.append(text)

    def finish(self, text: str, summary: Sequence[str], note: str = "") -> None:
        """Give a reply its final form."""
        assert self._document is not None
        self._document.finish(text)
        self.summary, self.note = summary, note

    def lines(self, width: int) -> list[Content]:
        """Header, text, and what went wrong, if something did."""
        lines = [self._header(width)]
        if self._document:
            lines += self._document.lines(width)
        else:
            lines += plain_lines(self._text, width)
        if self.note:
            lines.append(Content(""))
            lines += [line.stylize_before("$failure") for line in plain_lines(self.note, width)]
        return lines

    def estimate(self, width: int) -> int:
        """About how many lines there will be, without laying them out."""
        width = max(MIN_WIDTH, width)
        return 1 + sum(-(-len(line) // width) or 1 for line in self.text.split("\n"))

    def release(self) -> None:
        """Give up what can be made again from the text: many messages are kept, few are seen."""
        if self._document:
            self._document = Document(self._document.source)

    def _header(self, width: int) -> Content:
        label, style = LABELS[self.role]
        place = f"  {self.place}" if self.place else ""
        taken = len(label) + len(place)
        summary = shortened(self.summary, width - taken - 2)
        gap = " " * max(0, width - taken - len(summary))
        return Content.assemble((label, style), (place, "$primary"), gap, (summary, "$muted"))
