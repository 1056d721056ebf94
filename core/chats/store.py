"""The conversations as a whole: listing, opening, searching, and what is done to one by hand.

What is written while chatting goes through `core.chats.writer`. Everything here may wait for the
disk, so call it from a thread that may.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.chats.database import chats_path, mend, open_database, owners_folder, refusal
from core.chats.owners import gone, sweep
from core.chats.records import Chat, Ending, Message
from core.chats.rows import MESSAGE_COLUMNS, message_of, put, sound
from core.chats.schema import has_search, transaction
from core.chats.search import Hit, search
from core.errors import SpecdecError

UNDO_S = 24 * 3600.0
"""How long a deleted conversation can be brought back."""
MOST_LISTED = 5000


@dataclass(frozen=True)
class Listed:
    """A conversation in the list. `ending`: how its last message that is shown ended."""

    id: int
    title: str
    updated: float
    n_messages: int
    ending: Ending | None
    writer: str
    """Token of the process that is writing a reply in it, or nothing."""


class Store:
    """One connection, which threads share in turn."""

    def __init__(self, path: Path | None = None) -> None:
        """`path`: the file, by default the user's own. It is opened when first used."""
        self.path = path or chats_path()
        self.notice = ""
        """What the user should know of how the file was opened, if anything."""
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def chats(self) -> list[Listed]:
        """All conversations, the one last written to first; replies whose writer is gone are marked
        as interrupted before that. Raises SpecdecError, as all methods do."""
        self.settle()
        rows = self._rows(
            "SELECT c.id, c.title, c.updated, (SELECT count(*) FROM message WHERE chat = c.id), "
            "m.ending, ifnull(m.owner, '') FROM chat c LEFT JOIN message m ON m.id = c.leaf "
            "WHERE c.deleted_at IS NULL ORDER BY c.updated DESC LIMIT ?",
            MOST_LISTED,
        )
        return [Listed(*row) for row in rows]

    def load(self, chat: int) -> tuple[Chat, dict[int, Message]]:
        """A conversation, and its messages by id, oldest first."""
        found = self._rows(
            "SELECT id, title, system, created, updated, leaf FROM chat WHERE id = ?", chat
        )
        if not found:
            raise SpecdecError("That chat is not there any more.", kind="chats")
        rows = self._rows(f"SELECT {MESSAGE_COLUMNS} FROM message WHERE chat = ? ORDER BY id", chat)
        return Chat(*found[0]), {row[0]: message_of(row) for row in rows}

    def search(self, words: str) -> list[Hit]:
        """Where the words stand, newest first."""
        with self._lock:
            connection = self._open()
            try:
                return _found(connection, words)
            except sqlite3.Error as error:
                raise _unreadable(self.path, error) from None

    def add(self, chat: Chat, messages: Iterable[Message]) -> None:
        """A whole conversation, as from an import. Ids must be new ones."""
        with self._lock:
            connection = self._open()
            try:
                with transaction(connection):
                    put(connection, chat, messages, owner="")
            except sqlite3.Error as error:
                raise refusal(self.path, error) from None

    def rename(self, chat: int, title: str) -> None:
        self._change("UPDATE chat SET title = ? WHERE id = ?", sound(title), chat)

    def show(self, chat: int, leaf: int) -> None:
        """Which branch is the one shown."""
        self._change("UPDATE chat SET leaf = ? WHERE id = ?", leaf, chat)

    def delete(self, chat: int) -> None:
        """Take a conversation off the list; for a day it can be brought back."""
        self._change("UPDATE chat SET deleted_at = ? WHERE id = ?", time.time(), chat)

    def bring_back(self, chat: int | None = None) -> int | None:
        """Undo a deletion, the last one where no conversation is named; returns which."""
        if chat is None:
            rows = self._rows(
                "SELECT id FROM chat WHERE deleted_at IS NOT NULL ORDER BY deleted_at DESC LIMIT 1"
            )
            chat = rows[0][0] if rows else None
        if chat is not None:
            self._change("UPDATE chat SET deleted_at = NULL WHERE id = ?", chat)
        return chat

    def settle(self) -> int:
        """Mark the replies whose writer is gone as interrupted; returns how many those were."""
        folder = owners_folder(self.path)
        n_marked = 0
        for (owner,) in self._rows("SELECT DISTINCT owner FROM message WHERE owner IS NOT NULL"):
            if gone(folder, owner):
                n_marked += self._change(
                    "UPDATE message SET owner = NULL, ending = 'interrupted' WHERE owner = ?", owner
                )
        sweep(folder)
        return n_marked

    def purge(self) -> None:
        """Remove for good what was deleted a day ago."""
        self._change("DELETE FROM chat WHERE deleted_at < ?", time.time() - UNDO_S)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    # -------------------------------------------------------------- the connection

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection, notice = open_database(self.path)
            self.notice = self.notice or notice
        return self._connection

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._open().execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise _unreadable(self.path, error) from None

    def _change(self, statement: str, *values: object) -> int:
        with self._lock:
            connection = self._open()
            try:
                with transaction(connection):
                    return connection.execute(statement, values).rowcount
            except sqlite3.Error as error:
                raise refusal(self.path, error) from None


def _found(connection: sqlite3.Connection, words: str) -> list[Hit]:
    try:
        return search(connection, words, has_search(connection))
    except sqlite3.Error as error:
        if not mend(connection, error):
            raise
    return search(connection, words, has_search(connection))


def _unreadable(path: Path, error: sqlite3.Error) -> SpecdecError:
    return SpecdecError(f"{path} cannot be read ({error}); see to that file.", kind="chats")
