"""The target in use and the memory it takes, in four lines under a title."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from core.protocol import DeviceMemory
from tui import figures
from tui.sanitize import clean_line
from tui.state import EngineState
from tui.widgets.lines import Lines

LINES = 4
"""They are there before the target is, so that nothing below them moves when it has loaded."""


class TargetCard(Lines):
    DEFAULT_CSS = """
    TargetCard { height: auto; }
    """

    def __init__(self, target_name: str) -> None:
        super().__init__()
        self._shown: tuple[str, ...] = (target_name,)

    def show(self, state: EngineState) -> None:
        """Take over what was loaded."""
        target = state.target
        if target is None:
            return
        size = (
            f"{figures.parameters(target.n_params)} parameters · {figures.size(target.size_bytes)}"
        )
        context = f"context {figures.tokens(target.n_ctx)} · vocabulary {target.n_vocab:,}"
        shown = (
            clean_line(target.description or target.name, 60).replace(" ?B", ""),
            size,
            context,
            "   ".join(device_texts(state.memory)),
        )
        if shown != self._shown:
            self._shown = shown
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        first, *rest = self._shown + ("",) * (LINES - len(self._shown))
        lines = [Content.styled("target", "bold $muted"), Content(first)]
        lines += [Content.styled(text, "$muted") for text in rest]
        return [line.truncate(width, ellipsis=True) for line in lines]


def device_texts(memory: Sequence[DeviceMemory]) -> list[str]:
    """Each device with what is in use of it: `CUDA0 18.4/24 GiB`; GPUs first."""
    by_weight = sorted(memory, key=lambda device: device.name == "CPU")
    return [f"{clean_line(d.name, 16)} {figures.memory(d.used, d.total)}" for d in by_weight]
