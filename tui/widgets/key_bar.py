"""The last line: the keys that matter most, as many as fit."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.action import Action
from tui.keymap import Keymap
from tui.keys import ACTIONS
from tui.stand_ins import named_arrows
from tui.widgets.lines import Lines

GAP = "   "
SEND, STOP = "send", "stop"


class KeyBar(Lines):
    DEFAULT_CSS = """
    KeyBar {
        height: 1;
        padding: 0 1;
        color: $muted;
    }
    """

    def __init__(self, shortcuts: Keymap) -> None:
        super().__init__()
        self._shortcuts, self._busy = shortcuts, False

    def show(self, busy: bool) -> None:
        """Whether a message is being answered: then one can stop that, and not send another."""
        if busy != self._busy:
            self._busy = busy
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        parts = self._parts()
        while parts and sum(part.cell_length + len(GAP) for part in parts) - len(GAP) > width:
            parts.pop()
        return [Content(GAP).join(parts)]

    def _parts(self) -> list[Content]:
        """A hint each. To send and to stop have one place, which is wide enough for both: the
        others stay where they are."""
        entries = sorted((entry for entry in ACTIONS if entry.bar), key=lambda entry: entry.bar)
        shown = {entry.id: hint for entry in entries if (hint := self._hint(entry)) is not None}
        send, stop = shown.pop(SEND, None), shown.pop(STOP, None)
        first = (stop or send) if self._busy else (send or stop)
        if first is None:
            return [*shown.values()]
        wide = max(hint.cell_length for hint in (send, stop) if hint is not None)
        return [first.pad_right(wide - first.cell_length), *shown.values()]

    def _hint(self, entry: Action) -> Content | None:
        key = named_arrows(self._shortcuts.first(entry.id))
        return Content.assemble((key, "$primary"), " ", (entry.label, "$muted")) if key else None
