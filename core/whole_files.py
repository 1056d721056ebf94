"""Files that are there whole or not at all, for whoever reads them while or after they are written.

Each is written under a name of its own beside its place, and takes its place in one step. Apart
from `durable`, a machine that loses power may lose what was written last.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path


def replace_file(path: Path, data: bytes, *, mode: int = 0o666, durable: bool = False) -> None:
    """Put `data` in the place of `path`, whose folder is made where there is none.

    A link stays a link, and a file that is there keeps its owner and its permissions; a new one has
    `mode`, less the umask. Raises OSError, also for a file that may not be written.
    """
    real = Path(os.path.realpath(path))
    real.parent.mkdir(parents=True, exist_ok=True)
    before = _replaceable(real)
    with _beside(real, data, mode, before, durable=durable) as new:
        new.replace(real)


def create_file(path: Path, data: bytes) -> None:
    """Write `data` to `path`; nothing is overwritten.

    Raises FileExistsError where something has that name, OSError where it cannot be written.
    """
    if os.path.lexists(path):  # before much is written in vain
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    with _beside(path, data, 0o666, None, durable=False) as new:
        try:
            path.hardlink_to(new)  # which, unlike a rename, refuses a name that is taken
            return
        except FileExistsError:
            raise
        except (OSError, NotImplementedError):
            pass  # a file system without hard links
    _create_in_place(path, data)


def _create_in_place(path: Path, data: bytes) -> None:
    """As `create_file`, for who reads it after it was written: what fails half-way is removed."""
    with path.open("xb") as file:
        try:
            file.write(data)
            file.flush()
        except OSError:
            path.unlink()
            raise


@contextlib.contextmanager
def _beside(
    path: Path, data: bytes, mode: int, like: os.stat_result | None, *, durable: bool
) -> Iterator[Path]:
    """A file with `data` beside `path`; it is gone afterwards, unless it was moved away."""
    new = path.with_name(f".{path.name[:40]}.{os.urandom(4).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with os.fdopen(os.open(new, flags, mode if like is None else 0o600), "wb") as file:
            if like is not None:
                with contextlib.suppress(PermissionError):  # only root may give a file to another
                    os.fchown(file.fileno(), like.st_uid, like.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(like.st_mode))
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        yield new
    finally:
        with contextlib.suppress(OSError):  # a missing one too: it was moved
            new.unlink()


def _replaceable(path: Path) -> os.stat_result | None:
    """Whose the file is and what may be done with it; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    # a file that may not be written is not to be got round by replacing it
    if not found.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it is read-only")
    return found
