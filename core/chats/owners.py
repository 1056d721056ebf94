"""Which processes are writing: each holds a lock on a file of its own, which ends with it.

The kernel takes the lock back however a process ends, so there is nothing to compare with process
numbers that are used again, and it holds between containers that share a folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
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
                fcntl.flock(self._file, fcntl.LOCK_EX)
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
    return not token.isalnum() or _is_free(folder / token)


def sweep(folder: Path) -> None:
    """Remove the files of processes that are gone."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            _is_free(path, remove=True)


def _is_free(path: Path, *, remove: bool = False) -> bool:
    """Whether nobody holds the lock on a file, which is removed then where that is wanted: under
    the lock, or an owner that has just made the file could take it for its own meanwhile."""
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return True
    try:
        with contextlib.suppress(OSError):  # there may be no locks, see `gone`
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        if remove:
            with contextlib.suppress(OSError):
                path.unlink()
    finally:
        os.close(file)
    return True
