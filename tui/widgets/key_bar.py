"""The last line: the keys that matter most, as many as fit."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.keymap import Keymap
from tui.keys import ACTIONS, Action
from tui.widgets.lines import Lines

GAP = "   "


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
        self._shortcuts = shortcuts

    def build(self, width: int) -> Sequence[Content]:
        shown = sorted(
            (entry for entry in ACTIONS if entry.bar and self._key(entry)),
            key=lambda entry: entry.bar,
        )
        while shown and self._length(shown) > width:
            shown.pop()
        parts = [
            Content.assemble((self._key(entry), "$primary"), " ", (entry.label, "$muted"))
            for entry in shown
        ]
        return [Content(GAP).join(parts)]

    def _key(self, entry: Action) -> str:
        return self._shortcuts.first(entry.id)

    def _length(self, shown: Sequence[Action]) -> int:
        text = sum(len(self._key(entry)) + 1 + len(entry.label) for entry in shown)
        return text + len(GAP) * (len(shown) - 1)
