"""A reply as rows of tokens, each with its text and how it came. No Textual here.

Grows with the reply: what is laid out stays, but for the last row.
"""

from __future__ import annotations

import codecs
import sys
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Literal

from rich.cells import cell_len

from tui.sanitize import clean_line, clean_stream
from tui.stand_ins import spelled
from tui.trace import RoundFacts, Trace

Look = Literal["model", "lookup", "corrected", "bonus", "target", "rejected", "bracket"]
"""How a part of a row is drawn; the first two are accepted proposals, by the kind of drafter."""

NOTHING_SEEN = "◌"
"""Stands for a token that shows nothing of its own: part of a character, or a control code."""
NEWLINE, TAB = "↵", "⇥"
JOINER = "\u200d"
"""Makes one sign of the two around it, which may be two tokens."""
OPEN, CLOSE = "«", "»"
"""Around proposals that were rejected; they stand before the token that replaced them."""
FEWEST_CELLS = 4


class Spelling:
    """Gives tokens their text, one after the other. A character that several tokens make up comes
    with the last of them."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def read(self, piece: bytes) -> str:
        return self._decoder.decode(piece)

    def fork(self) -> Spelling:
        """Another one that stands at the same place."""
        other = Spelling()
        other._decoder.setstate(self._decoder.getstate())
        return other


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of a row. `token` is the token that it shows or, of a rejected proposal, the one that it
    stands before; `odd` tells neighbours of one look apart."""

    text: str
    token: int
    look: Look
    odd: bool = False

    @property
    def cells(self) -> int:
        return _cells(self.text)

    @property
    def is_token(self) -> bool:
        return self.look not in ("rejected", "bracket")


class TokenLayout:
    """The rows of a trace at a width. A row breaks before a token that begins with a space where
    one does; newlines are shown and end their row."""

    def __init__(self, trace: Trace, width: int, with_rejected: bool = True) -> None:
        self.trace, self.with_rejected = trace, with_rejected
        self.width = max(FEWEST_CELLS, width)
        self.rows: list[list[Segment]] = [[]]
        self.n_characters = [0]
        """Characters of the reply before each token, and after the last."""
        self._n_rounds = 0
        self._x = 0
        self._spelling = Spelling()

    @property
    def n_tokens(self) -> int:
        return len(self.n_characters) - 1

    def grow(self) -> bool:
        """Lay out the rounds that have come; False where there are none."""
        before, self._n_rounds = self._n_rounds, self.trace.n_rounds
        for number in range(before, self._n_rounds):
            self._add_round(self.trace.round(number))
        return before < self._n_rounds

    def row_of(self, token: int) -> int:
        """The row in which a token begins."""
        row = bisect_right(self.rows, token, key=_first_token) - 1
        while row > 0 and any(s.token == token and s.is_token for s in self.rows[row - 1]):
            row -= 1
        return max(0, row)

    def x_of(self, token: int) -> int:
        """The column in which a token begins."""
        x = 0
        for segment in self.rows[self.row_of(token)]:
            if segment.token == token and segment.is_token:
                break
            x += segment.cells
        return x

    def token_at(self, row: int, x: int) -> int | None:
        """The token at a place, or the last one before it, or the first one of the row; None in a
        row without any."""
        found, begins = None, 0
        for segment in self.rows[row]:
            if segment.is_token and (found is None or begins <= x):
                found = segment.token
            begins += segment.cells
        return found

    # -------------------------------------------------------------- how it is done

    def _add_round(self, round_: RoundFacts) -> None:
        accepted_end = round_.first + round_.n_accepted
        look: Look = "lookup" if round_.kind == "lookup" else "model"
        for token in range(round_.first, accepted_end):
            self._add_token(token, look)
        if round_.rejected and self.with_rejected:
            self._add_rejected(round_, accepted_end)
        for token in range(accepted_end, round_.first + round_.n_tokens):
            origin = self.trace.origin(token)
            self._add_token(token, "model" if origin == "accepted" else origin)

    def _add_token(self, token: int, look: Look) -> None:
        text = self._read(self._spelling, self.trace.token(token))
        self.n_characters.append(self.n_characters[-1] + text.n_characters)
        *ended, last = text.shown.split("\n")
        odd = token % 2 == 1
        for line in ended:
            self._put(Segment(line + NEWLINE, token, look, odd))
            self._new_row()
        if last:
            self._put(Segment(last, token, look, odd))

    def _add_rejected(self, round_: RoundFacts, token: int) -> None:
        spelling = self._spelling.fork()
        self._put(Segment(OPEN, token, "bracket"), breaks=True)
        for number, proposed in enumerate(round_.rejected):
            text = self._read(spelling, proposed.id).shown.replace("\n", NEWLINE)
            self._put(Segment(text, token, "rejected", number % 2 == 1))
        self._put(Segment(CLOSE, token, "bracket"))

    def _read(self, spelling: Spelling, id: int) -> Shown:
        return shown(self.trace.vocabulary.get(id, b""), spelling)

    def _put(self, segment: Segment, breaks: bool = False) -> None:
        """Append to the last row, or begin another one."""
        cells = segment.cells
        if self._x + cells > self.width and cells <= self.width:
            self._wrap(segment, breaks)
        if cells <= self.width:
            self.rows[-1].append(segment)
            self._x += cells
            return
        if self._x:
            self._new_row()
        for number, part in enumerate(_cut(segment.text, self.width)):
            if number:
                self._new_row()
            self.rows[-1].append(replace(segment, text=part))
            self._x = _cells(part)

    def _wrap(self, segment: Segment, breaks: bool) -> None:
        """Begin a row, and take along the word that the segment goes on with."""
        row, along = self.rows[-1], 0
        if not breaks and (not _begins_word(segment) or row[-1].text == OPEN):
            room = self.width - segment.cells
            for number in range(len(row) - 1, 0, -1):
                along += 1
                room -= row[number].cells
                if room < 0:
                    along = 0
                    break
                if _begins_word(row[number]):
                    break
            else:
                along = 0
        moved = row[len(row) - along :]
        del row[len(row) - along :]
        self._new_row()
        self.rows[-1].extend(moved)
        self._x = sum(part.cells for part in moved)

    def _new_row(self) -> None:
        self.rows.append([])
        self._x = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands for a token on the screen, and how many characters of the reply it is."""

    shown: str
    n_characters: int


def shown(piece: bytes | str, spelling: Spelling) -> Shown:
    """A token's text, cleaned; the name of a control token; or a mark where it shows nothing."""
    if isinstance(piece, str):
        return Shown(clean_line(piece, 40) or NOTHING_SEEN, 0)
    text = clean_stream(spelling.read(piece))
    if text.isascii():
        return Shown(text.replace("\t", TAB) or NOTHING_SEEN, len(text))
    return Shown(spelled(_apart(text.replace("\t", TAB))), len(text))


def _apart(text: str) -> str:
    """`text` so that it stands for itself, whatever stands before and after it."""
    if text[-1] == JOINER:
        text = text[:-1] + NOTHING_SEEN
    if unicodedata.combining(text[0]):
        return NOTHING_SEEN + text
    return text if cell_len(text[0]) or text[0] == "\n" else NOTHING_SEEN + text[1:]


def _cut(text: str, width: int) -> list[str]:
    """Parts of `text` that are not wider than `width`."""
    parts = [""]
    for character in text:
        if parts[-1] and _cells(parts[-1] + character) > width:
            parts.append("")
        parts[-1] += character
    return parts


def _begins_word(segment: Segment) -> bool:
    return segment.text[:1] == " " or segment.text == OPEN


def _first_token(row: list[Segment]) -> int:
    return row[0].token if row else sys.maxsize  # a row that has just begun


def _cells(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)
