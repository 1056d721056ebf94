"""What is kept of a conversation and of each of its messages, as values."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import Literal

from core.protocol import FinishReason, ReplyStats

Role = Literal["user", "assistant"]
Ending = FinishReason | Literal["interrupted"]
"""How a reply ended; `interrupted`: the app that was writing it is gone."""

MAX_TITLE = 120
_RANDOM_BITS = 20


@dataclass(frozen=True)
class Message:
    """One message; the first ones of a conversation have no parent. All text is untrusted."""

    id: int
    parent: int | None
    role: Role
    text: str
    created: float
    """Seconds since 1970."""
    ending: Ending | None = None
    """None for what the user wrote, and for a reply that is being written."""
    note: str = ""
    """What went wrong, in one sentence."""
    stats: str = ""
    """The reply's totals, a `ReplyStats` as JSON, or nothing."""
    target: str = ""
    """Name of the model that wrote it."""
    drafter: str = ""
    """Who drafted for it."""
    open: bool = False
    """Being written, by this process or another."""


@dataclass(frozen=True)
class Chat:
    """A conversation but for its messages. `leaf`: the last message of the branch shown."""

    id: int
    title: str
    system: str
    created: float
    updated: float
    leaf: int | None = None


def read_stats(message: Message) -> ReplyStats | None:
    """The totals of a reply; None where there are none, or none that can be read."""
    if not message.stats:
        return None
    from core import wire

    try:
        return wire.read(ReplyStats, message.stats)
    except ValueError:  # pydantic's is one
        return None


def title_of(prompt: str) -> str:
    """The title of a conversation that begins with this message: its first words, on one line."""
    line = " ".join(prompt[: 4 * MAX_TITLE].split())
    return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rstrip() + "…"


class _Ids:
    """Numbers that grow with time and that two processes do not both give, without asking the
    file: milliseconds since 1970, then random bits. They fit SQLite's 63 bits until 2248."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        noise = int.from_bytes(os.urandom(4)) >> (32 - _RANDOM_BITS)
        now = time.time_ns() // 1_000_000 << _RANDOM_BITS | noise
        with self._lock:
            self._last = max(self._last + 1, now)
            return self._last


new_id = _Ids()
"""A new id for a message or a conversation; a later one is greater."""
