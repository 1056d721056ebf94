"""A code block that is still being written: each line is laid out once, however long it grows.

What is shown is what `layout` makes of the same block read as a whole.
"""

from __future__ import annotations

import re

from textual.content import Content

from tui.markdown.blocks import Block
from tui.markdown.layout import layout
from tui.stand_ins import spelled

OPENING = re.compile(r"\n*(`{3,}|~{3,})[^\n]*\n")


class OpenFence:
    """The lines of a block at `width` cells. `opened` says where one begins."""

    def __init__(self, opening: re.Match[str], block: Block, width: int) -> None:
        marker = opening[1]
        self._closing = re.compile(f" {{0,3}}{re.escape(marker[0])}{{{len(marker)},}}[ \t]*")
        self._block, self._width = block, width
        self._read_to = opening.end()
        self._lines: list[Content] = []
        self._blank = 0
        """Empty lines at the end: shown when something follows them."""

    @classmethod
    def opened(cls, source: str, block: Block, width: int) -> OpenFence | None:
        """The fence that `source` begins with and of which `block` was read; None for others, such
        as one that stands in a list."""
        opening = OPENING.match(source)
        if opening is None or block.kind != "code" or block.rest:
            return None
        return cls(opening, block, width)

    def lines(self, source: str) -> list[Content] | None:
        """The lines when `source` has grown; None where the block is closed, or may be."""
        *whole, last = source[self._read_to :].split("\n")
        if any(self._closing.fullmatch(line) for line in (*whole, last)):
            return None
        self._read_to = len(source) - len(last)
        for line in whole:
            if line:
                self._lines += self._lay_out(line)
                self._blank = 0
            else:
                self._blank += 1
        if self._lines and not last.strip():
            return self._lines.copy()
        return self._lines + self._lay_out(last if last.strip() else "")

    def _lay_out(self, line: str) -> list[Content]:
        """A line and the empty ones before it; before the first line, what sets the block apart."""
        gap = None if self._lines else self._block.gap
        text = "\n" * self._blank + line if line else ""
        return layout(Block("code", Content(spelled(text)), gap=gap), self._width)
