"""The chats on disk, one line each; or, of a search, two: where it is, and the words in place."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual.content import Content

from core.chats.search import Hit
from core.chats.store import Listed
from tui.ages import ago
from tui.sanitize import clean_line
from tui.saved_chats import Row
from tui.widgets.pick_list import PickList

EMPTY = "Nothing is saved yet: a chat is here from its first message on."
NO_HIT = "No chat has these words."
NO_ANSWER = "Saving chats does not work now; below it says why."
WHO = {"user": "you", "assistant": "assistant", None: "title"}
LEAST_TITLE = 20
"""Cells of a title, before which the columns beside it go."""
GAP = 2


class ChatList(PickList):
    """Shows rows; every one can be chosen."""

    DEFAULT_CSS = """
    ChatList { max-width: 120; }
    """

    lit = True

    def __init__(self) -> None:
        super().__init__(id="chats")
        self._rows: Sequence[Row] = ()
        self._current, self._searched, self._answered = 0, False, True
        self._wide: Sequence[int] | None = None
        """Cells of the columns, as `_columns` has them."""

    def show(
        self,
        rows: Sequence[Row],
        current: int,
        searched: bool,
        at: int | None,
        *,
        answered: bool = True,
    ) -> None:
        """Take over the rows: the cursor goes to chat `at`, or stays near where it is. `current`:
        the chat that is open; `searched`: the rows are hits; `answered` is False where something
        keeps chats from being saved."""
        self._rows, self._current, self._searched = rows, current, searched
        self._answered = answered
        self._wide = None
        self.row_height = 2 if searched else 1
        chats = [_chat(row) for row in rows]
        place = chats.index(at) if at in chats else max(0, self.cursor)
        self.move_to(min(place, len(rows) - 1))

    @property
    def highlighted(self) -> Row | None:
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    def count(self) -> int:
        return len(self._rows)

    def build(self, width: int) -> Sequence[Content]:
        if not self._rows:
            empty = (NO_HIT if self._searched else EMPTY) if self._answered else NO_ANSWER
            return [Content.styled(empty, "$muted").truncate(width, ellipsis=True)]
        return super().build(width)

    def row(self, index: int, width: int) -> Sequence[Content]:
        row, now = self._rows[index], time.time()
        if isinstance(row, Hit):
            return _hit(row, width, now)
        if self._wide is None:
            self._wide = _widths(self._rows, self._current)
        return [_listed(row, self._current, self._wide, width, now)]


def _chat(row: Row) -> int:
    return row.chat if isinstance(row, Hit) else row.id


def _mark(row: Listed, current: int) -> tuple[str, str]:
    """What there is to know of a chat beside its title, and in which colour."""
    if row.ending == "interrupted" and not (row.writer and row.id != current):
        return "interrupted", "$notice"
    if row.id == current:
        return "open", "$primary"
    return ("being written", "$primary") if row.writer else ("", "$muted")


Column = tuple[str, str]
"""What stands in it, and its style."""


def _columns(row: Listed, current: int, now: float) -> tuple[Column, Column, Column]:
    """Beside the title; the last is the first to go."""
    age, count = ago(row.updated, now), f"{row.n_messages:,}"
    return _mark(row, current), (age, "$muted"), (count, "$muted")


def _widths(rows: Sequence[Row], current: int) -> Sequence[int]:
    """Cells of the columns: none is wider than what stands in it."""
    now = time.time()
    listed = [_columns(row, current, now) for row in rows if not isinstance(row, Hit)]
    longest = [max(len(text) for text, _ in column) for column in zip(*listed, strict=True)]
    return [cells + GAP if cells else 0 for cells in longest]


def _listed(row: Listed, current: int, wide: Sequence[int], width: int, now: float) -> Content:
    columns = list(zip(_columns(row, current, now), wide, strict=True))
    if not columns[0][0][0]:
        columns[0] = (columns[0][0], 0)  # a title is cut only for what is there
    while columns and width - sum(cells for _, cells in columns) < LEAST_TITLE:
        columns.pop()
    cells = sum(cells for _, cells in columns)
    drawn = (*columns[:1], *columns[:0:-1])  # the mark, the count, the age
    parts = [Content.styled(text.rjust(room), style) for (text, style), room in drawn]
    title = Content.styled(clean_line(row.title, 300), "bold" if row.id == current else "")
    room = max(0, width - cells - 1)
    title = title.truncate(room, ellipsis=True)
    return Content.assemble(title, " " * max(0, width - cells - title.cell_length), *parts)


def _hit(row: Hit, width: int, now: float) -> Sequence[Content]:
    about = f"{WHO[row.role]} · {ago(row.when, now)}"
    title = Content.styled(clean_line(row.title, 300), "bold")
    title = title.truncate(max(0, width - len(about) - 2), ellipsis=True)
    gap = " " * max(0, width - len(about) - title.cell_length)
    found = row.excerpt
    excerpt = Content.assemble(
        "  ",
        (_piece(found.before), "$muted"),
        (_piece(found.hit), "bold $primary"),
        (_piece(found.after), "$muted"),
    )
    return [
        Content.assemble(title, gap, (about, "$muted")),
        excerpt.truncate(width, ellipsis=True),
    ]


def _piece(text: str) -> str:
    """Cleaned, the blank at either end kept: it stands between words."""
    line = clean_line(text, 400)
    if not line:
        return " " if text else ""
    return (" " if text[0].isspace() else "") + line + (" " if text[-1].isspace() else "")
