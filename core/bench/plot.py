"""Plots as SVG, written by hand: bars against a reference, and lines over a number of tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 76, 150, 56, 64
COLOURS = ("#2f6690", "#b8743a", "#8a8f98", "#5b8c5a", "#7d5ba6")
LEAST = 1e-9
"""What the value axis reaches at least."""
_INK, _GRID = "#333a42", "#e3e6ea"


@dataclass(frozen=True)
class Series:
    """Values under one name: a bar at each label, or a line through points (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True)
class Axes:
    """What stands around a plot; both labels name a unit."""

    title: str
    x: str
    y: str


def bar_chart(
    axes: Axes, labels: Sequence[str], bars: Sequence[Series], reference: float | None = None
) -> str:
    """Groups of bars over `labels`; a point's x is the index of its label. `reference`: a dashed
    line across, such as 1 for a speed-up. Returns the SVG document."""
    values = [y for series in bars for _, y in series.points]
    frame = _Frame((-0.5, len(labels) - 0.5), max([*values, reference or 0, LEAST]))
    width = 0.7 / max(len(bars), 1)
    parts = [frame.grid(), frame.x_labels(list(enumerate(labels)))]
    for i, series in enumerate(bars):
        for x, y in series.points:
            left = x - 0.35 + i * width
            parts.append(frame.bar(left, left + width, y, COLOURS[i % len(COLOURS)]))
    if reference is not None:
        parts.append(frame.line([(-0.5, reference), (len(labels) - 0.5, reference)], _INK, True))
    names = [series.name for series in bars] if len(bars) > 1 else []
    return frame.document(axes, parts, names)


def line_chart(axes: Axes, lines: Sequence[Series], ticks: Sequence[int]) -> str:
    """Lines with a dot at each point; a dashed one has no dots. `ticks`: the numbers on the x
    axis, whose first and last are its ends. Returns the SVG document."""
    values = [y for series in lines for _, y in series.points]
    frame = _Frame((ticks[0], max(ticks[-1], ticks[0] + 1)), max([*values, LEAST]))
    parts = [frame.grid(), frame.x_labels([(tick, str(tick)) for tick in ticks])]
    for i, series in enumerate(lines):
        colour = COLOURS[i % len(COLOURS)]
        parts.append(frame.line(series.points, colour, series.dashed))
        if not series.dashed:
            parts += [frame.dot(x, y, colour) for x, y in series.points]
    return frame.document(axes, parts, [series.name for series in lines])


class _Frame:
    """From values to places on the page; y begins at 0."""

    def __init__(self, x: tuple[float, float], y_max: float) -> None:
        self._x0, self._x1 = x
        self._step = _nice_step(y_max)
        self._y1 = self._step * math.ceil(y_max * 1.05 / self._step)

    def document(self, axes: Axes, parts: Sequence[str], names: Sequence[str]) -> str:
        middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
        body = [
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            _text(LEFT, 28, axes.title, size=16),
            *parts,
            _text(middle_x, HEIGHT - 18, axes.x, anchor="middle"),
            _text(20, middle_y, axes.y, anchor="middle", turned=True),
            *(self._legend(i, name) for i, name in enumerate(names)),
        ]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" fill="{_INK}">\n'
            + "\n".join(body)
            + "\n</svg>\n"
        )

    def grid(self) -> str:
        digits = max(0, -math.floor(math.log10(self._step)))
        lines = []
        for i in range(round(self._y1 / self._step) + 1):
            y = self._y(i * self._step)
            lines.append(
                f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{_GRID if i else _INK}"/>'
            )
            lines.append(_text(LEFT - 8, y + 4, f"{i * self._step:.{digits}f}", anchor="end"))
        return "\n".join(lines)

    def x_labels(self, labels: Sequence[tuple[float, str]]) -> str:
        y = HEIGHT - BOTTOM + 20
        return "\n".join(_text(self._place(x), y, label, anchor="middle") for x, label in labels)

    def bar(self, left: float, right: float, value: float, colour: str) -> str:
        x, y, middle = self._place(left), self._y(value), self._place((left + right) / 2)
        width = self._place(right) - x - 2
        return (
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{self._y(0) - y:.1f}" fill="{colour}"/>'
            + _text(middle, y - 5, f"{value:.{0 if value >= 100 else 2}f}", "middle", size=11)
        )

    def line(self, points: Sequence[tuple[float, float]], colour: str, dashed: bool) -> str:
        path = "L".join(f"{self._place(x):.1f} {self._y(y):.1f}" for x, y in points)
        dash = ' stroke-dasharray="6 4"' if dashed else ""
        return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'

    def dot(self, x: float, y: float, colour: str) -> str:
        return f'<circle cx="{self._place(x):.1f}" cy="{self._y(y):.1f}" r="3" fill="{colour}"/>'

    def _legend(self, index: int, name: str) -> str:
        x, y = WIDTH - RIGHT + 14, TOP + 8 + index * 20
        colour = COLOURS[index % len(COLOURS)]
        return f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>' + _text(
            x + 16, y, name
        )

    def _place(self, x: float) -> float:
        return LEFT + (x - self._x0) / (self._x1 - self._x0) * (WIDTH - LEFT - RIGHT)

    def _y(self, y: float) -> float:
        return HEIGHT - BOTTOM - y / self._y1 * (HEIGHT - TOP - BOTTOM)


def _nice_step(top: float) -> float:
    """A step of 1, 2 or 5 times a power of ten that divides `top` into three to eight parts."""
    power: float = 10.0 ** math.floor(math.log10(top))
    return next(step for step in (power / 5, power / 2, power, 2 * power) if top / step <= 7)


def _text(
    x: float, y: float, text: str, anchor: str = "start", size: int = 13, turned: bool = False
) -> str:
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"{turn}>'
        f"{escape(text)}</text>"
    )
