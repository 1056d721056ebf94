"""The file of the conversations: where it is, how it is opened, what becomes of a broken one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_data_path

from core.chats.filesystem import is_network
from core.chats.schema import (
    APPLICATION_ID,
    VERSION,
    ensure_search,
    has_search,
    migrate,
    renew_search,
)
from core.errors import SpecdecError

BUSY_S = 5.0
MOST_CHECKED = 64 * 2**20
"""Larger files are not read through at each start."""
BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Broken(Exception):
    """The file is no conversations of ours, or not whole any more."""


def chats_path() -> Path:
    """The file of this user's conversations, in the user's data folder."""
    return user_data_path("specdec-tui") / "chats.db"


def owners_folder(path: Path) -> Path:
    """Where the processes that write into the file at `path` are known."""
    return path.with_name("writing")


def open_database(path: Path) -> tuple[sqlite3.Connection, str]:
    """A connection to the file, which is made or brought up to date where needed; and a sentence
    for the user, or nothing.

    A broken file is moved aside, and a new one begun. Raises SpecdecError (`chats`) where the file
    cannot be used, or is of a newer specdec-tui. Each thread opens its own.
    """
    try:
        return _opened(path), ""
    except Broken:
        pass
    except (OSError, sqlite3.Error) as error:
        raise refusal(path, error) from None
    try:
        with _alone(path):
            with contextlib.suppress(Broken):  # another process may have been here first
                return _opened(path, alone=True), ""
            aside = _move_aside(path)
            return _opened(path, alone=True), (
                f"The file of the saved chats was damaged: it was moved to {aside}, and a new one "
                f"begun."
            )
    except (OSError, sqlite3.Error, Broken) as error:
        raise refusal(path, error) from None


def refusal(path: Path, error: Exception) -> SpecdecError:
    """Why nothing can be saved, as a sentence."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    folder = path.parent
    if code == sqlite3.SQLITE_FULL:
        text = f"The disk that holds {folder} is full: this chat is not saved; free some space."
    elif code == sqlite3.SQLITE_READONLY or isinstance(error, PermissionError):
        text = f"{path} cannot be written to: this chat is not saved; make it writable."
    elif code == sqlite3.SQLITE_BUSY:
        text = f"{path} is held by another program: this chat is not saved until it lets go."
    else:
        why = getattr(error, "strerror", None) or error
        text = f"{path} cannot be used ({why}): this chat is not saved."
    return SpecdecError(text, kind="chats")


def is_broken(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in BROKEN


def mend(connection: sqlite3.Connection, error: Exception) -> bool:
    """Whether what failed with `error` is worth another attempt: of a damaged file, the search
    index is made anew, and may be all that is damaged."""
    if not is_broken(error):
        return False
    try:
        renew_search(connection, has_search(connection))
    except sqlite3.Error:
        return False
    return True


# ------------------------------------------------------------------ opening


def _opened(path: Path, alone: bool = False) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made here so that nobody else may read it from the first byte on; SQLite gives the files
    # beside it the same mode.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    # Two processes that begin the same file would be in each other's way.
    begin = contextlib.nullcontext() if alone or path.stat().st_size else _alone(path)
    connection = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        with begin:
            _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        if is_broken(error):
            raise Broken from None
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = int(_one(connection, "PRAGMA user_version"))
    application = _one(connection, "PRAGMA application_id")
    if application != APPLICATION_ID and _one(connection, "SELECT count(*) FROM sqlite_master"):
        raise Broken
    if version > VERSION:
        raise SpecdecError(
            f"{path} is of a newer specdec-tui: this chat is not saved; install that version.",
            kind="chats",
        )
    # Write-ahead logging shares memory between processes, which hosts of a network file system
    # cannot.
    connection.execute(f"PRAGMA journal_mode = {'TRUNCATE' if is_network(path) else 'WAL'}")
    connection.execute("PRAGMA synchronous = FULL")  # a power cut loses no more than a kill does
    connection.execute("PRAGMA foreign_keys = ON")
    connection.create_function("folded", 1, lambda text: str(text).casefold(), deterministic=True)
    if version < VERSION:
        migrate(connection)
    ensure_search(connection)
    if path.stat().st_size <= MOST_CHECKED and not _is_sound(connection):
        renew_search(connection, has_search(connection))  # it may be all that is damaged
        if not _is_sound(connection):
            raise Broken


def _is_sound(connection: sqlite3.Connection) -> bool:
    return _one(connection, "PRAGMA quick_check(1)") == "ok"


def _one(connection: sqlite3.Connection, query: str) -> int | str:
    found: int | str = connection.execute(query).fetchone()[0]
    return found


# ------------------------------------------------------------------ a broken file


def _move_aside(path: Path) -> Path:
    """Give the file, and what SQLite keeps beside it, another name; returns it."""
    stem = f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}"
    aside, number = path.with_name(stem), 2
    while aside.exists():
        aside, number = path.with_name(f"{stem}-{number}"), number + 1
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    return aside


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """While this lasts, no other process moves the file."""
    file = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
