"""Finding words in all conversations, and showing a hit in its place."""

from __future__ import annotations

import bisect
import itertools
import secrets
import sqlite3
import unicodedata
from dataclasses import dataclass

from core.chats.records import Role
from core.chats.rows import sound

MOST_HITS = 200
BEFORE, AFTER = 24, 120
"""Characters of an excerpt on either side of the hit."""


@dataclass(frozen=True)
class Excerpt:
    """A hit in one line: what stands before it, itself, and what follows."""

    before: str
    hit: str
    after: str


@dataclass(frozen=True)
class Hit:
    """A message that holds the words, or (`message` None) a title. `at`: where in the text the
    first of them begins, in characters."""

    chat: int
    title: str
    message: int | None
    role: Role | None
    when: float
    at: int
    excerpt: Excerpt


def search(connection: sqlite3.Connection, words: str, indexed: bool) -> list[Hit]:
    """Messages in which all the words or beginnings of words stand, newest first; before them the
    titles of chats that have them nowhere else.

    `indexed`: by the full-text index, otherwise by reading everything, which also finds parts of
    words. Deleted conversations are left out.
    """
    words = sound(words).replace("\0", " ")  # at which FTS5 takes its question to end
    if not words.strip():
        return []
    indexed = indexed and _has_only_words(words)
    find = _find_indexed if indexed else _find_everywhere
    messages = find(connection, words, "message")
    shown = {hit.chat for hit in messages}
    return [hit for hit in find(connection, words, "chat") if hit.chat not in shown] + messages


def excerpt(text: str, at: int, length: int) -> Excerpt:
    """The surroundings of `text[at : at + length]`."""
    begin = max(0, at - BEFORE)
    if begin and (space := text.find(" ", begin, at)) >= 0:
        begin = space + 1
    before = _line(text[begin:at])
    after = text[at + length : at + length + AFTER]
    return Excerpt(("…" if begin else "") + before, _line(text[at : at + length]), _line(after))


def match_expression(words: str) -> str:
    """What FTS5 is asked: each word as a beginning, none of it taken for an operator."""
    parts = [word.replace('"', "") for word in words.split()]
    return " ".join(f'"{part}"*' for part in parts if any(c.isalnum() for c in part))


def _has_only_words(words: str) -> bool:
    """Whether the index, which knows whole words, can answer: not for signs alone, and not for
    writing without spaces between words."""
    for word in words.split():
        if not any(character.isalnum() for character in word):
            return False
        if any(unicodedata.east_asian_width(c) in "WF" or "\u0e00" <= c <= "\u0eff" for c in word):
            return False
    return True


_COLUMNS = {
    "chat": ("c.id, c.title, NULL, NULL, c.updated", "c.title", "chat_words", "c.updated"),
    "message": ("c.id, c.title, m.id, m.role, m.created", "m.text", "message_words", "m.id"),
}


def _find_indexed(connection: sqlite3.Connection, words: str, kind: str) -> list[Hit]:
    columns, _, index, _ = _COLUMNS[kind]
    begin, end = (f"\x02{secrets.token_hex(8)}" for _ in range(2))  # no text has them of its own
    join = "JOIN message m ON m.id = i.rowid JOIN chat c ON c.id = m.chat"
    rows = connection.execute(
        f"SELECT {columns}, highlight({index}, 0, ?, ?) FROM {index} i "
        f"{join if kind == 'message' else 'JOIN chat c ON c.id = i.rowid'} "
        f"WHERE {index} MATCH ? AND c.deleted_at IS NULL "
        f"ORDER BY {'i.rowid' if kind == 'message' else 'c.updated'} DESC LIMIT ?",
        (begin, end, match_expression(words), MOST_HITS),
    )
    hits = []
    for chat, title, message, role, when, marked in rows:
        before, _, rest = marked.partition(begin)
        at, length = len(before), len(rest.partition(end)[0])
        text = marked.replace(begin, "").replace(end, "")
        hits.append(Hit(chat, title, message, role, when, at, excerpt(text, at, length)))
    return hits


def _find_everywhere(connection: sqlite3.Connection, words: str, kind: str) -> list[Hit]:
    columns, text_column, _, newest = _COLUMNS[kind]
    wanted = [word.casefold() for word in words.split()]
    table = "message m JOIN chat c ON c.id = m.chat" if kind == "message" else "chat c"
    has_all = " AND ".join([f"instr(folded({text_column}), ?)"] * len(wanted))
    rows = connection.execute(
        f"SELECT {columns}, {text_column} FROM {table} "
        f"WHERE c.deleted_at IS NULL AND {has_all} ORDER BY {newest} DESC LIMIT ?",
        (*wanted, MOST_HITS),
    )
    hits = []
    for chat, title, message, role, when, text in rows:
        found = [place for word in wanted if (place := _place(text, word)) is not None]
        at, length = min(found, default=(0, 0))
        hits.append(Hit(chat, title, message, role, when, at, excerpt(text, at, length)))
    return hits


def _place(text: str, word: str) -> tuple[int, int] | None:
    """Where a folded word begins in `text`, and how long it is there."""
    folded = text.casefold()
    at = folded.find(word)
    if at < 0 or len(folded) == len(text):
        return (at, len(word)) if at >= 0 else None
    # Some letters fold to two, such as "ß".
    ends = list(itertools.accumulate(len(c.casefold()) for c in text))
    begin = bisect.bisect_right(ends, at)
    return begin, bisect.bisect_left(ends, at + len(word)) + 1 - begin


def _line(text: str) -> str:
    return "".join(" " if c.isspace() else c for c in text)
