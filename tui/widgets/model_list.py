"""The rows of the model browser: models here, repositories of the Hub and the files in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from textual.content import Content

from tui import browser, figures
from tui.browser import Chosen, Heading, Local, Note, Remote, RemoteChoice, Row
from tui.downloads import Item, mark
from tui.sanitize import clean_line
from tui.widgets.pick_list import PickList

WEIGHTS_CELLS, TYPE_CELLS, SIZE_CELLS, MARK_CELLS = 7, 10, 10, 12
LEAST_NAME = 10


class ModelList(PickList):
    """Shows rows; knows nothing of where they come from."""

    def __init__(self, role: Callable[[str], str]) -> None:
        """`role`: what the model at a path is in use as, `target` or `draft`; empty: neither."""
        super().__init__(id="models")
        self._role = role
        self._given: Sequence[Row] = ()
        self._rows: Sequence[Row] = ()
        """The same, a note of several lines being as many."""
        self._items: Mapping[str, Item] = {}

    def show(self, rows: Sequence[Row], items: Mapping[str, Item]) -> None:
        """Take over the rows, the cursor staying on its own, and the downloads by their keys."""
        key = self.highlighted.key if self.highlighted else ""
        self._given, self._items = rows, items
        self._rows = list(_spread(rows, self.size.width))
        self.move_to(browser.place_of(self._rows, key, self.cursor))

    @property
    def highlighted(self) -> Chosen | None:
        row = self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None
        return row if isinstance(row, Chosen) else None

    def count(self) -> int:
        return len(self._rows)

    def step(self, at: int, by: int) -> int:
        return browser.step(self._rows, at, by)

    def on_resize(self) -> None:
        self.show(self._given, self._items)

    def row(self, index: int, width: int) -> Sequence[Content]:
        match row := self._rows[index]:
            case Heading():
                return [Content.styled(row.text, "bold $muted").truncate(width, ellipsis=True)]
            case Note():
                style = "$failure" if row.failure else "$muted"
                text = Content.styled(clean_line(row.text, 400), style)
                return [Content.assemble(_indent(row), text)]
            case Local():
                return [_local(row, self._role(row.key), width)]
            case Remote():
                return [_remote(row, width)]
            case RemoteChoice():
                return [_choice(row, self._items.get(row.key), width)]


def _spread(rows: Sequence[Row], width: int) -> Iterator[Row]:
    """Every line of a note in a row of its own: what went wrong is worth reading to its end."""
    for row in rows:
        room = width - len(_indent(row)) if isinstance(row, Note) else 0
        if isinstance(row, Note) and room >= LEAST_NAME:
            for line in Content(clean_line(row.text, 400)).wrap(room):
                yield replace(row, text=line.plain.rstrip())
        else:
            yield row


def _indent(note: Note) -> str:
    return "      " if note.indent else "  "


def _local(row: Local, role: str, width: int) -> Content:
    model = row.model
    word, style = role or model.kind, "$accepted" if role else "$muted"
    if model.error:
        word, style = "unusable", "$failure"
    elif not role and model.kind == "language":
        word = ""
    sign = "● " if role else "  "
    usable = not model.error and model.kind == "language"
    return _columns(
        (sign, "$accepted"),
        (clean_line(model.name), "$foreground" if usable else "$muted"),
        figures.parameters(model.n_params) if model.n_params else "",
        clean_line(model.quantisation, TYPE_CELLS - 1),
        figures.size(model.size_bytes),
        (word, style),
        width,
    )


def _remote(row: Remote, width: int) -> Content:
    told = row.repository
    locked = "gated" if told.gated else "private" if told.private else ""
    return _columns(
        ("▾ " if row.opened else "▸ ", "$primary"),
        (told.id, "$foreground"),
        figures.parameters(told.n_params) if told.n_params else "",
        "",
        f"{figures.parameters(told.downloads)} ↓",
        (locked, "$notice"),
        width,
    )


def _choice(row: RemoteChoice, item: Item | None, width: int) -> Content:
    choice = row.choice
    word, style = ("here", "$accepted") if row.here else ("", "$muted")
    if item and item.status != "done":
        word, style = mark(item), "$failure" if item.status == "failed" else "$primary"
    if choice.missing:
        word, style = "not whole", "$notice"
    size = choice.size_bytes
    return _columns(
        ("      ", "$muted"),
        (clean_line(choice.name.rpartition("/")[2]), "$muted" if choice.missing else "$foreground"),
        "",
        choice.quantisation,
        figures.size(size) if size is not None else "",
        (word, style),
        width,
    )


def _columns(
    sign: tuple[str, str],
    name: tuple[str, str],
    weights: str,
    quantisation: str,
    size: str,
    word: tuple[str, str],
    width: int,
) -> Content:
    """The columns at their places; where it is narrow, the less telling ones are left out."""
    end = Content.assemble(
        (weights.rjust(WEIGHTS_CELLS), "$muted"),
        "  ",
        (quantisation.ljust(TYPE_CELLS), "$muted"),
        (size.rjust(SIZE_CELLS), "$muted"),
    )
    last = Content.assemble("  ", (word[0].ljust(MARK_CELLS), word[1]))
    for tail in (Content.assemble(end, last), last, Content("")):
        room = width - len(sign[0]) - tail.cell_length
        if room >= LEAST_NAME or not tail.cell_length:
            break
    label = Content(name[0]).truncate(max(1, room), ellipsis=True)
    padding = " " * max(0, room - label.cell_length)
    return Content.assemble(sign, label.stylize_before(name[1]), padding, tail)
