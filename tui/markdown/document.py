"""A Markdown text that grows: closed blocks are laid out once, only the open one again."""

from __future__ import annotations

from dataclasses import replace

from textual.content import Content

from tui.markdown.blocks import Block, Parsed, parse
from tui.markdown.highlight import highlighted
from tui.markdown.layout import layout
from tui.markdown.open_fence import OpenFence

LINK_TARGET = "]:"


class Document:
    """The lines of a growing Markdown source at the current width; a source that is given at the
    beginning is complete unless something is appended.

    Appending costs what the open block costs; the number of closed blocks does not matter.
    """

    def __init__(self, source: str = "") -> None:
        self.source = source
        self._closed: list[Block] = []
        self._closed_lines: list[Content] = []
        self._open_from = 0
        self._width = 0
        self._lines: list[Content] | None = None
        self._complete = bool(source)
        self._fence: OpenFence | None = None

    def append(self, text: str) -> None:
        if self._complete:
            self._begin_again(complete=False)
        self.source += text
        self._lines = None

    def finish(self, source: str) -> None:
        """Replace the text by its final form and read it as a whole, with code highlighted."""
        if source != self.source or LINK_TARGET in source:  # which changes what was read before it
            self.source = source
            self._begin_again(complete=True)
        elif not self._complete:
            self._complete, self._lines, self._fence = True, None, None

    def _begin_again(self, *, complete: bool) -> None:
        self._complete = complete
        self._closed, self._closed_lines, self._open_from = [], [], 0
        self._lines = self._fence = None

    def lines(self, width: int) -> list[Content]:
        """All lines at `width` cells."""
        if width != self._width:
            self._width = width
            self._closed_lines = [line for block in self._closed for line in layout(block, width)]
            self._lines = self._fence = None
        if self._lines is None:
            self._lines = self._grown_fence() or self._read()
        return self._lines

    @property
    def stable_lines(self) -> int:
        """How many of the first lines belong to closed blocks and so stay as they are."""
        return len(self._closed_lines)

    def _grown_fence(self) -> list[Content] | None:
        """All lines where nothing but an open code block has grown."""
        lines = self._fence.lines(self.source[self._open_from :]) if self._fence else None
        return None if lines is None else self._closed_lines + lines

    def _read(self) -> list[Content]:
        self._fence = None
        parsed = parse(self.source[self._open_from :])
        blocks = self._joined(parsed)
        settled = len(blocks) if self._complete else len(blocks) - parsed.open_blocks
        for block in blocks[:settled]:
            self._close(block)
        if self._complete:
            self._open_from = len(self.source)
        elif settled:
            self._open_from += _offset_of_line(self.source[self._open_from :], parsed.open_line)
        if not self._complete and len(blocks) == settled + 1:
            rest = self.source[self._open_from :]
            self._fence = OpenFence.opened(rest, blocks[settled], self._width)
        open_lines = [line for block in blocks[settled:] for line in layout(block, self._width)]
        return self._closed_lines + open_lines

    def _joined(self, parsed: Parsed) -> list[Block]:
        """The blocks just read, with the gap that their place after closed blocks asks for."""
        blocks = list(parsed.blocks)
        if blocks and self._closed and blocks[0].gap is None:
            blocks[0] = replace(blocks[0], gap="")
        return blocks

    def _close(self, block: Block) -> None:
        block = highlighted(block)
        self._closed.append(block)
        self._closed_lines += layout(block, self._width)


def _offset_of_line(text: str, line: int) -> int:
    offset = 0
    for _ in range(line):
        offset = text.index("\n", offset) + 1
    return offset
