"""What a message of the chat looks like: a header line and its text, at any width.

Apart from the widget, since old messages outlive theirs: many of them share one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from textual.content import Content

from core.reasoning import may_begin, split
from tui.markdown.document import Document
from tui.markdown.layout import MIN_WIDTH, plain_lines
from tui.reasoning import Reasoning
from tui.replies import shortened

Role = Literal["user", "assistant", "note"]
LABELS: dict[Role, tuple[str, str]] = {
    "user": ("you", "bold $user"),
    "assistant": ("assistant", "bold $assistant"),
    "note": ("note", "bold $notice"),
}

MARK = "▸ "


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
        self.text = text
        """The text as it was given."""
        self.unfolded = False
        self.marked = False
        """Stands out, also where no colour can make it."""
        self._thought: Reasoning | None = None
        self._document: Document | None = None
        if role == "assistant":
            self._document = Document()
            if text:
                self._read(complete=True)

    @property
    def has_reasoning(self) -> bool:
        return self._thought is not None

    def grow(self, text: str) -> None:
        """Append to a reply that is being written."""
        assert self._document is not None
        self.text += text
        if self._document.source:  # the answer has begun
            self._document.append(text)
        else:
            self._read(complete=False)

    def finish(self, text: str, summary: Sequence[str], note: str = "") -> None:
        """Give a reply its final form."""
        self.text = text
        self._read(complete=True)
        self.summary, self.note = summary, note

    def _read(self, *, complete: bool) -> None:
        """Tell reasoning and answer apart."""
        assert self._document is not None
        parts = split(self.text)
        if parts.reasoning or parts.open:
            self._thought = Reasoning(parts.reasoning, parts.open and not complete)
        if complete:
            self._document.finish(parts.answer)
        elif not may_begin(parts.answer):
            self._document.append(parts.answer)

    def lines(self, width: int) -> list[Content]:
        """Header, text, and what went wrong, if something did."""
        lines = [self._header(width)]
        if self._thought:
            lines += self._thought.lines(width, unfolded=self.unfolded)
        if self._document:
            lines += self._document.lines(width)
        else:
            lines += plain_lines(self.text, width)
        if self.note:
            lines.append(Content(""))
            lines += [line.stylize_before("$failure") for line in plain_lines(self.note, width)]
        return lines

    def estimate(self, width: int) -> int:
        """About how many lines there will be, without laying them out."""
        text = self._document.source if self._document else self.text
        folded = 2 if self._thought else 0
        width = max(MIN_WIDTH, width)
        return 1 + folded + sum(-(-len(line) // width) or 1 for line in text.split("\n"))

    def release(self) -> None:
        """Give up what can be made again from the text: many messages are kept, few are seen."""
        if self._document:
            self._document = Document(self._document.source)

    def _header(self, width: int) -> Content:
        label, style = LABELS[self.role]
        label = MARK + label if self.marked else label
        place = f"  {self.place}" if self.place else ""
        taken = len(label) + len(place)
        summary = shortened(self.summary, width - taken - 2)
        gap = " " * max(0, width - taken - len(summary))
        return Content.assemble((label, style), (place, "$primary"), gap, (summary, "$muted"))
