"""What an empty chat shows."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.widgets.key_hints import shortcuts_of
from tui.widgets.lines import Lines

LEAD = "A draft model proposes tokens, the target verifies them in one batch."
SENDS = "sends your message; Ctrl+J begins a new line"
HINTS = (
    ("F2", "exchanges the draft for the next one, also in mid-reply"),
    ("F3", "lists the drafts with what each of them reached"),
    ("F1", "explains the keys and the figures; / lists the commands"),
)


class Welcome(Lines):
    """A few lines on how to begin."""

    DEFAULT_CSS = """
    Welcome {
        height: auto;
        margin: 0 2 1 1;
        color: $muted;
    }
    """

    def build(self, width: int) -> Sequence[Content]:
        lines = [
            Content.styled(LEAD, "$foreground"),
            Content(""),
        ]
        shortcuts = shortcuts_of(self.app)
        hints = [(shortcuts.in_text(key), shortcuts.in_text(text)) for key, text in HINTS]
        hints.insert(0, (shortcuts.first("send") or "Enter", shortcuts.in_text(SENDS)))
        cells = max(len(key) for key, _ in hints) + 2
        lines += [
            Content.assemble((key.ljust(cells), "$primary"), (text, "$muted"))
            for key, text in hints
        ]
        return [part for line in lines for part in (line.wrap(max(8, width)) or [line])]
