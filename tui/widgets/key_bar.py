"""The last line: the keys that matter most, as many as fit."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.keys import ACTIONS
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

    def build(self, width: int) -> Sequence[Content]:
        shown = sorted((entry for entry in ACTIONS if entry.bar), key=lambda entry: entry.bar)
        while shown and self._length(shown) > width:
            shown.pop()
        parts = [
            Content.assemble((entry.key_text, "$primary"), " ", (entry.label, "$muted"))
            for entry in shown
        ]
        return [Content(GAP).join(parts)]

    def _length(self, shown: Sequence[object]) -> int:
        entries = [entry for entry in ACTIONS if entry in shown]
        text = sum(len(entry.key_text) + 1 + len(entry.label) for entry in entries)
        return text + len(GAP) * (len(entries) - 1)
