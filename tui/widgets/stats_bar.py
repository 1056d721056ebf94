"""The figures of the reply along the bottom. Fixed places, so that nothing jumps about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from core.protocol import ReplyStats
from tui import figures
from tui.state import EngineState, Tone, status
from tui.widgets.lines import Lines
from tui.widgets.rate_graph import sparkline

SEPARATOR = " │ "
TONES: dict[Tone, str] = {
    "quiet": "$muted",
    "busy": "$primary",
    "notice": "$notice",
    "failure": "$failure",
}
GRAPH_CELLS = 8


@dataclass(frozen=True)
class Field:
    """A figure in its place of `width` cells; of low `rank` are the last to be left out."""

    text: str
    width: int
    rank: int
    style: str = "$foreground"


def fields(state: EngineState) -> list[Field]:
    """All figures in the order in which they stand."""
    stats = state.stats or ReplyStats()
    words, tone = status(state)
    n_ctx = state.target.n_ctx if state.target else 0
    context = f"ctx {figures.tokens(state.n_ctx_used)}/{figures.tokens(n_ctx) if n_ctx else '–'}"
    accepted = f"accepted {stats.n_accepted}/{stats.n_drafted}"
    share = figures.percent(stats.acceptance_rate)
    speedup_style = "bold " + figures.speedup_style(stats.speedup)
    return [
        Field(words, 16, 0, TONES[tone]),
        Field(f"{figures.rate(stats.decode_tok_s):>5} tok/s", 11, 1),
        Field(sparkline(state.rates, GRAPH_CELLS, state.rate_top), GRAPH_CELLS, 7, "$primary"),
        Field(
            figures.speedup(stats.speedup).rjust(6),
            6,
            2,
            speedup_style,
        ),
        Field(f"{accepted} {share:>4}", max(21, len(accepted) + 5), 3),
        Field(f"{figures.per_round(stats.tokens_per_round):>4} a round", 12, 5),
        Field(f"first token {figures.seconds(stats.ttft_s)}", 18, 6),
        Field(context, 12, 4),
        Field(f"target alone {figures.rate(stats.baseline_tok_s)}", 18, 8),
        Field(f"prefill {figures.rate(stats.prefill_tok_s)} tok/s", 20, 9),
        Field(state.reason, 26, 10, "$notice" if state.paused else "$muted"),
    ]


def fitting(all_fields: Sequence[Field], width: int) -> list[Field]:
    """The fields that fit into `width` cells, the less important ones left out."""
    chosen = list(all_fields)
    while len(chosen) > 1 and _width(chosen) > width:
        chosen.remove(max(chosen, key=lambda field: field.rank))
    return chosen


def _width(chosen: Sequence[Field]) -> int:
    return sum(field.width for field in chosen) + len(SEPARATOR) * (len(chosen) - 1)


class StatsBar(Lines):
    DEFAULT_CSS = """
    StatsBar {
        height: 1;
        padding: 0 1;
        background: $panel;
        color: $foreground;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._fields: list[Field] = fields(EngineState())

    def show(self, state: EngineState) -> None:
        """Take over the figures."""
        shown = fields(state)
        if shown != self._fields:
            self._fields = shown
            self.changed()

    @property
    def shown_text(self) -> str:
        return self.build(self.size.width)[0].plain

    def build(self, width: int) -> Sequence[Content]:
        parts = []
        for field in fitting(self._fields, width):
            text = Content.styled(field.text, field.style).truncate(field.width, ellipsis=True)
            parts.append(text.pad_right(field.width - text.cell_length))
        return [Content.styled(SEPARATOR, "$faint").join(parts)]
