"""How often the k-th proposal of a round was kept, as small bars."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui import figures
from tui.widgets.lines import Lines

ROWS = 4
COLUMNS = 2


class PositionBars(Lines):
    """Two columns of bars for the first eight positions."""

    DEFAULT_CSS = """
    PositionBars { height: auto; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shares: tuple[float, ...] = ()

    def show(self, shares: Sequence[float]) -> None:
        """Take over the shares, from 0 to 1, the first position first."""
        shown = tuple(round(share, 2) for share in shares[: ROWS * COLUMNS])
        if shown != self._shares:
            self._shares = shown
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        lines = [Content.assemble(("accepted by position", "bold $muted"), ("  %", "$muted"))]
        cells = max(2, (width - 2) // COLUMNS - 7)
        for row in range(ROWS):
            parts = [self._bar(row + column * ROWS, cells) for column in range(COLUMNS)]
            lines.append(Content("  ").join(parts))
        return lines

    def _bar(self, position: int, cells: int) -> Content:
        number = f"{position + 1:>2} "
        if position >= len(self._shares):
            return Content.assemble((number, "$muted"), ("─" * cells, "$faint"), "    ")
        share = self._shares[position]
        filled = figures.bar(share, cells)
        return Content.assemble(
            (number, "$muted"),
            (filled, "$accepted"),
            ("─" * (cells - len(filled)), "$faint"),
            (f"{share * 100:>4.0f}", "$foreground"),
        )
