"""The side panel: target, drafts, acceptance and tok/s. Folds away where the screen is narrow."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from tui import figures
from tui.choices import DraftOption
from tui.state import EngineState
from tui.widgets.draft_list import DraftList
from tui.widgets.forecast_line import ForecastLine
from tui.widgets.lines import Lines
from tui.widgets.position_bars import PositionBars
from tui.widgets.rate_graph import RateGraph, scale_top
from tui.widgets.target_card import TargetCard


class RateTitle(Lines):
    """Title of the graph, with the top of its scale."""

    DEFAULT_CSS = """
    RateTitle { height: 1; }
    """
    top = 0.0

    def show(self, top: float) -> None:
        if top != self.top:
            self.top = top
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        scale = f"0 to {figures.rate(self.top)}" if self.top else ""
        return [Content.assemble(("tok/s", "bold $muted"), (scale.rjust(width - 5), "$muted"))]


class Panel(Vertical):
    DEFAULT_CSS = """
    Panel {
        width: 42;
        padding: 1 1 0 1;
        border-left: solid $faint;
        & > Lines { margin-bottom: 1; }
        & > DraftList, & > RateTitle { margin-bottom: 0; }
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

    def show(self, drafts: Sequence[DraftOption], state: EngineState) -> None:
        """Take over everything; nothing is painted while the panel is folded away."""
        if not self.display:
            return
        self.query_one(TargetCard).show(state)
        self.query_one(DraftList).show(drafts, state)
        self.query_one(PositionBars).show(state.stats.accepted_per_position if state.stats else ())
        self.query_one(ForecastLine).show(
            state.forecast, state.stats.draft_len if state.stats else 0
        )
        self.query_one(RateTitle).show(scale_top(state.rates) if state.rates else 0.0)
        self.query_one(RateGraph).show(state.rates)
