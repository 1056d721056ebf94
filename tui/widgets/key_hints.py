"""The last lines of a screen of its own: what there is to say, and the keys that count just now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import App
from textual.content import Content

from tui.keymap import Keymap, read_keymap
from tui.stand_ins import named_arrows
from tui.widgets.lines import Lines

GAP = "   "
LONGEST = 3
"""Lines of a sentence, at most."""
NOTHING_MAPPED = read_keymap({})
Hint = tuple[str, str]
"""A key, or an action in braces that has one, and what it does; the most important first."""


def shortcuts_of(app: App[Any]) -> Keymap:
    """The user's keys; the registry's in an app that has no others."""
    return getattr(app, "shortcuts", NOTHING_MAPPED)


class KeyHints(Lines):
    DEFAULT_CSS = """
    KeyHints { height: auto; padding: 0 1; color: $foreground; }
    """

    def __init__(self, *, lines: int = 2) -> None:
        """`lines` 1: there is never anything to say."""
        super().__init__()
        self._n_lines = lines
        self._said, self._style = "", "$muted"
        self._hints: tuple[Hint, ...] = ()

    @property
    def said(self) -> str:
        return self._said

    def say(self, text: str, style: str = "$muted") -> None:
        """A sentence above the keys; the next one takes its place."""
        if (text, style) != (self._said, self._style):
            self._said, self._style = text, style
            self.changed()

    def show(self, hints: Sequence[Hint]) -> None:
        if tuple(hints) != self._hints:
            self._hints = tuple(hints)
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        shortcuts = shortcuts_of(self.app)
        keys = [(shortcuts.hinted(key), does) for key, does in self._hints]
        hints = [(named_arrows(key), does) for key, does in keys if key]
        while hints and _length(hints) > width:
            # The last one says how to leave, and stays.
            hints.pop(-2 if len(hints) > 1 else -1)
        parts = [Content.assemble((key, "$primary"), " ", (does, "$muted")) for key, does in hints]
        line = Content(GAP).join(parts)
        return [line] if self._n_lines == 1 else [*self._sentence(width), line]

    def _sentence(self, width: int) -> list[Content]:
        """What was said, in one line to `LONGEST`."""
        said = Content.styled(self._said, self._style)
        lines = (said.wrap(width) if self._said and width > 0 else []) or [said]
        if len(lines) > LONGEST:
            rest = Content(" ").join(lines[LONGEST - 1 :])
            lines = [*lines[: LONGEST - 1], rest.truncate(width, ellipsis=True)]
        return lines


def _length(hints: Sequence[Hint]) -> int:
    return sum(len(key) + 1 + len(does) for key, does in hints) + len(GAP) * (len(hints) - 1)
