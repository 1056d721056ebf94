"""Keeps the chat on disk while it is had, and hands out the chats that are there.

What opens the file is loaded on a thread after the first frame, or with the first message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message as Post

from core.chats.records import Chat, Message
from core.errors import SpecdecError

if TYPE_CHECKING:
    from core.chats.store import Store
    from core.chats.writer import Writer

FLUSH_S = 2.0
CLOSE_S = 3.0


@dataclass
class Kept(Post):
    """A sentence about the saving of chats."""

    text: str


@dataclass
class InterruptedFound(Post):
    """The chat that was written to last ends with a reply that was interrupted."""

    title: str


class Keeper:
    """One writer and one store. `post` takes messages from any thread."""

    def __init__(self, post: Callable[[Post], object]) -> None:
        self.enabled = True
        self._post = post
        self._writer: Writer | None = None
        self._store: Store | None = None
        self._said = ""

    def save(self, chat: Chat, messages: Sequence[Message], now: bool) -> None:
        """Save messages, and which branch of their chat is shown: at once, or within a second.
        Never waits."""
        if self.enabled:
            self._writing().put(chat, *messages, now=now)

    def store(self) -> Store:
        """The saved chats, with all that was said up to now. Waits for the disk: for threads."""
        if self._writer is not None:
            self._writer.flush(FLUSH_S)
        if self._store is None:
            from core.chats.store import Store

            self._store = Store()
        return self._store

    def trouble(self) -> str:
        """Why nothing is saved; empty where it is."""
        return self._writer.trouble if self._writer is not None else ""

    def look_back(self) -> None:
        """On a thread, at the start: remove what was deleted long ago, mark what was interrupted,
        and say so where it is the last chat."""
        if not self.enabled:
            return
        try:
            store = self.store()
            store.purge()
            last = next(iter(store.chats()), None)
        except SpecdecError as error:
            self._say(error.message)
            return
        if store.notice:
            self._say(store.notice)
        if last is not None and last.ending == "interrupted":
            self._post(InterruptedFound(last.title))

    def close(self) -> None:
        """Save what is left. Waits for the disk, a few seconds at most."""
        if self._writer is not None:
            self._writer.close(CLOSE_S)
        if self._store is not None:
            self._store.close()

    def _writing(self) -> Writer:
        if self._writer is None:
            from core.chats.writer import Writer

            self._writer = Writer(self._say)
        return self._writer

    def _say(self, sentence: str) -> None:
        """Once: reading and saving may find the same thing wrong."""
        if sentence != self._said:
            self._said = sentence
            self._post(Kept(sentence))
