"""Messages between widgets and the app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from tui.choices import Offer

if TYPE_CHECKING:
    from core.models.progress import Progress


@dataclass
class OfferFound(Message):
    """The models were looked for: what there is, or why it cannot be used."""

    offer: Offer | None
    problem: str = ""


@dataclass
class Submitted(Message):
    """Enter was pressed in the composer."""

    text: str


@dataclass
class FromThread(Message, bubble=False):
    """A thread of the receiver's has looked something up, or done it: `take` puts in what came of
    that, on the app's own thread. What is awaitable of it is awaited."""

    take: Callable[[], object]


@dataclass
class Fetched(Message):
    """News of the item `key`: how far it is, or else that it ended, well (`path`) or not
    (`problem`), or with neither because it was told to stop."""

    key: str
    progress: Progress | None = None
    path: str = ""
    problem: str = ""


@dataclass
class Judged(Message):
    """Whether the item `key` may draft; `problem` is empty where it may."""

    key: str
    problem: str = ""
