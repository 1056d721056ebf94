"""What the governor predicts for no draft, for the length it chose and for the best other one."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from core.protocol import Forecast
from tui import figures
from tui.widgets.lines import Lines


def predictions(forecast: Forecast, chosen: int) -> list[tuple[int, float]]:
    """Draft lengths and their predicted tok/s, by length, each length once; 0 is no draft."""
    found = {0: forecast.at_zero, forecast.other_len: forecast.at_other}
    found[chosen] = forecast.at_chosen
    return sorted(found.items())


class ForecastLine(Lines):
    DEFAULT_CSS = """
    ForecastLine { height: auto; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._forecast: Forecast | None = None
        self._chosen = 0

    def show(self, forecast: Forecast | None, chosen: int) -> None:
        """Take over the forecast; None clears the line."""
        if (forecast, chosen) != (self._forecast, self._chosen):
            self._forecast, self._chosen = forecast, chosen
            self.changed()

    def build(self, width: int) -> Sequence[Content]:  # noqa: ARG002 - it is short
        title = Content.assemble(
            ("predicted tok/s", "bold $muted"), ("  by draft length", "$muted")
        )
        if self._forecast is None:
            return [title, Content.styled(figures.DASH, "$faint")]
        parts = [
            Content.assemble(
                (f"{length or 'none'} ", "$muted"),
                (figures.rate(rate), "bold $foreground" if length == self._chosen else "$muted"),
            )
            for length, rate in predictions(self._forecast, self._chosen)
        ]
        return [title, Content("   ").join(parts)]
