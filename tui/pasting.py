"""Pasted text whole, whatever is in it.

Textual's parser looks for keys in pasted text too: an escape character in it loses what was before
it, and a line feed after it may count as Enter. Here the text between the brackets that a terminal
puts around a paste is taken out before the parser sees it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from textual import events
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.message import Message

from tui.sanitize import clean_text


class PasteParser(XTermParser):
    """Textual's parser, which gets nothing of a paste but its brackets."""

    def __init__(self, debug: bool = False) -> None:
        self._pasting = False
        self._held = ""
        """While pasting: what has come of it. Otherwise: the last characters that were passed on,
        since a bracket may come in pieces."""
        super().__init__(debug)

    def feed(self, data: str) -> Iterable[Message]:
        if not data:  # the end of all input
            yield from super().feed(data)
        while data:
            data = yield from self._take_paste(data) if self._pasting else self._pass_on(data)

    def _pass_on(self, data: str) -> Generator[Message, None, str]:
        """Pass on what is no paste; returns what comes after the bracket that opens one."""
        known = len(self._held)
        seen = self._held + data
        at = seen.find(BRACKETED_PASTE_START)
        if at < 0:
            self._held = seen[-(len(BRACKETED_PASTE_START) - 1) :]
            yield from super().feed(data)
            return ""
        end = at + len(BRACKETED_PASTE_START) - known
        yield from super().feed(data[:end])
        for message in super().feed(BRACKETED_PASTE_END):  # for the parser nothing was pasted
            if not isinstance(message, events.Paste):
                yield message
        self._pasting, self._held = True, ""
        return data[end:]

    def _take_paste(self, data: str) -> Generator[Message, None, str]:
        """Keep what is pasted; returns what comes after the bracket that closes it."""
        text, bracket, rest = (self._held + data).partition(BRACKETED_PASTE_END)
        if not bracket:
            self._held = text
            return ""
        self._pasting, self._held = False, ""
        yield events.Paste(clean_text(text))
        return rest


def take_pastes_whole() -> None:
    """Let Textual's driver for terminals use this parser, where it is as it is known to be."""
    from textual.drivers import linux_driver

    if getattr(linux_driver, "XTermParser", None) is XTermParser:
        vars(linux_driver)["XTermParser"] = PasteParser
