"""Which processes are writing: each holds a lock on a file of its own, which ends with it.

The kernel takes the lock back however a process ends, so there is nothing to compare with process
numbers that are used again, and it holds between containers that share a folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


class Owner:
    """This process as one that writes; `token` is how others know it."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError where the folder cannot be written to."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            self.token = secrets.token_hex(8)
            self._path = folder / self.token
            self._file = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            with contextlib.suppress(OSError):  # where there are no locks, see `gone`
                fcntl.flock(self._file, fcntl.LOCK_EX)  # who looks at it holds it for a moment
            if self._path.exists():  # else another swept it away before it was locked
                return
            os.close(self._file)

    def close(self) -> None:
        """No longer writing."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._file)


def gone(folder: Path, token: str) -> bool:
    """Whether the process with this token has ended.

    On a file system without locks every other process counts as gone. The mark that it gets is
    taken back by itself, since a reply that does end overwrites it.
    """
    if not token.isalnum():
        return True
    with _looked_at(folder / token) as is_gone:
        return is_gone


def sweep(folder: Path) -> None:
    """Remove the files of processes that are gone."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with _looked_at(path) as is_gone, contextlib.suppress(OSError):
                if is_gone:
                    path.unlink()


@contextlib.contextmanager
def _looked_at(path: Path) -> Iterator[bool]:
    """Whether the process that made the file is gone. While this lasts, one that has just made it
    cannot lock it."""
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        yield True
        return
    try:
        yield _is_free(file)
    finally:
        os.close(file)


def _is_free(file: int) -> bool:
    """Whether no process is writing under this file's name; also where there are no locks. Several
    may ask at a time."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
