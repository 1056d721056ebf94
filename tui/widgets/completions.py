"""What the composer's text can be completed to, in a few lines above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from tui.slash import Suggestion

    Find = Callable[[str], tuple[Sequence[Suggestion], bool]]
    """What a text can be completed to, and whether it is a command as it stands."""

MOST_ROWS = 6
NAME_CELLS, GAP_CELLS = 30, 2


class Completions(Lines):
    """Not there where there is nothing to complete. The chat gives up the lines it takes."""

    DEFAULT_CSS = """
    Completions {
        display: none;
        height: auto;
        padding: 0 1;
        color: $foreground;
        background: $surface;
    }
    """

    def __init__(self, find: Find) -> None:
        super().__init__()
        self._find, self._of = find, ""
        self._all: tuple[Suggestion, ...] = ()
        self._cursor = 0
        self._sendable = self._moved = False

    @property
    def chosen(self) -> Suggestion | None:
        """The one under the cursor; None where none are shown."""
        return self._all[self._cursor] if self._all else None

    @property
    def wanted(self) -> bool:
        """Whether Enter means the one under the cursor: it was chosen with the arrow keys, or what
        is written is nothing that can be sent."""
        return bool(self._all) and (self._moved or not self._sendable)

    def follow(self, text: str) -> None:
        """Show what the text can be completed to, the cursor on the first. Where it is the text of
        before, all stays as it is."""
        if text != self._of:
            self._of = text
            self._show(*self._find(text))

    def hide(self, text: str) -> None:
        """Show nothing as long as this is the text."""
        self._of = text
        self._show((), sendable=False)

    def _show(self, suggestions: Sequence[Suggestion], sendable: bool) -> None:
        self._sendable = sendable
        if tuple(suggestions) != self._all:
            self._all, self._cursor, self._moved = tuple(suggestions), 0, False
            self.display = bool(self._all)
            self.changed()

    def move(self, by: int) -> None:
        """Move the cursor, around the ends."""
        if self._all:
            self._cursor, self._moved = (self._cursor + by) % len(self._all), True
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        top = max(0, min(self._cursor - MOST_ROWS // 2, len(self._all) - MOST_ROWS))
        cells = _name_cells(self._all, width)
        lines = []
        for at, entry in enumerate(self._all[top : top + MOST_ROWS], start=top):
            name = Content(entry.shown).truncate(NAME_CELLS, ellipsis=True)
            line = Content.assemble(
                name.pad_right(max(0, cells - name.cell_length)).stylize_before("$primary"),
                (" " * GAP_CELLS + entry.help, "$muted"),
            ).truncate(width, ellipsis=True)
            line = line.pad_right(max(0, width - line.cell_length))
            if at == self._cursor:
                line = Content(line.plain).stylize_before("$foreground on $block-cursor-background")
            lines.append(line)
        return lines


def _name_cells(entries: Sequence[Suggestion], width: int) -> int:
    """Of the column of names. What may follow a command is longer than most commands are: where
    meanings would be cut for it, it does not count."""
    longest = max((cell_len(entry.shown) for entry in entries), default=0)
    meaning = max((cell_len(entry.help) for entry in entries), default=0)
    if longest + GAP_CELLS + meaning > width:
        bare = (entry.shown.partition(" ")[0] for entry in entries if entry.shown[:1] == "/")
        longest = max(map(cell_len, bare), default=longest)
    return min(NAME_CELLS, longest)
