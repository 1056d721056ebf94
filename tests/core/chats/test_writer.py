"""Saving while a conversation is had: soon, without waiting, and through trouble."""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.chats import owners, writer
from core.chats.database import owners_folder
from core.chats.owners import Owner, gone
from core.chats.store import Store
from core.chats.writer import SAVED_AGAIN, Writer
from tests.core.chats.conftest import PATIENCE_S, growing, talk
from tests.support.processes import running

ROOT = Path(__file__).parents[3]
Start = Callable[[], Writer]

GROWS = """
import itertools, sys, time
from pathlib import Path
from core.chats.writer import Writer
from tests.core.chats.conftest import growing, talk
def tell(word):
    sys.stdout.write(f"{word}\\n")
    sys.stdout.flush()
class Telling(Writer):
    def _save(self, batch):
        (text,) = {p.messages[reply.id].text or "-1" for p in batch.values()}
        tell("save")
        trouble = super()._save(batch)
        tell(f"saved {text}")
        return trouble
writer = Telling(tell, Path(sys.argv[1]))
chat, (prompt, reply) = talk("tell me", "")
writer.put(chat, prompt, growing(reply, ""), now=True)
for number in itertools.count():
    time.sleep(0.02)
    writer.put(chat, growing(reply, str(number)))
    tell(number)
"""
MOST_A_SECOND = 50
"""Of its numbers; where the machine is busy with something else, there are fewer."""


def saves(told: list[str]) -> tuple[int, int]:
    """The number that was saved last, and how many came at most between two saves: the disk's own
    time is not the writer's."""
    last, n_waiting, most, is_saving = -1, 0, 0, False
    for line in told:
        word, *number = line.split()
        is_saving = word == "save" or (is_saving and word != "saved")
        if word == "saved":
            last = int(number[0])
        n_waiting = n_waiting + 1 if word.isdecimal() and not is_saving else 0
        most = max(most, n_waiting)
    return last, most


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_is_handed_over_is_saved_by_itself(start: Start, store: Store) -> None:
    chat, (prompt, reply) = talk("hello", "good morning")
    own = start()
    own.put(chat, prompt, growing(reply, "good"))
    wait_for(store.chats)
    wait_for(lambda: store.load(chat.id)[1][reply.id].text == "good")
    assert store.load(chat.id)[1][reply.id].open
    own.put(chat, reply)
    wait_for(lambda: store.load(chat.id)[1][reply.id] == reply)


def test_many_changes_between_two_saves_are_one(
    start: Start, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []

    def counted(*arguments: object, **named: object) -> None:
        saved.append(1)
        real(*arguments, **named)  # type: ignore[arg-type]

    real = writer.put
    monkeypatch.setattr(writer, "put", counted)
    monkeypatch.setattr(writer, "SAVE_S", PATIENCE_S)
    chat, (prompt, reply) = talk("hello", "")
    own = start()
    for number in range(500):
        own.put(chat, prompt, growing(reply, "x" * number))
    assert own.flush(PATIENCE_S)
    assert len(saved) == 1 and len(store.load(chat.id)[1][reply.id].text) == 499


def test_the_caller_never_waits_for_the_file(start: Start, store: Store, path: Path) -> None:
    own = start()
    chat, (prompt, reply) = talk("hello", "world")
    own.put(chat, prompt, now=True)
    assert own.flush(PATIENCE_S)
    held = sqlite3.connect(path, isolation_level=None)
    held.execute("BEGIN IMMEDIATE")  # the thread cannot write now
    done = threading.Event()

    def hand_over() -> None:
        for _ in range(1000):
            own.put(chat, reply, now=True)
        done.set()

    threading.Thread(target=hand_over).start()
    assert done.wait(PATIENCE_S), "put waited for the lock"
    assert not own.flush(0.05)
    held.execute("ROLLBACK")
    held.close()
    wait_for(lambda: own.flush(PATIENCE_S))  # it may have given up for a while meanwhile
    assert len(store.load(chat.id)[1]) == 2


def test_a_kill_loses_at_most_a_second_and_the_reply_is_marked(path: Path, store: Store) -> None:
    told: list[str] = []
    with running([sys.executable, "-c", GROWS, str(path)], cwd=ROOT, text=True) as process:
        assert process.stdout
        while not told or told[-1].startswith("save") or saves(told)[0] < 0:
            told.append(process.stdout.readline().strip())
        (listed,) = store.chats()
        assert listed.writer, "a reply that another process writes is not interrupted"
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
    told += rest.split("\n")[:-1]
    (listed,) = store.chats()
    assert (listed.ending, listed.writer) == ("interrupted", "")
    _, messages = store.load(listed.id)
    prompt, reply = messages.values()
    assert prompt.text == "tell me" and reply.ending == "interrupted"
    last_saved, most = saves(told)
    assert int(reply.text) >= last_saved and most <= MOST_A_SECOND
    assert len(store.search(reply.text)) == 1, "it can be found from now on"
    assert list(owners_folder(path).iterdir()) == []


def test_a_process_that_lives_keeps_its_reply_in_progress(start: Start, store: Store) -> None:
    chat, (prompt, reply) = talk("hello", "")
    own = start()
    own.put(chat, prompt, growing(reply, "so far"), now=True)
    assert own.flush(PATIENCE_S)
    assert store.settle() == 0 and store.load(chat.id)[1][reply.id].open
    own.put(chat, replace(reply, text="done"))
    assert own.close(PATIENCE_S)
    assert store.settle() == 0
    assert store.load(chat.id)[1][reply.id].ending == "stop"


def test_a_reply_taken_for_interrupted_that_goes_on_is_so_again(
    start: Start, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a file system without locks."""
    chat, (prompt, reply) = talk("hello", "")
    own = start()
    own.put(chat, prompt, growing(reply, "apples"), now=True)
    assert own.flush(PATIENCE_S)
    monkeypatch.setattr("core.chats.store.gone", lambda *_: True)
    assert store.settle() == 1 and len(store.search("apples")) == 1
    own.put(chat, growing(reply, "pears"))
    assert own.flush(PATIENCE_S)
    assert store.load(chat.id)[1][reply.id].open and store.search("apples") == []
    own.put(chat, replace(reply, text="pears and plums"))
    assert own.flush(PATIENCE_S)
    assert len(store.search("pears")) == 1


def test_two_processes_write_into_one_file(start: Start, store: Store) -> None:
    talks = [talk(f"question {number}", f"answer {number}") for number in range(20)]
    own = [start(), start()]
    for number, (chat, messages) in enumerate(talks):
        own[number % 2].put(chat, *messages, now=True)
    assert all(one.flush(PATIENCE_S) for one in own)
    assert {item.id for item in store.chats()} == {chat.id for chat, _ in talks}


def test_trouble_is_said_once_and_nothing_is_lost(
    start: Start, store: Store, path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_S", 0.02)
    path.mkdir(parents=True)  # a folder where the file should be
    own = start()
    chat, (prompt, reply) = talk("hello", "world")
    own.put(chat, prompt, now=True)
    wait_for(lambda: told)
    assert not own.flush(PATIENCE_S), "says so without waiting"
    own.put(chat, growing(reply, "wor"))
    time.sleep(0.1)
    assert len(told) == 1 and "this chat is not saved" in told[0]
    path.rmdir()
    wait_for(lambda: SAVED_AGAIN in told)
    own.put(chat, reply)
    assert own.flush(PATIENCE_S)
    assert store.load(chat.id)[1] == {prompt.id: prompt, reply.id: reply}
    assert len(told) == 2


def test_a_full_disk_costs_a_sentence(
    start: Start, store: Store, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_S", 0.02)
    own = start()
    chat, (prompt, reply) = talk("hello", "word " * 100_000)
    own.put(chat, prompt, now=True)
    assert own.flush(PATIENCE_S)
    assert own._connection is not None
    n_pages = own._connection.execute("PRAGMA page_count").fetchone()[0]
    own._connection.execute(f"PRAGMA max_page_count = {n_pages}")  # SQLite's own "disk full"
    own.put(chat, reply, now=True)
    wait_for(lambda: SAVED_AGAIN in told)  # a new connection has no such limit
    assert "is full" in told[0] and len(told) == 2
    assert store.load(chat.id)[1][reply.id] == reply


def test_what_nobody_thought_of_is_said_too_and_does_not_end_the_saving(
    start: Start, told: list[str]
) -> None:
    own = start()
    chat, (message,) = talk("hello")
    own.put(chat, replace(message, id=2**63), now=True)  # as from a clock beyond the year 2248
    wait_for(lambda: told)
    (sentence,) = told
    assert "too large" in sentence and sentence.endswith("this chat is not saved.")
    assert own.trouble == sentence and not own.flush(PATIENCE_S)


def test_closing_saves_what_is_left(start: Start, store: Store) -> None:
    chat, messages = talk("hello", "world")
    own = start()
    own.put(chat, *messages)
    assert own.close(PATIENCE_S)
    assert len(store.load(chat.id)[1]) == 2
    assert Writer(print).close(0.1), "nothing was ever written"


def test_a_writer_is_known_as_long_as_it_lives(tmp_path: Path) -> None:
    folder = tmp_path / "writing"
    owner = Owner(folder)
    assert not gone(folder, owner.token)
    owners.sweep(folder)
    assert not gone(folder, owner.token)
    owner.close()
    assert gone(folder, owner.token) and list(folder.iterdir()) == []
    assert gone(folder, "../../etc/passwd") and gone(folder, "")
    (folder / "abandoned").touch()
    owners.sweep(folder)
    assert list(folder.iterdir()) == []


def test_a_writer_that_begins_while_others_sweep_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One who has locked its file, when it was made and not locked yet, has to remove it, too,
    before the lock is its owner's."""
    folder = tmp_path / "writing"
    made, swept = threading.Event(), threading.Event()
    lock, unlink = owners.fcntl.flock, Path.unlink

    def lock_late(file: int, how: int) -> None:
        if threading.current_thread() is threading.main_thread() and not made.is_set():
            made.set()
            assert swept.wait(PATIENCE_S)
        lock(file, how)

    def remove_late(path: Path, missing_ok: bool = False) -> None:
        swept.set()
        time.sleep(0.2)
        unlink(path, missing_ok)

    def sweep() -> None:
        made.wait(PATIENCE_S)
        owners.sweep(folder)

    monkeypatch.setattr(owners.fcntl, "flock", lock_late)
    monkeypatch.setattr(Path, "unlink", remove_late)
    sweeping = threading.Thread(target=sweep)
    sweeping.start()
    owner = Owner(folder)
    sweeping.join()
    assert not gone(folder, owner.token) and len(list(folder.iterdir())) == 1
    owner.close()


def test_a_writer_that_is_looked_at_while_it_begins_is_known_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, looking = fcntl.flock, []

    def lock_a_little_late(file: int, how: int) -> None:
        if not looking:
            looker = os.open(next(tmp_path.iterdir()), os.O_RDWR)
            lock(looker, fcntl.LOCK_SH)
            looking.append(threading.Timer(0.05, os.close, [looker]))
            looking[0].start()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", lock_a_little_late)
    owner = Owner(tmp_path)
    looking[0].join()
    assert not gone(tmp_path, owner.token)
    owner.close()


def test_what_is_swept_away_cannot_be_taken_up_at_that_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove, locked = Path.unlink, []

    def look_at_and_remove(path: Path) -> None:
        with path.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                locked.append(path)
        remove(path)

    (tmp_path / "abandoned").touch()
    monkeypatch.setattr(Path, "unlink", look_at_and_remove)
    owners.sweep(tmp_path)
    assert locked == [tmp_path / "abandoned"] and list(tmp_path.iterdir()) == []
