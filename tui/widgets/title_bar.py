"""The top line: which target and draft are in use, where they run, and what is being fetched."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from core.protocol import DeviceMemory, ModelInfo
from tui.sanitize import clean_line
from tui.state import EngineState
from tui.widgets.lines import Lines
from tui.widgets.target_card import device_texts

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

    jump_action = "models"

    def __init__(self, target_name: str, draft_name: str) -> None:
        super().__init__()
        self._target, self._draft = target_name, draft_name
        self._where = self._fetching = ""

    def show(self, state: EngineState, target: str, draft_name: str, fetching: str = "") -> None:
        """Take over the models in use, and how far a download is."""
        where = placement(state.target, state.memory) if state.target else ""
        shown = (target, draft_name, where, fetching)
        if shown != (self._target, self._draft, self._where, self._fetching):
            self._target, self._draft, self._where, self._fetching = shown
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        parts: list[Content | str | tuple[str, str]] = [(NAME, "$muted"), "   "]
        parts += [(self._target, "bold"), ("  ←  ", "$muted"), self._draft]
        left = Content.assemble(*parts)
        if left.cell_length > width:
            left = Content.assemble(*parts[2:])
        both = [text for text in (self._fetching, self._where) if text]
        for right in ("   ".join(both), *both[:1]):
            gap = width - left.cell_length - len(right)
            if gap >= 2:
                return [Content.assemble(left, " " * gap, (right, "$muted"))]
        return [left.truncate(width, ellipsis=True)]


def placement(model: ModelInfo, memory: Sequence[DeviceMemory]) -> str:
    """`CPU 0.2/16 GiB`, or `CUDA0 18.4/24 GiB · 49/49 layers` where layers are on a GPU."""
    names = model.devices if model.n_layers_gpu else ["CPU"]
    known = device_texts([device for device in memory if device.name in names])
    devices = "  ".join(known) or clean_line(", ".join(names), 30) or "GPU"
    if not model.n_layers_gpu:
        return devices
    return f"{devices} · {model.n_layers_gpu}/{model.n_layers} layers"
