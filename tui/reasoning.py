"""How a model's reasoning looks in the chat: one line that says how much there is, or all of it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from tui import figures
from tui.markdown.layout import plain_lines

TAIL_LINES = 2
"""So much of the end is seen while it is being written."""
RULE = "┆ "


@dataclass(frozen=True)
class Reasoning:
    """What was thought before the answer; `open` while it is being written."""

    text: str
    open: bool = False

    def lines(self, width: int, *, unfolded: bool) -> list[Content]:
        """A line that tells its length, the text or its end below it, and a blank line."""
        mark = "▾" if unfolded else "▸"
        title = f"{mark} reasoning · {figures.count(len(self.text.split()), 'word')}"
        lines = [Content.styled(title, "$muted").truncate(width, ellipsis=True)]
        if unfolded:
            lines += self._quoted(self.text, width)
        elif self.open:
            end = self.text[-width * (TAIL_LINES + 1) :]
            lines += self._quoted(end, width)[-TAIL_LINES:]
        return [*lines, Content("")]

    def _quoted(self, text: str, width: int) -> list[Content]:
        rule = Content.styled(RULE, "$md-marker")
        folded = plain_lines(text, width - len(RULE)) if text else []
        return [rule + line.stylize_before("$muted") for line in folded]
