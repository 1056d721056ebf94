"""Many messages as one sequence of lines of which only those that are looked at are laid out.

The height of a message is estimated until somebody comes near it. No widget here, so that the
arithmetic can be tested by itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import overload

from textual.content import Content

from tui.message_lines import MessageLines

BLANK = Content("")
MOST_LINES = 3000
"""So many laid-out lines are kept; a line takes about a kilobyte."""


@dataclass(frozen=True)
class Place:
    """A line of a message: `line` of `height` lines in message `index`, at `width` cells."""

    index: int
    line: int
    height: int
    width: int

    def line_at(self, width: int, height: int) -> int:
        """The same line where the message is folded to `width` cells, and then `height` high."""
        line = self.line if width == self.width else self.line * height // self.height
        return min(line, height - 1)


class Archived(Sequence[Content]):
    """The lines of `messages` at `width` cells, with a blank line after each message."""

    def __init__(self, messages: Iterable[MessageLines], width: int) -> None:
        self.width = width
        self._messages: list[MessageLines] = []
        self._heights: list[int] = []
        self._measured: set[int] = set()
        self._ends: list[int] = []
        self._laid_out: OrderedDict[int, list[Content]] = OrderedDict()
        self._n_laid_out = 0
        self.add(messages)

    def add(self, messages: Iterable[MessageLines]) -> None:
        """More messages at the end."""
        messages = list(messages)
        self._messages += messages
        self._heights += [message.estimate(self.width) + 1 for message in messages]
        self._ends = list(accumulate(self._heights))

    # -------------------------------------------------------------- the sequence

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, y: int) -> Content: ...
    @overload
    def __getitem__(self, y: slice) -> list[Content]: ...
    def __getitem__(self, y: int | slice) -> Content | list[Content]:
        if isinstance(y, slice):
            return [self[at] for at in range(*y.indices(len(self)))]
        if not 0 <= y < len(self):
            raise IndexError(y)
        place = self.place(y)
        lines = self._lines(place.index)
        return lines[place.line] if place.line < len(lines) else BLANK

    # -------------------------------------------------------------- messages and their places

    @property
    def n_messages(self) -> int:
        return len(self._messages)

    def place(self, y: int) -> Place:
        """Which message line `y` belongs to; `y` must be within the sequence."""
        index = bisect_right(self._ends, y)
        return Place(index, y - self.start(index), self._heights[index], self.width)

    def start(self, index: int) -> int:
        """The first line of message `index`; one past the last line for one past the last."""
        return self._ends[index - 1] if index else 0

    def height(self, index: int) -> int:
        """Lines of message `index` as far as is known, the blank one included."""
        return self._heights[index]

    def measure(self, index: int, above: int, below: int) -> bool:
        """Lay out the messages within `above` lines before message `index` and `below`
        lines from its beginning on; True where one of them is another than was estimated."""
        changed = False
        at, left = index, below
        while at < len(self._messages) and left > 0:
            changed |= self._measure(at)
            left -= self._heights[at]
            at += 1
        at, left = index - 1, above
        while at >= 0 and left > 0:
            changed |= self._measure(at)
            left -= self._heights[at]
            at -= 1
        if changed:
            self._ends = list(accumulate(self._heights))
        return changed

    def text(self, first: int, last: int) -> str:
        """What lines `first` to `last` say, both included, where their ends have been measured."""
        begin, end = self.place(first), self.place(last)
        lines: list[Content] = []
        for index in range(begin.index, end.index + 1):
            of_message = self._lines(index)
            to = end.line + 1 if index == end.index else len(of_message)
            lines += of_message[begin.line if index == begin.index else 0 : to]
        return "\n".join(line.plain.rstrip() for line in lines)

    def _measure(self, index: int) -> bool:
        if index in self._measured:
            return False
        self._measured.add(index)
        height = len(self._lines(index))
        if height == self._heights[index]:
            return False
        self._heights[index] = height
        return True

    def _lines(self, index: int) -> list[Content]:
        if index in self._laid_out:
            self._laid_out.move_to_end(index)
            return self._laid_out[index]
        message = self._messages[index]
        lines = [*message.lines(self.width), BLANK]
        message.release()
        self._laid_out[index] = lines
        self._n_laid_out += len(lines)
        while self._n_laid_out > MOST_LINES and len(self._laid_out) > 1:
            self._n_laid_out -= len(self._laid_out.popitem(last=False)[1])
        return lines
