"""From token bytes to text fit for the screen: whole characters, no control codes."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Sequence

_KEPT = "\n\t"
_DROPPED = dict.fromkeys(
    code
    for code in range(0x2070)  # no control characters beyond
    if (unicodedata.category(chr(code)) == "Cc" and chr(code) not in _KEPT)
    or 0x202A <= code <= 0x202E  # bidirectional overrides can make text read as what it is not
    or 0x2066 <= code <= 0x2069
)


def printable(text: str) -> str:
    """`text` without control characters (but newline and tab) and bidirectional overrides."""
    return text.translate(_DROPPED)


class TextStream:
    """Turns the bytes of tokens into text as soon as it is certain.

    Half a UTF-8 character waits for its other half; the beginning of a stop string waits until it
    is known whether the rest follows.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = [s for s in stop if s]
        self._held = ""
        self.stopped = False
        """A stop string came; it and what followed are not part of the text."""

    def feed(self, data: bytes) -> str:
        """The text that became certain with `data`."""
        text = self._decoder.decode(data)
        return self._release(text) if self._stop else text.translate(_DROPPED)

    def leave_half(self) -> bytes:
        """Forget the half of a character that waits for its other half; returns it."""
        waiting, flags = self._decoder.getstate()
        self._decoder.setstate((b"", flags))
        return waiting

    def finish(self) -> str:
        """What was still waiting when the reply ended."""
        if self.stopped:
            return ""
        text, self._held = self._held + self._decoder.decode(b"", final=True), ""
        return printable(text)

    def _release(self, text: str) -> str:
        if self.stopped:
            return ""
        self._held += text
        found = [at for at in map(self._held.find, self._stop) if at >= 0]
        if found:
            self.stopped = True
            text, self._held = self._held[: min(found)], ""
        else:
            n_wait = max(_overlap(self._held, stop) for stop in self._stop)
            cut = len(self._held) - n_wait
            text, self._held = self._held[:cut], self._held[cut:]
        return printable(text)


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    return next(
        (n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0
    )
