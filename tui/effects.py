"""What the screen has to show of the course of a chat, as values.

Apart from the dialogue, which says it: all that has a sentence for the user needs a notice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.protocol import DrafterInfo, ModelInfo, ReplyStats
from tui.conversation import Turn

BUSY = "a reply is being written: {stop} stops it; your text is kept"


@dataclass(frozen=True)
class Grew:
    """The reply in progress got longer by `text`, which is clean."""

    text: str


@dataclass(frozen=True)
class Ended:
    """A reply is over, well or not; its turn says how."""

    turn: Turn


@dataclass(frozen=True)
class Notice:
    """Something the user should know, in one sentence."""

    text: str
    severity: Literal["information", "warning", "error"] = "information"
    in_chat: bool = False


@dataclass(frozen=True)
class Measured:
    """One drafter served a whole reply, and the governor chose its draft lengths: what it achieved
    says something of the pair."""

    target: ModelInfo
    drafter: DrafterInfo
    stats: ReplyStats


Effect = Grew | Ended | Notice | Measured
