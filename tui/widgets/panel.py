"""The side panel: target, drafts, acceptance and tok/s. Folds away where the screen is narrow."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from core.protocol import ReplyStats
from tui import figures
from tui.choices import DraftOption, Offer
from tui.state import EngineState
from tui.widgets.draft_list import DraftList
from tui.widgets.forecast_line import ForecastLine
from tui.widgets.lines import Lines
from tui.widgets.position_bars import PositionBars
from tui.widgets.rate_graph import RateGraph
from tui.widgets.target_card import TargetCard

ROWS, PADDING_ROWS = 22, 1
"""Of everything but the drafts, a row of the graph included, and above it all."""
SAVINGS = (("-low", 0), ("-lower", 4), ("-lowest", 7))
"""What is done where rows are missing, and how many what was done before has saved."""


class RateTitle(Lines):
    """Title of the graph, with the target's own rate and the scale."""

    DEFAULT_CSS = """
    RateTitle { height: 1; }
    """
    top = 0.0
    baseline: float | None = None

    def show(self, top: float, baseline: float | None) -> None:
        """`baseline` is what the target alone was measured at."""
        if (top, baseline) != (self.top, self.baseline):
            self.top, self.baseline = top, baseline
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        scale = f"0 to {figures.rate(self.top)}" if self.top else ""
        alone = f"  target alone {figures.rate(self.baseline)}" if self.baseline else ""
        return [
            Content.assemble(
                ("tok/s", "bold $muted"),
                (alone, "$muted"),
                (scale.rjust(width - 5 - len(alone)), "$muted"),
            )
        ]


class Panel(Vertical):
    DEFAULT_CSS = """
    Panel {
        width: 34%;
        min-width: 44;
        max-width: 58;
        padding: 1 1 0 1;
        border-left: solid $faint;
        & > Lines { margin-bottom: 1; }
        & > RateTitle, &.-low > DraftList { margin-bottom: 0; }
        &.-low > ForecastLine, &.-lowest > TargetCard { display: none; }
        &.-lower { padding: 0 1; }
        &.-lower > TargetCard, &.-lower > PositionBars { margin-bottom: 0; }
    }
    """

    def __init__(self, target_name: str, drafts: Sequence[DraftOption]) -> None:
        super().__init__()
        self._target_name, self._drafts = target_name, drafts

    def compose(self) -> ComposeResult:
        yield TargetCard(self._target_name)
        yield DraftList(self._drafts)
        yield PositionBars()
        yield ForecastLine()
        yield RateTitle()
        yield RateGraph()

    def show(self, offer: Offer, state: EngineState) -> None:
        """Take over everything; nothing is painted while the panel is folded away."""
        if not self.display:
            return
        drafts = self._drafts = offer.drafts
        result = state.experiment.result(state.scores) if state.experiment else None
        self.query_one(TargetCard).show(state)
        said = result.short(offer.name_of) if result else ""
        self.query_one(DraftList).show(drafts, state, said)
        stats = state.stats or ReplyStats()
        self.query_one(PositionBars).show(stats.accepted_per_position)
        self.query_one(ForecastLine).show(state.forecast, stats.draft_len)
        self.query_one(RateTitle).show(state.rate_top, stats.baseline_tok_s)
        self.query_one(RateGraph).show(state.rates, state.rate_top)
        self._make_room()

    def on_resize(self) -> None:
        self._make_room()

    def _make_room(self) -> None:
        """Leave out what counts least where not everything fits."""
        # its own padding, which one of the savings takes away, is no measure of the room there is
        missing = ROWS + len(self._drafts) + PADDING_ROWS - self.outer_size.height
        for name, saved in SAVINGS:
            self.set_class(missing > saved, name)
