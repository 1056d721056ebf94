"""tok/s over time as columns, on a fixed scale from 0 to a round number."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

EIGHTHS = " ▁▂▃▄▅▆▇█"


def columns(samples: Sequence[float], cells: int, height: int, top: float) -> list[str]:
    """Rows of `cells` characters, the upper first; the newest sample at the right."""
    newest = samples[-cells:] if cells else []
    top = top or 1.0
    levels = [max(1, round(min(1.0, value / top) * height * 8)) for value in newest]
    rows = []
    for row in range(height - 1, -1, -1):
        text = "".join(EIGHTHS[max(0, min(8, level - row * 8))] for level in levels)
        rows.append(text.rjust(cells))
    return rows


def sparkline(samples: Sequence[float], cells: int, top: float) -> str:
    """One row of the graph."""
    return columns(samples, cells, 1, top)[0]


class RateGraph(Widget):
    """Drawn line by line; the label above it carries the scale."""

    DEFAULT_CSS = """
    RateGraph {
        height: 1fr;
        min-height: 1;
        max-height: 5;
        color: $primary;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._samples: Sequence[float] = ()
        self._top = 0.0

    def show(self, samples: Sequence[float], top: float) -> None:
        """Draw these samples, the newest last, on a scale from 0 to `top`."""
        if (samples, top) != (self._samples, self._top):
            self._samples, self._top = list(samples), top
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        rows = columns(self._samples, width, height, self._top)
        style = self.rich_style
        row = rows[y] if y < len(rows) else " " * width
        empty = max(0, width - len(self._samples)) if y == height - 1 else 0
        faint = Style.parse("$faint", self.app.theme_variables).rich_style
        return Strip([Segment("▁" * empty, style + faint), Segment(row[empty:], style)], width)
