"""The drafts to choose from, a row each: what to expect of it, what it takes, what it did here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content

from tui import figures
from tui.choices import DraftOption
from tui.judging import MEASURED, DraftRow, expected
from tui.scores import Scores
from tui.widgets.draft_list import IN_USE, UNFIT, WANTED, score_texts, share_text
from tui.widgets.lines import Lines
from tui.widgets.pick_list import PickList

NUMBER_CELLS, MARK_CELLS, LEAST_NAME, MOST_NAME = 3, 2, 12, 48
GAP = "  "


class Columns:
    """Which columns there is room for, and their texts. The name takes what the others leave, but
    no more than it needs: a row is to be followed with the eye."""

    # Heading, cells, and how soon it goes where there is little room.
    ALL = (
        ("weights", 7, 1),
        ("file", 8, 0),
        ("memory", 8, 2),
        ("speed-up", 18, 5),
        ("tok/s", 6, 4),
        ("chat", 6, 3),
        ("accepted", 8, 3),
    )

    def __init__(self, width: int) -> None:
        left = list(self.ALL)
        while left and self._name_cells(width, left) < LEAST_NAME + 6:
            left.remove(min(left, key=lambda column: column[2]))
        self.shown = tuple(heading for heading, _, _ in left)
        self.name_cells = max(1, min(MOST_NAME, self._name_cells(width, left)))

    @staticmethod
    def _name_cells(width: int, columns: Sequence[tuple[str, int, int]]) -> int:
        taken = sum(cells + len(GAP) for _, cells, _ in columns)
        return width - NUMBER_CELLS - MARK_CELLS - taken

    def line(self, cell: Callable[[str], tuple[str, str]]) -> Content:
        """The cells of a line, each `(text, style)` by its heading, right-aligned."""
        parts: list[tuple[str, str]] = []
        for heading, cells, _ in self.ALL:
            if heading in self.shown:
                text, style = cell(heading)
                parts.append((GAP + text.rjust(cells), style))
        return Content.assemble(*parts)


class DraftHeadings(Lines):
    DEFAULT_CSS = """
    DraftHeadings { height: 1; padding: 0 1; }
    """

    def build(self, width: int) -> Sequence[Content]:
        columns = Columns(width)
        name = "draft".ljust(NUMBER_CELLS + MARK_CELLS + columns.name_cells)
        return [Content.assemble((name, "bold $muted"), columns.line(lambda h: (h, "$muted")))]


class DraftTable(PickList):
    """Shows rows; what they say is `judging`'s. The cursor stands on those that do not fit, too,
    so that one can read why."""

    DEFAULT_CSS = """
    DraftTable { padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__(id="drafts")
        self._rows: Sequence[DraftRow] = ()
        self._scores = Scores()
        self._marks: dict[str, str] = {}

    def show(self, rows: Sequence[DraftRow], scores: Scores, in_use: str, wanted: str) -> None:
        """Take over the rows; the cursor stays on its own, and begins on the one in use."""
        key = self.highlighted.option.key if self.highlighted else in_use
        self._rows, self._scores = rows, scores
        self._marks = {wanted: WANTED} | {in_use: IN_USE}
        keys = [row.option.key for row in rows]
        self.move_to(keys.index(key) if key in keys else self.step(self.cursor, 0))

    @property
    def highlighted(self) -> DraftRow | None:
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    def count(self) -> int:
        return len(self._rows)

    def row(self, index: int, width: int) -> Sequence[Content]:
        row, columns = self._rows[index], Columns(width)
        mark = self._marks.get(row.option.key, " ")
        style = "$muted" if not row.usable else "bold $foreground" if mark == IN_USE else ""
        name = Content(row.option.name).truncate(columns.name_cells, ellipsis=True)
        key = str(row.number) if row.number else " " if row.usable else figures.DASH
        return [
            Content.assemble(
                (key.rjust(NUMBER_CELLS - 1) + " ", "$muted"),
                (mark.ljust(MARK_CELLS), "$accepted" if mark == IN_USE else "$notice"),
                name.stylize_before(style or "$foreground"),
                " " * max(0, columns.name_cells - name.cell_length),
                columns.line(self._cells(row).__getitem__),
            )
        ]

    def _cells(self, row: DraftRow) -> dict[str, tuple[str, str]]:
        """The texts and their styles by the headings of their columns."""
        rate, speedup, style = score_texts(self._scores, row.option)
        model = row.advice.candidate.model if row.advice else None
        return {
            "weights": (figures.parameters(model.n_params) if model else "", "$muted"),
            "file": (figures.size(model.size_bytes) if model else "", "$muted"),
            "memory": _memory(row),
            "speed-up": _expectation(row),
            "tok/s": (rate, "$foreground"),
            "chat": (speedup, style),
            "accepted": (share_text(self._scores, row.option), "$foreground"),
        }


def _memory(row: DraftRow) -> tuple[str, str]:
    plan = row.advice.candidate.memory if row.advice else None
    if plan is None:
        return "", ""
    return figures.size(plan.total), "$muted" if plan.fits else "$failure"


def _expectation(row: DraftRow) -> tuple[str, str]:
    if not row.usable:
        return UNFIT, "$muted"
    if row.advice and not row.advice.usable:
        return "too large", "$failure"
    factor, source = expected(row.record, row.advice.prediction if row.advice else None)
    slower = row.record is not None and row.record.speedup < 1
    style = "$notice" if slower else "$accepted" if source == MEASURED else "$foreground"
    return f"{factor} {source}".strip(), style


def number_chosen(rows: Sequence[DraftRow], number: int) -> DraftOption | None:
    """The draft that a digit chooses."""
    return next((row.option for row in rows if row.number == number), None)
