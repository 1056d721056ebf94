"""Saves conversations while they are being had, on a thread of its own: whoever has something to
save hands it over and goes on at once.

What is handed over several times between two saves is written once, as it is last. What cannot be
written is kept, and tried again until it can: a disk that is full for an hour costs nothing but a
sentence.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.chats.database import chats_path, mend, open_database, owners_folder, refusal
from core.chats.owners import Owner
from core.chats.records import Chat, Message
from core.chats.rows import put
from core.chats.schema import transaction
from core.errors import SpecdecError

SAVE_S = 0.5
"""Longest time that something waits to be saved; with the save itself it stays under a second."""
RETRY_S = 5.0
SAVED_AGAIN = "This chat is saved again."


@dataclass
class _Pending:
    """What is to be written of one conversation."""

    chat: Chat
    messages: dict[int, Message] = field(default_factory=dict)


class Writer:
    """Writes to one file. `tell` is called with a sentence for the user, on the thread."""

    def __init__(self, tell: Callable[[str], None], path: Path | None = None) -> None:
        """`path`: the file, by default the user's own. It is opened with the first save."""
        self.path = path or chats_path()
        self._tell = tell
        self._pending: dict[int, _Pending] = {}
        self._changed = threading.Condition()
        self._due: float | None = None
        """When the next save is, in the time of `time.monotonic`; None: nothing is to be saved."""
        self._saving = self._closing = False
        self._connection: sqlite3.Connection | None = None
        self._owner: Owner | None = None
        self._trouble = ""
        self._thread: threading.Thread | None = None

    @property
    def trouble(self) -> str:
        """Why nothing could be saved the last time; empty where it could."""
        return self._trouble

    def put(self, chat: Chat, *messages: Message, now: bool = False) -> None:
        """Save these messages and the conversation they are of: within SAVE_S, or at once."""
        with self._changed:
            pending = self._pending.setdefault(chat.id, _Pending(chat))
            pending.chat = chat
            pending.messages.update((message.id, message) for message in messages)
            self._hasten(0.0 if now else SAVE_S)

    def flush(self, timeout: float) -> bool:
        """Save everything now and wait for it; False where that was not done in `timeout` seconds,
        or cannot be."""
        with self._changed:
            if self._pending and not self._trouble:
                self._hasten(0.0)
            return self._changed.wait_for(self._is_idle, timeout) and not self._pending

    def close(self, timeout: float) -> bool:
        """Save everything and end; False where that was not done in `timeout` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)
            return not thread.is_alive() and not self._pending
        return True

    def _hasten(self, delay: float) -> None:
        if self._trouble:  # the next attempt has its time
            return
        due = time.monotonic() + delay
        self._due = due if self._due is None else min(self._due, due)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="chats", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _is_idle(self) -> bool:
        return not self._saving and (not self._pending or bool(self._trouble))

    # -------------------------------------------------------------- the thread

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closing and not self._is_due():
                    self._changed.wait(self._patience())
                batch, self._pending = self._pending, {}
                self._due, self._saving = None, bool(batch)
            trouble = self._save(batch) if batch else ""
            with self._changed:
                self._saving = False
                news = self._settle(batch, trouble)
                ending = self._closing and (bool(trouble) or not self._pending)
                self._changed.notify_all()
            if news:
                self._tell(news)
            if ending:
                self._leave()
                return

    def _is_due(self) -> bool:
        return self._due is not None and self._due <= time.monotonic()

    def _patience(self) -> float | None:
        return None if self._due is None else max(0.0, self._due - time.monotonic())

    def _settle(self, batch: dict[int, _Pending], trouble: str) -> str:
        """After a save: what could not be written is put back, under what came meanwhile. Returns
        what the user should be told."""
        before, self._trouble = self._trouble, trouble
        if not trouble:
            return SAVED_AGAIN if before else ""
        for chat, old in batch.items():
            newer = self._pending.get(chat)
            if newer is not None:
                old.chat = newer.chat
                old.messages.update(newer.messages)
            self._pending[chat] = old
        self._due = time.monotonic() + RETRY_S
        return trouble if not before else ""

    def _save(self, batch: dict[int, _Pending]) -> str:
        """Write what is pending; returns what went wrong, if something did."""
        try:
            connection, owner = self._open()
            try:
                self._write(connection, batch, owner)
            except sqlite3.Error as error:
                if not mend(connection, error):
                    raise
                self._write(connection, batch, owner)
        except SpecdecError as error:
            return error.message
        except Exception as error:  # whatever it is, saving must not end without a word
            self._let_go()
            return refusal(self.path, error).message
        return ""

    def _write(
        self, connection: sqlite3.Connection, batch: dict[int, _Pending], owner: Owner
    ) -> None:
        with transaction(connection):
            for pending in batch.values():
                put(connection, pending.chat, pending.messages.values(), owner.token)

    def _open(self) -> tuple[sqlite3.Connection, Owner]:
        if self._connection is None:
            self._connection, notice = open_database(self.path)
            if notice:
                self._tell(notice)
        if self._owner is None:
            self._owner = Owner(owners_folder(self.path))
        return self._connection, self._owner

    def _let_go(self) -> None:
        """Open the file anew next time."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _leave(self) -> None:
        self._let_go()
        if self._owner is not None:
            self._owner.close()
