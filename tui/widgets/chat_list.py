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
WHO = {"user": "you", "assistant": "assistant", None: "title"}
AGE_CELLS, COUNT_CELLS, MARK_CELLS = 12, 6, 13
LEAST_TITLE = 12


class ChatList(PickList):
    """Shows rows; every one can be chosen."""

    DEFAULT_CSS = """
    ChatList { max-width: 120; }
    """

    def __init__(self) -> None:
        super().__init__(id="chats")
        self._rows: Sequence[Row] = ()
        self._current, self._searched = 0, False

    def show(self, rows: Sequence[Row], current: int, searched: bool, at: int | None) -> None:
        """Take over the rows: the cursor goes to chat `at`, or stays near where it is. `current`:
        the chat that is open; `searched`: the rows are hits."""
        self._rows, self._current, self._searched = rows, current, searched
        self.row_height = 2 if searched else 1
        chats = [_chat(row) for row in rows]
        place = chats.index(at) if at in chats else max(0, self.cursor)
        self.move_to(min(place, len(rows) - 1))

    @property
    def highlighted(self) -> Row | None:
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    def count(self) -> int:
        return len(self._rows)

    def step(self, at: int, by: int) -> int:
        return max(0, min(len(self._rows) - 1, at + by)) if self._rows else -1

    def build(self, width: int) -> Sequence[Content]:
        if not self._rows:
            empty = NO_HIT if self._searched else EMPTY
            return [Content.styled(empty, "$muted").truncate(width, ellipsis=True)]
        return super().build(width)

    def row(self, index: int, width: int) -> Sequence[Content]:
        row, now = self._rows[index], time.time()
        if isinstance(row, Hit):
            return _hit(row, width, now)
        return [_listed(row, row.id == self._current, width, now)]


def _chat(row: Row) -> int:
    return row.chat if isinstance(row, Hit) else row.id


def _listed(row: Listed, current: bool, width: int, now: float) -> Content:
    mark, style = ("open", "$primary") if current else ("", "$muted")
    if row.writer and not current:
        mark, style = "being written", "$primary"
    elif row.ending == "interrupted":
        mark, style = "interrupted", "$notice"
    parts = [
        # a title is cut only for what is there
        Content.styled(mark.rjust(MARK_CELLS) if mark else "", style),
        Content.styled(f"{row.n_messages:,}".rjust(COUNT_CELLS), "$muted"),
        Content.styled(ago(row.updated, now).rjust(AGE_CELLS), "$muted"),
    ]
    cells = sum(map(len, parts))
    while parts and width - cells < LEAST_TITLE:
        cells -= len(parts.pop(0 if len(parts) == 1 else 1))
    title = Content.styled(clean_line(row.title, 300), "bold" if current else "")
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
