"""Conversations and messages as rows of the file; apart so that reading and writing share it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from core.chats.records import Chat, Message

MESSAGE_COLUMNS = "id, parent, role, text, created, ending, note, stats, target, drafter, owner"

_PUT_CHAT = """
INSERT INTO chat (id, title, system, created, updated, leaf) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    system = excluded.system, updated = max(updated, excluded.updated), leaf = excluded.leaf
"""
_PUT_MESSAGE = f"""
INSERT INTO message ({MESSAGE_COLUMNS}, chat) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    text = excluded.text, ending = excluded.ending, note = excluded.note, stats = excluded.stats,
    target = excluded.target, drafter = excluded.drafter, owner = excluded.owner
"""


def put(
    connection: sqlite3.Connection, chat: Chat, messages: Iterable[Message], owner: str
) -> None:
    """Write a conversation and some of its messages, whether they are there or not. The title
    stays what it is, since it may have been given by hand; a deleted conversation in which
    something is written is none any more. `owner` marks what is still being written."""
    connection.execute(
        _PUT_CHAT,
        (chat.id, sound(chat.title), sound(chat.system), chat.created, chat.updated, chat.leaf),
    )
    rows = [_row(message, chat.id, owner) for message in messages]
    if rows:
        connection.execute("UPDATE chat SET deleted_at = NULL WHERE id = ?", (chat.id,))
        connection.executemany(_PUT_MESSAGE, rows)


def message_of(row: tuple[Any, ...]) -> Message:
    """A message from a row of MESSAGE_COLUMNS."""
    values = (*row[:-1], row[-1] is not None)
    return Message(*values)


def sound(text: str) -> str:
    """`text` as UTF-8 can hold it: half a surrogate pair becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _row(message: Message, chat: int, owner: str) -> tuple[object, ...]:
    return (
        *(message.id, message.parent, message.role, sound(message.text), message.created),
        *(message.ending, sound(message.note), message.stats),
        *(sound(message.target), sound(message.drafter)),
        *(owner if message.open else None, chat),
    )
