"""The one exception that carries a sentence for the user; apart so that every room may raise it."""

from __future__ import annotations


class SpecdecError(Exception):
    """What happened and what to do about it, in one sentence fit for the screen.

    `kind` groups causes that a caller may want to tell apart: `file`, `model`, `draft`, `memory`,
    `prompt`, `settings`, `hub`, `stopped` (by the user) or `engine`.
    """

    def __init__(self, message: str, kind: str = "engine") -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
