"""What an empty chat shows."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.widgets.key_hints import shortcuts_of
from tui.widgets.lines import Lines

LEAD = "A draft model proposes tokens, the target verifies them in one batch."
SENDS, NEWLINE = "sends your message", "; {newline} begins a new line"
HINTS = (
    ("{send}", SENDS),
    ("{next_draft}", "exchanges the draft for the next one, also in mid-reply"),
    ("{drafts}", "lists the drafts with what each of them reached"),
    ("{help}", "explains the keys and the figures; / lists the commands"),
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
        hints = [(shortcuts.named(key), text) for key, text in HINTS]
        if shortcuts.of("newline"):
            hints[0] = (hints[0][0], shortcuts.named(SENDS + NEWLINE))
        cells = max(len(key) for key, _ in hints) + 2
        lines += [
            Content.assemble((key.ljust(cells), "$primary"), (text, "$muted"))
            for key, text in hints
        ]
        return [part for line in lines for part in (line.wrap(max(8, width)) or [line])]
