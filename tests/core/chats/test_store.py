"""The conversations as a whole: listed, opened, searched, renamed, deleted and brought back."""

from __future__ import annotations

import sqlite3
import stat
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from core.chats import database, schema
from core.chats.database import open_database
from core.chats.records import Message, new_id, title_of
from core.chats.store import UNDO_S, Store
from core.chats.writer import Writer
from core.errors import SpecdecError
from tests.core.chats.conftest import PATIENCE_S, talk


def test_a_conversation_comes_back_as_it_was(store: Store, path: Path) -> None:
    chat, messages = talk("hello", "good morning 🦊\x00\ud800", "and?", "on")
    store.add(chat, messages)
    other = Store(path)
    kept, found = other.load(chat.id)
    assert kept == chat and list(found) == [message.id for message in messages]
    assert found[messages[1].id].text == "good morning 🦊\x00?", "half a character is none"
    assert [found[m.id] for m in messages if m is not messages[1]] == [
        m for m in messages if m is not messages[1]
    ]
    other.close()


def test_only_the_user_can_read_the_file(store: Store, path: Path) -> None:
    store.add(*talk("hello"))
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


def test_the_list_has_the_last_written_first(store: Store) -> None:
    first, second = talk("first", "one"), talk("second", "two")
    store.add(*first)
    store.add(*second)
    assert [(item.title, item.n_messages, item.ending) for item in store.chats()] == [
        ("second", 2, "stop"),
        ("first", 2, "stop"),
    ]


def test_rename_delete_and_undo(store: Store) -> None:
    chat, messages = talk("apples", "and pears")
    store.add(chat, messages)
    store.rename(chat.id, "fruit")
    assert store.chats()[0].title == "fruit"
    assert [hit.message for hit in store.search("fruit")] == [None]
    store.delete(chat.id)
    assert store.chats() == [] and store.search("pears") == [] == store.search("fruit")
    assert store.bring_back() == chat.id
    assert store.chats()[0].title == "fruit" and len(store.search("pears")) == 1
    assert store.bring_back() is None


def test_what_was_deleted_goes_for_good_after_a_day(store: Store, path: Path) -> None:
    old, new = talk("old pears"), talk("new pears")
    store.add(*old)
    store.add(*new)
    store.delete(old[0].id)
    store.delete(new[0].id)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE chat SET deleted_at = ? WHERE id = ?", (time.time() - UNDO_S - 1, old[0].id)
        )
    store.purge()
    assert store.bring_back() == new[0].id and store.bring_back() is None
    assert [hit.message for hit in store.search("pears")] == [new[1][0].id]
    with pytest.raises(SpecdecError, match="not there any more"):
        store.load(old[0].id)


def test_a_message_added_to_a_deleted_conversation_brings_it_back(store: Store) -> None:
    chat, messages = talk("one", "two")
    store.add(chat, messages)
    store.delete(chat.id)
    store.add(chat, [Message(new_id(), messages[-1].id, "user", "three", time.time())])
    assert [item.id for item in store.chats()] == [chat.id]


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize(
    ("words", "hit", "before"),
    [
        ("größ", "Größe", "what is the "),
        ("mathe size", None, None),
        ("the what", "what", ""),
        ("数学", "数学", "…is the Größe of C++ "),
        ("++", "++", "what is the Größe of C"),
        ('"NEAR(', None, None),
        ("  ", None, None),
    ],
)
def test_search_finds_words_and_says_where(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    hit: str | None,
    before: str | None,
    indexed: bool,
) -> None:
    monkeypatch.setattr(schema, "has_search", lambda _connection: indexed)
    monkeypatch.setattr("core.chats.store.has_search", lambda _connection: indexed)
    text = "what is the Größe of C++ 数学问题"
    chat, messages = talk(text, "nothing here", title="sums")
    store.add(chat, messages)
    hits = store.search(words)
    if hit is None:
        assert hits == []
        return
    (found,) = hits
    assert (found.chat, found.message, found.role) == (chat.id, messages[0].id, "user")
    assert found.excerpt.before == before
    assert text[found.at :].startswith(found.excerpt.hit)
    assert found.excerpt.hit.startswith(hit) or hit.startswith(found.excerpt.hit)


def test_accents_and_case_do_not_matter_to_the_index(store: Store) -> None:
    store.add(*talk("a café in Ångström"))
    (hit,) = store.search("CAFE angstrom")
    assert hit.message is not None, "a title that says no more is left out"


def test_control_characters_in_a_message_do_not_move_a_hit(store: Store) -> None:
    text = "\x02a\x03 b\x02\x03 needle"
    store.add(*talk(text, title="t"))
    (hit,) = store.search("needle")
    assert text[hit.at :] == hit.excerpt.hit == "needle"


@pytest.mark.parametrize("words", ["needle\0", "\0needle", "needle\udcff", "\0", "\ud800"])
def test_no_character_is_an_error_to_the_search(store: Store, words: str) -> None:
    store.add(*talk("a needle", title="t"))
    hits = [hit.excerpt.hit for hit in store.search(words)]
    assert hits == (["needle"] if "needle" in words else [])


def test_half_a_character_in_a_new_title_is_a_question_mark(store: Store) -> None:
    chat, messages = talk("hello")
    store.add(chat, messages)
    store.rename(chat.id, "so \udcff")
    assert [listed.title for listed in store.chats()] == ["so ?"]


def test_an_sqlite_without_full_text_search_reads_and_writes_the_same_file(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(*talk("apples"))
    with monkeypatch.context() as without:
        without.setattr(schema, "has_search", lambda _connection: False)
        without.setattr("core.chats.store.has_search", lambda _connection: False)
        poor = Store(path)
        poor.add(*talk("apple pie"))
        assert len(poor.search("apple")) == 2
        poor.close()
    again = Store(path)
    assert len(again.search("pie")) == 1, "the index made good what was left out of it"
    again.rename(again.chats()[0].id, "cake")
    assert len(again.search("cake")) == 1
    again.close()


def test_a_newer_file_is_refused_and_left_as_it_is(store: Store, path: Path) -> None:
    store.add(*talk("apples"))
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(SpecdecError, match="newer specdec-tui") as refused:
        store.chats()
    assert refused.value.kind == "chats"
    assert [file.name for file in path.parent.iterdir() if "broken" in file.name] == []


def test_an_older_file_is_brought_up_to_date(
    path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat, messages = talk("apples")
    store.add(chat, messages)
    store.close()
    more = (*schema.MIGRATIONS, ("ALTER TABLE chat ADD COLUMN colour TEXT",))
    monkeypatch.setattr(schema, "MIGRATIONS", more)
    monkeypatch.setattr(schema, "VERSION", len(more))
    monkeypatch.setattr(database, "VERSION", len(more))
    connection, _ = open_database(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(more),)
    assert connection.execute("SELECT colour FROM chat").fetchall() == [(None,)]
    connection.close()


def test_a_migration_that_fails_changes_nothing(
    path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(*talk("apples"))
    store.close()
    steps = ("ALTER TABLE chat ADD COLUMN colour TEXT", "SELECT no_such_function()")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, steps))
    monkeypatch.setattr(schema, "VERSION", 2)
    monkeypatch.setattr(database, "VERSION", 2)
    with pytest.raises(SpecdecError, match="no_such_function"):
        open_database(path)
    monkeypatch.undo()
    connection, _ = open_database(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    with pytest.raises(sqlite3.OperationalError, match="colour"):
        connection.execute("SELECT colour FROM chat")
    connection.close()


@pytest.mark.parametrize("damage", ["not a database", "torn pages", "another program's"])
def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(
    path: Path, store: Store, damage: str
) -> None:
    store.add(*talk(*("many words of apples and pears " * 200 for _ in range(40))))
    store.close()
    if damage == "another program's":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA application_id = 1")
    data = bytearray(path.read_bytes())
    if damage == "not a database":
        data[:] = b"not a database" * 1000
    elif damage == "torn pages":
        data[8192:40960] = b"\xff" * (40960 - 8192)
    path.write_bytes(data)
    assert store.chats() == []
    (aside,) = [file for file in path.parent.iterdir() if "broken" in file.name]
    assert aside.read_bytes() == bytes(data) and str(aside) in store.notice
    store.add(*talk("anew"))
    assert [item.title for item in store.chats()] == ["anew"]


def damage_the_index(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE message_words_data SET block = x'ffff' WHERE id > 10")


def test_a_damaged_index_is_made_anew_and_nothing_else_is_lost(store: Store, path: Path) -> None:
    store.add(*talk("apples and pears"))
    store.close()
    damage_the_index(path)
    assert [listed.title for listed in store.chats()] == ["apples and pears"]
    assert [hit.excerpt.hit for hit in store.search("pears")] == ["pears"]
    assert store.notice == "" and not list(path.parent.glob("*.broken*"))


def test_an_index_that_is_damaged_meanwhile_keeps_nothing_from_being_saved(
    store: Store, path: Path
) -> None:
    store.add(*talk("apples and pears"))
    told: list[str] = []
    writer = Writer(told.append, path)
    chat, messages = talk("plums")
    writer.put(chat, *messages, now=True)
    assert writer.flush(PATIENCE_S)
    damage_the_index(path)
    for number in range(20):
        writer.put(chat, replace(messages[0], text=f"plums and cherries {number}"), now=True)
        assert writer.flush(PATIENCE_S) and not told
    assert [hit.excerpt.hit for hit in store.search("cherries pears")] == []
    assert [hit.excerpt.hit for hit in store.search("cherries")] == ["cherries"]
    assert [hit.excerpt.hit for hit in store.search("pears")] == ["pears"]
    assert writer.close(PATIENCE_S) and not told


def test_a_title_is_the_beginning_on_one_line() -> None:
    assert title_of("  what\n is\tthis ") == "what is this"
    assert len(title_of("word " * 400)) == 120 and title_of("x" * 500).endswith("…")


def test_ids_grow_even_within_a_millisecond() -> None:
    ids = [new_id() for _ in range(5000)]
    assert ids == sorted(set(ids)) and ids[-1] < 2**63
