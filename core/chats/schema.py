"""The tables, how an older file becomes one of today, and the index for the full-text search.

The index may be missing: an SQLite without FTS5 writes and reads the same file, only slower when
it searches.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

APPLICATION_ID = 0x5D7C4A75
"""Marks a file as ours (SQLite's `application_id`)."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        f"PRAGMA application_id = {APPLICATION_ID}",
        """CREATE TABLE chat (
            id INTEGER PRIMARY KEY,
            title TEXT NOT NULL,
            system TEXT NOT NULL,
            created REAL NOT NULL,
            updated REAL NOT NULL,
            leaf INTEGER,
            deleted_at REAL
        )""",
        "CREATE INDEX chat_updated ON chat (updated)",
        # `owner` is set while a reply is being written: the token of the process that does it.
        # A parent is no foreign key: whatever arrives is kept, and read as a tree all the same.
        """CREATE TABLE message (
            id INTEGER PRIMARY KEY,
            chat INTEGER NOT NULL REFERENCES chat (id) ON DELETE CASCADE,
            parent INTEGER,
            role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
            text TEXT NOT NULL,
            created REAL NOT NULL,
            ending TEXT,
            note TEXT NOT NULL,
            stats TEXT NOT NULL,
            target TEXT NOT NULL,
            drafter TEXT NOT NULL,
            owner TEXT
        )""",
        "CREATE INDEX message_chat ON message (chat)",
        "CREATE INDEX message_owner ON message (owner) WHERE owner IS NOT NULL",
        "CREATE VIEW finished AS SELECT id, text FROM message WHERE owner IS NULL",
    ),
)
"""What leads from version n to n + 1 of the file (SQLite's `user_version`)."""
VERSION = len(MIGRATIONS)

WORDS = ("message_words", "chat_words")
_TOKENIZER = "tokenize = 'unicode61 remove_diacritics 2'"
_TABLES = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS message_words USING fts5("
    f"text, content = 'finished', content_rowid = 'id', {_TOKENIZER})",
    "CREATE VIRTUAL TABLE IF NOT EXISTS chat_words USING fts5("
    f"title, content = 'chat', content_rowid = 'id', {_TOKENIZER})",
)


def _take_out(words: str, column: str) -> str:
    return f"INSERT INTO {words} ({words}, rowid, {column}) VALUES ('delete', old.id, old.{column})"


def _put_in(words: str, column: str) -> str:
    return f"INSERT INTO {words} (rowid, {column}) VALUES (new.id, new.{column})"


# A reply that grows is indexed once, when it has ended.
_TRIGGERS = {
    "message_added": "AFTER INSERT ON message WHEN new.owner IS NULL BEGIN "
    f"{_put_in('message_words', 'text')}; END",
    "message_taken": "AFTER DELETE ON message WHEN old.owner IS NULL BEGIN "
    f"{_take_out('message_words', 'text')}; END",
    "message_ended": "AFTER UPDATE OF text, owner ON message "
    "WHEN old.owner IS NOT NULL AND new.owner IS NULL BEGIN "
    f"{_put_in('message_words', 'text')}; END",
    "message_reopened": "AFTER UPDATE OF text, owner ON message "
    "WHEN old.owner IS NULL AND new.owner IS NOT NULL BEGIN "
    f"{_take_out('message_words', 'text')}; END",
    "message_changed": "AFTER UPDATE OF text, owner ON message "
    "WHEN old.owner IS NULL AND new.owner IS NULL AND old.text <> new.text BEGIN "
    f"{_take_out('message_words', 'text')}; {_put_in('message_words', 'text')}; END",
    "chat_added": f"AFTER INSERT ON chat BEGIN {_put_in('chat_words', 'title')}; END",
    "chat_taken": f"AFTER DELETE ON chat BEGIN {_take_out('chat_words', 'title')}; END",
    "chat_renamed": "AFTER UPDATE OF title ON chat WHEN old.title <> new.title BEGIN "
    f"{_take_out('chat_words', 'title')}; {_put_in('chat_words', 'title')}; END",
}


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to VERSION in one transaction; another process may do so meanwhile."""
    with transaction(connection):
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for step in MIGRATIONS[version:]:
            for statement in step:
                connection.execute(statement)
        if version < VERSION:
            connection.execute(f"PRAGMA user_version = {VERSION}")


def has_search(connection: sqlite3.Connection) -> bool:
    """Whether this SQLite can search full text."""
    found = connection.execute("SELECT sqlite_compileoption_used('ENABLE_FTS5')").fetchone()
    return bool(found[0])


def ensure_search(connection: sqlite3.Connection) -> None:
    """Make the index, or make good what an SQLite without FTS5 has left out of it; there, leave
    the index alone from now on, which could not be written to."""
    kept = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    }
    able = has_search(connection)
    if able == (kept >= set(_TRIGGERS)) and (able or not kept):
        return
    renew_search(connection, able)


def renew_search(connection: sqlite3.Connection, able: bool) -> None:
    """Make the index anew from what it is an index of; not `able`: have none. Raises sqlite3.Error
    where the file is damaged beyond that."""
    with transaction(connection):
        for name in _TRIGGERS:
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        if not able:
            return
        for statement in _TABLES:
            connection.execute(statement)
        for words in WORDS:
            connection.execute(f"INSERT INTO {words} ({words}) VALUES ('rebuild')")
        for name, rest in _TRIGGERS.items():
            connection.execute(f"CREATE TRIGGER {name} {rest}")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of what is executed within, or nothing. Waits for other writers first, so that it cannot
    find out in the middle that it must not write."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
