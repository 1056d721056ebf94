"""Earlier messages, called back into the composer; nothing that was typed is lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_KEPT = 200


@dataclass
class Recall:
    """The messages sent, oldest first, and where among them the reader stands. What was typed, or
    changed in an earlier message, stays where it was until something is sent."""

    sent: list[str] = field(default_factory=list)
    _back: int = 0
    """How many messages back; 0: the one that is being written."""
    _typed: dict[int, str] = field(default_factory=dict)

    def remember(self, text: str) -> None:
        """`text` was sent: it is the latest, and all is as if nothing had been called back."""
        if not self.sent or self.sent[-1] != text:
            self.sent = [*self.sent[-MOST_KEPT + 1 :], text]
        self._back, self._typed = 0, {}

    def move(self, by: int, text: str) -> str | None:
        """The text `by` messages further back (positive) or forward, `text` being what stands in
        the composer now; None where there is none."""
        to = self._back + by
        if not 0 <= to <= len(self.sent):
            return None
        if text != self._at(self._back):
            self._typed[self._back] = text
        self._back = to
        return self._at(to)

    def _at(self, back: int) -> str:
        if back in self._typed:
            return self._typed[back]
        return self.sent[-back] if back else ""
