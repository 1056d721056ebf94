"""The top line: which target and draft are in use, and where they run."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from core.protocol import ModelInfo
from tui.sanitize import clean_line
from tui.state import EngineState
from tui.widgets.lines import Lines

NAME = "specdec-tui"


class TitleBar(Lines):
    DEFAULT_CSS = """
    TitleBar {
        height: 1;
        padding: 0 1;
        background: $panel;
        color: $foreground;
    }
    """

    def __init__(self, target_name: str, draft_name: str) -> None:
        super().__init__()
        self._target, self._draft = target_name, draft_name
        self._where = ""

    def show(self, state: EngineState, target: str, draft_name: str) -> None:
        """Take over the models in use."""
        where = placement(state.target) if state.target else ""
        shown = (target, draft_name, where)
        if shown != (self._target, self._draft, self._where):
            self._target, self._draft, self._where = shown
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        parts: list[Content | str | tuple[str, str]] = [(NAME, "$muted"), "   "]
        parts += [(self._target, "bold"), ("  ←  ", "$muted"), self._draft]
        left = Content.assemble(*parts)
        if left.cell_length > width:
            left = Content.assemble(*parts[2:])
        gap = width - left.cell_length - len(self._where)
        if gap < 2:
            return [left.truncate(width, ellipsis=True)]
        return [Content.assemble(left, " " * gap, (self._where, "$muted"))]


def placement(model: ModelInfo) -> str:
    """`CPU`, or `GPU0 · 49/49 layers` where layers are on a GPU."""
    if not model.n_layers_gpu:
        return "CPU"
    devices = clean_line(", ".join(model.devices), 30) or "GPU"
    return f"{devices} · {model.n_layers_gpu}/{model.n_layers} layers"
