"""tok/s over time as columns, on a fixed scale from 0 to a round number."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from tui import figures

EIGHTHS = " ▁▂▃▄▅▆▇█"


def columns(samples: Sequence[float], cells: int, height: int, top: float) -> list[str]:
    """Rows of `cells` characters, the upper first; the newest sample at the right."""
    newest = samples[-cells:] if cells else []
    levels = [max(1, round(min(1.0, value / top) * height * 8)) for value in newest]
    rows = []
    for row in range(height - 1, -1, -1):
        text = "".join(EIGHTHS[max(0, min(8, level - row * 8))] for level in levels)
        rows.append(text.rjust(cells))
    return rows


def scale_top(samples: Sequence[float]) -> float:
    """The top of the scale: the next round number above the fastest sample."""
    return figures.ceiling(max(samples, default=0.0))


def sparkline(samples: Sequence[float], cells: int) -> str:
    """One row of the graph."""
    return columns(samples, cells, 1, scale_top(samples))[0]


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

    def show(self, samples: Sequence[float]) -> None:
        """Draw these samples, the newest last."""
        if samples != self._samples:
            self._samples = list(samples)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        rows = columns(self._samples, width, height, scale_top(self._samples))
        style = self.rich_style
        row = rows[y] if y < len(rows) else " " * width
        empty = max(0, width - len(self._samples)) if y == height - 1 else 0
        faint = Style.parse("$faint", self.app.theme_variables).rich_style
        return Strip([Segment("▁" * empty, style + faint), Segment(row[empty:], style)], width)
