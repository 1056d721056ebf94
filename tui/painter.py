"""What the terminal shows is remembered, so that only what differs is written to it.

Textual writes whole lines of a widget that has changed, and the whole chat where it scrolls, each
piece with its colours in full. This turns such a frame into the cells that are new, and into as few
changes of colour as they need. It knows no Textual and no terminal: text goes in, text comes out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len

PLACE = re.compile(r"\x1b\[(\d+);(\d+)H")
PART = re.compile(r"\x1b\[([\d;]*)m|\r?\n|([^\x1b\r\n]+)")
GAP = 4
"""So many cells that stay are written again where passing over them would cost as much."""
SEEN_ON_BLANKS = frozenset("4789")
"""Underline, blink, reverse and strike show where there is no character, too."""


class Look(NamedTuple):
    """Colours and attributes as the numbers of SGR; empty: the terminal's own."""

    attributes: frozenset[str] = frozenset()
    color: str = ""
    ground: str = ""


class Cell(NamedTuple):
    """A character, and how it looks. The right half of a wide character is empty."""

    character: str
    look: Look


PLAIN = Look()
Row = list[Cell | None]
"""None: it is not known what the terminal shows there."""


class Painter:
    """Remembers the screen. `paint` says what to write for a frame."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}
        self._cursor: tuple[int, int] | None = None

    def forget(self) -> None:
        """Nobody knows what the terminal shows: the next frames are written in full."""
        self._rows.clear()
        self._cursor = None

    def paint(self, data: str, size: tuple[int, int] | None = None) -> str:
        """What to write so that the terminal shows this frame; nothing, where it does already.

        What is no frame is written as it is, and the screen is forgotten. A frame can be older than
        the terminal's size (columns, rows): what of it lies outside would be shown at the edges.
        """
        pieces = _pieces(data)
        if pieces is None:
            self.forget()
            return data
        rows: dict[int, Row] = {}
        raw = []
        for y, x, text in pieces:
            if size and not (x < size[0] and y < size[1]):
                continue
            row = rows.setdefault(y, list(self._rows.get(y, ())))
            cells = _cells(text)
            if cells is None:  # how wide it is, is the terminal's to say
                raw.append(f"\x1b[{y + 1};{x + 1}H{text}")
                del row[x:]
                self._rows[y] = self._rows.get(y, [])[:x]
            elif cells:
                row.extend([None] * (x - len(row)))
                row[x : x + len(cells)] = cells
            if size:
                _crop(row, size[0])
        written = "".join(raw) + self._differences(rows)
        cursor = pieces[-1][:2]
        if written or cursor != self._cursor:
            written += _move(None, cursor)
        self._rows |= rows
        self._cursor = cursor
        return written

    def _differences(self, rows: dict[int, Row]) -> str:
        out: list[str] = []
        at, look = None, PLAIN
        for y in sorted(rows):
            new, old = rows[y], self._rows.get(y, [])
            if new == old:
                continue
            for start, end in _changed(old, new):
                out.append(_move(at, (y, start)))
                at = (y, end)
                for cell in new[start:end]:
                    assert cell is not None  # what changes was just read
                    if not _shows(cell, look):
                        out.append(_change(look, cell.look))
                        look = cell.look
                    out.append(cell.character)
        if look != PLAIN:
            out.append("\x1b[0m")
        return "".join(out)


# ------------------------------------------------------------------ reading a frame


def _pieces(data: str) -> list[tuple[int, int, str]] | None:
    """Row, column and text of each piece; None where it does not begin with a place."""
    before, *split = PLACE.split(data)
    if before or not split:
        return None
    return [
        (int(y) - 1, int(x) - 1, text)
        for y, x, text in zip(split[::3], split[1::3], split[2::3], strict=True)
    ]


def _cells(text: str) -> Row | None:
    """The cells of a piece; None where something in it is neither colour nor plain text."""
    cells: Row = []
    look, end = PLAIN, 0
    for part in PART.finditer(text):
        if part.start() != end:
            return None
        end = part.end()
        numbers, characters = part.groups()
        if numbers is not None:
            look = _look(numbers)
        elif characters is not None:
            run = _run(characters, look)
            if run is None:
                return None
            cells += run
    return cells if end == len(text) else None


def _crop(row: Row, columns: int) -> None:
    """Leave out what lies to the right of the terminal, and a character that is half outside."""
    if len(row) > columns:
        cut = row[columns]
        del row[columns:]
        if cut and not cut.character:
            row[-1] = None


@lru_cache(4096)
def _run(text: str, look: Look) -> tuple[Cell, ...] | None:
    """Text of one look; None where it has characters that join others into one: terminals do not
    agree on how wide these are."""
    if text.isascii():
        return tuple(Cell(character, _on_blank(character, look)) for character in text)
    cells: list[Cell] = []
    for character in text:
        width = cell_len(character)
        if not width:
            return None
        cells += [Cell(character, _on_blank(character, look)), Cell("", look)][:width]
    return tuple(cells)


def _on_blank(character: str, look: Look) -> Look:
    """What of a look is seen where there is no character."""
    if character != " " or look.attributes & SEEN_ON_BLANKS:
        return look
    return _ground_alone(look)


@lru_cache(4096)
def _ground_alone(look: Look) -> Look:
    return Look(ground=look.ground)


@lru_cache(4096)
def _look(numbers: str) -> Look:
    """The look that an SGR sequence sets after a reset, which Rich writes behind every piece."""
    attributes: set[str] = set()
    color = ground = ""
    codes = iter(numbers.split(";"))
    for code in codes:
        if code in ("38", "48"):
            kind = next(codes, "")
            rest = [next(codes, "") for _ in range(3 if kind == "2" else 1)]
            whole = ";".join((code, kind, *rest))
            color, ground = (whole, ground) if code == "38" else (color, whole)
        elif code in ("", "0"):
            attributes, color, ground = set(), "", ""
        elif len(code) == 1 or code == "21":
            attributes.add(code)
        elif code.startswith(("3", "9")):
            color = "" if code == "39" else code
        else:
            ground = "" if code == "49" else code
    return Look(frozenset(attributes), color, ground)


# ------------------------------------------------------------------ writing what differs


def _changed(old: Row, new: Row) -> Iterator[tuple[int, int]]:
    """From where to where cells differ; what lies between two places may be written again."""
    start = end = -1
    shorter = len(old)
    for x, cell in enumerate(new):
        if cell is None or (x < shorter and cell == old[x]):
            continue
        first = x - 1 if not cell.character and x else x  # both halves of a wide character
        if end < 0:
            start = first
        elif first > end and not _worth_writing(new, end, first):
            yield start, end
            start = first
        end = x + 1
    if end >= 0:
        if end < len(new) and (last := new[end]) is not None and not last.character:
            end += 1
        yield start, end


def _worth_writing(row: Row, start: int, end: int) -> bool:
    if end - start > GAP:
        return False
    between = row[start:end]
    return any(
        beside is not None and all(cell and _shows(cell, beside.look) for cell in between)
        for beside in (row[start - 1], row[end])
    )


def _shows(cell: Cell, look: Look) -> bool:
    """Whether the cell looks as it is to when it is written in this look."""
    if cell.look == look:
        return True
    return (
        cell.character == " "
        and cell.look.ground == look.ground
        and not (cell.look.attributes | look.attributes) & SEEN_ON_BLANKS
    )


@lru_cache(4096)
def _change(old: Look, new: Look) -> str:
    """The shortest sequence from one look to another."""
    if not old.attributes <= new.attributes:
        numbers = ["0", *sorted(new.attributes), new.color, new.ground]
    else:
        numbers = sorted(new.attributes - old.attributes)
        if new.color != old.color:
            numbers.append(new.color or "39")
        if new.ground != old.ground:
            numbers.append(new.ground or "49")
    return f"\x1b[{';'.join(filter(None, numbers))}m"


def _move(at: tuple[int, int] | None, to: tuple[int, int]) -> str:
    if at and at[0] == to[0] and at[1] <= to[1]:
        return f"\x1b[{to[1] - at[1]}C" if at[1] < to[1] else ""
    return f"\x1b[{to[0] + 1};{to[1] + 1}H"
