"""The drafts of a comparison with their texts and figures: side by side where there is room for
it, else as a table with the text of the one under the cursor below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from core.bench.board import Standing
from tui import figures
from tui.comparison import Comparison, Contestant
from tui.replies import SEPARATOR
from tui.verdicts import parting, ranked, verdict
from tui.widgets.lines import Lines

LEAST_COLUMN = 30
GAP = " │ "
PLACES, CURSOR = ("fastest", "2nd", "3rd", "4th"), "▸ "
HEAD_LINES = 6
"""Above the text of a column."""
RATE, SPEEDUP, ACCEPTED, COUNT, TEXT = 8, 10, 10, 4, 21
"""Cells of the columns of the table behind the name."""


@dataclass(frozen=True)
class _Seen:
    """One draft as it is shown."""

    contestant: Contestant
    standing: Standing | None
    parting: int | None
    place: str
    """Among all, once they are through."""
    cursor: bool


class CompareBoard(Lines, can_focus=True):
    """Arrow keys move the cursor over the drafts, the page keys the texts."""

    DEFAULT_CSS = """
    CompareBoard { height: 1fr; padding: 0 1; color: $foreground; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,down,tab,l,j", "move(1)", "next draft", show=False),
        Binding("left,up,shift+tab,h,k", "move(-1)", "draft before", show=False),
        Binding("pagedown,ctrl+d", "scroll(1)", "texts down", show=False),
        Binding("pageup,ctrl+u", "scroll(-1)", "texts up", show=False),
        Binding("home,g", "scroll(-1000)", "beginning of the texts", show=False),
        Binding("end,G", "scroll(1000)", "end of the texts", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="board")
        self._comparison: Comparison | None = None
        self._at = 0
        self._top: int | None = None
        """The first line of the texts that is seen; None: their end is."""
        self._most_lines = 0

    def show(self, comparison: Comparison) -> None:
        """Paint how far it is."""
        if comparison is not self._comparison:
            self._comparison, self._at, self._top = comparison, 0, None
        self.changed()

    @property
    def highlighted(self) -> Contestant | None:
        return self._comparison.contestants[self._at] if self._comparison else None

    def move_to(self, key: str) -> None:
        """Put the cursor on the draft with this key, where there is one."""
        keys = [c.key for c in self._comparison.contestants] if self._comparison else []
        if key in keys:
            self._at = keys.index(key)
        self.changed()

    def show_beginning(self) -> None:
        """Of the texts, which are whole now."""
        self._top = 0
        self.changed()

    def action_move(self, by: int) -> None:
        if self._comparison is None:
            return
        order = list(self._comparison.contestants)
        if not self._in_columns(self.size.width):
            order = [seen.contestant for seen in self._ranked(self._seen(self._comparison))]
        at = order.index(self._comparison.contestants[self._at])
        self.move_to(order[(at + by) % len(order)].key)

    def action_scroll(self, pages: int) -> None:
        room = self._room()
        last = max(0, self._most_lines - room)
        top = (last if self._top is None else self._top) + pages * max(1, room - 1)
        self._top = None if top >= last else max(0, top)
        self.changed()

    def on_resize(self) -> None:
        self.changed()

    # -------------------------------------------------------------- drawing

    def build(self, width: int) -> Sequence[Content]:
        if self._comparison is None or not self.size.height:
            return []
        seen = self._seen(self._comparison)
        if self._in_columns(width):
            return self._columns(seen, width)
        return self._table(seen, width)

    def _seen(self, comparison: Comparison) -> list[_Seen]:
        by_key = {standing.variant: standing for standing in ranked(comparison)}
        judged = comparison.over and verdict(comparison).winner
        places = dict(zip(by_key, PLACES, strict=False)) if judged else {}
        return [
            _Seen(
                contestant,
                by_key.get(contestant.key),
                parting(comparison, contestant.key),
                places.get(contestant.key, ""),
                index == self._at,
            )
            for index, contestant in enumerate(comparison.contestants)
        ]

    def _ranked(self, seen: Sequence[_Seen]) -> list[_Seen]:
        """As the rows of the table stand: by place once there are places."""
        return sorted(seen, key=lambda entry: [*PLACES, ""].index(entry.place))

    def _in_columns(self, width: int) -> bool:
        n = len(self._comparison.contestants) if self._comparison else 1
        return (width + len(GAP)) // n - len(GAP) >= LEAST_COLUMN

    def _room(self) -> int:
        """Lines that there are for the texts."""
        n = len(self._comparison.contestants) if self._comparison else 0
        head = HEAD_LINES if self._in_columns(self.size.width) else n + 2
        return max(0, self.size.height - head)

    def _columns(self, seen: Sequence[_Seen], width: int) -> list[Content]:
        n = len(seen)
        cells = (width + len(GAP)) // n - len(GAP)
        texts = [_text_lines(entry, cells) for entry in seen]
        first = self._first(texts)
        columns = []
        for entry, text in zip(seen, texts, strict=True):
            lines = [*_head(entry, cells), *text[first : first + self._room()]]
            columns.append([_fitted(line, cells) for line in lines])
        height = max(map(len, columns))
        blank, gap = Content(" " * cells), Content.styled(GAP, "$faint")
        return [
            gap.join(column[y] if y < len(column) else blank for column in columns)
            for y in range(height)
        ]

    def _table(self, seen: Sequence[_Seen], width: int) -> list[Content]:
        chosen = seen[self._at]
        text = _text_lines(chosen, width)
        first = self._first([text])
        name = Content(chosen.contestant.draft.name).truncate(max(1, width - 6), ellipsis=True)
        rule = Content.assemble(("── ", "$faint"), name, " ")
        rule += Content.styled("─" * max(0, width - rule.cell_length), "$faint")
        rows = [_titles(width), *(_row(entry, width) for entry in self._ranked(seen)), rule]
        return [*rows, *text[first : first + self._room()]]

    def _first(self, texts: Sequence[Sequence[Content]]) -> int:
        """The line at which the texts begin to be seen."""
        self._most_lines = max(map(len, texts))
        last = max(0, self._most_lines - self._room())
        return last if self._top is None else min(self._top, last)


# ------------------------------------------------------------------ one draft


def _fitted(line: Content, cells: int) -> Content:
    line = line.truncate(cells, ellipsis=True)
    return line.pad_right(cells - line.cell_length)


def _head(seen: _Seen, cells: int) -> list[Content]:
    """The lines above the text of a column; what is said of a draft stands under its name."""
    name = _name(seen, cells - len(seen.place) - 1)
    gap = " " * (cells - name.cell_length - len(seen.place))
    place = Content.styled(seen.place, "$accepted" if seen.place == PLACES[0] else "$muted")
    status, style = _status(seen.contestant)
    standing = seen.standing
    rate, speedup, speedup_style = _speed(seen)
    accepted = spread = ""
    if standing and standing.acceptance_rate is not None:
        accepted = f"{figures.percent(standing.acceptance_rate)} accepted"
        accepted += f"{SEPARATOR}{figures.per_round(standing.tokens_per_round)} a round"
    if accepted and standing and standing.low is not None and standing.n_replies > 1:
        spread = f"{SEPARATOR}{standing.low:.2f} to {figures.speedup(standing.high)}"
    about = [
        Content.assemble((f"{speedup}  " if speedup else "", speedup_style), rate),
        Content.styled(accepted, "$muted"),
        Content.styled(f"n {standing.n_replies}{spread}" if standing else "", "$muted"),
        Content.styled(status, style) if status else Content.styled(*_same(seen)),
    ]
    return [
        Content.assemble(name, gap, place),
        *(line.pad_left(len(CURSOR)) for line in about),
        Content.styled("─" * cells, "$faint"),
    ]


def _titles(width: int) -> Content:
    texts = ("tok/s", RATE), ("speed-up", SPEEDUP), ("accepted", ACCEPTED), ("n", COUNT)
    titles = "".join(text.rjust(cells) for text, cells in texts) + "   text".ljust(TEXT)
    return Content.styled(("  draft".ljust(_name_cells(width)) + titles)[:width], "$muted")


def _row(seen: _Seen, width: int) -> Content:
    name_cells = _name_cells(width)
    name = _name(seen, name_cells)
    rate, speedup, style = _speed(seen)
    standing = seen.standing
    accepted = figures.percent(standing.acceptance_rate) if standing else ""
    status = _status(seen.contestant)
    return Content.assemble(
        name.pad_right(name_cells - name.cell_length),
        rate.removesuffix(" tok/s").rjust(RATE),
        (speedup.rjust(SPEEDUP), style),
        accepted.rjust(ACCEPTED),
        (str(standing.n_replies) if standing else "").rjust(COUNT),
        "   ",
        status if status[0] else _same(seen),
    ).truncate(width, ellipsis=True)


def _name_cells(width: int) -> int:
    return max(10, min(34, width - RATE - SPEEDUP - ACCEPTED - COUNT - TEXT))


def _name(seen: _Seen, cells: int) -> Content:
    style = "bold $primary" if seen.cursor else "bold"
    name = Content(seen.contestant.draft.name).truncate(max(1, cells - 2), ellipsis=True)
    return Content.assemble((CURSOR if seen.cursor else "  ", "$primary"), name.stylize(style))


def _status(contestant: Contestant) -> tuple[str, str]:
    """What it is doing; empty where it is done."""
    match contestant.status:
        case "loading" | "prefill":
            return f"{contestant.status} {contestant.fraction * 100:.0f}%", "$primary"
        case "writing":
            n = contestant.stats.n_tokens if contestant.stats else 0
            return f"writing, {figures.count(n, 'token')}", "$primary"
        case "failed":
            return "left out", "$failure"
        case "waiting":
            return "waiting", "$muted"
    return "", ""


def _speed(seen: _Seen) -> tuple[str, str, str]:
    """tok/s, the speed-up and its style; while nothing is whole yet, what runs now."""
    standing, stats = seen.standing, seen.contestant.stats
    if standing:
        speedup = "" if seen.contestant.draft.kind == "none" else figures.speedup(standing.speedup)
        style = figures.speedup_style(standing.speedup)
        return f"{figures.rate(standing.tok_s)} tok/s", speedup, style
    if stats and stats.decode_tok_s:
        return f"{figures.rate(stats.decode_tok_s)} tok/s", "", ""
    return "", "", ""


def _same(seen: _Seen) -> tuple[str, str]:
    """Whether its text is that of the target alone."""
    if seen.standing is None or seen.standing.same_text is None:
        return "", ""
    if seen.standing.same_text == 1:
        alone = seen.contestant.draft.kind == "none"
        return ("" if alone else "same text"), "$accepted"
    if seen.parting is None:
        return "not always the same", "$notice"
    return f"differs after {seen.parting:,}", "$notice"


def _text_lines(seen: _Seen, cells: int) -> list[Content]:
    """The reply, from where it leaves that of the target alone on in another colour; or why there
    is none."""
    contestant = seen.contestant
    if contestant.problem:
        return list(Content.styled(contestant.problem, "$failure").wrap(cells))
    text = Content(contestant.text).expand_tabs(4)
    if seen.parting is not None and contestant.status == "measured":
        text = text.stylize("$notice", seen.parting)
    return list(text.wrap(cells))
