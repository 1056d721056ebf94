"""The Hugging Face cache folder: where a file's bytes, its name and its branch belong in it.

The layout is huggingface_hub's and llama.cpp's: `models--OWNER--NAME/{blobs,snapshots,refs}`, and
`.locks` beside them. Names come from the network; whatever they are, nothing is made outside the
cache folder.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import SpecdecError
from core.models.background import Cancelled, pause
from core.models.hub_names import checked_repo, is_safe_file, repo_folder_name
from core.models.untrusted import shown
from core.whole_files import replace_file

PARTIAL = ".specdec.incomplete"
LOCK_TRY_S = 0.2


@dataclass(frozen=True)
class CachedFile:
    """The places of one file: its bytes when whole, while it is fetched, its name, and the lock
    that huggingface_hub takes for it too."""

    repo_folder: Path
    blob: Path
    partial: Path
    link: Path
    lock: Path

    @property
    def commit_folder(self) -> Path:
        """`snapshots/COMMIT`, in which the link lies, perhaps deeper."""
        snapshots = self.repo_folder / "snapshots"
        return snapshots / self.link.relative_to(snapshots).parts[0]


def places_for(folder: Path, repo: str, file: str, commit: str, checksum: str) -> CachedFile:
    """Where `file` of `repo` belongs below the cache `folder`; makes nothing.

    Raises SpecdecError (kind `file`) where the name is not fit for a path or the place, with all
    links followed, would lie outside the folder.
    """
    checked_repo(repo)
    label = shown(file)
    if not is_safe_file(file) or not (commit + checksum).isalnum():
        raise SpecdecError(f"{label} is a name that cannot be kept here; choose another.", "file")
    name = repo_folder_name(repo)
    repo_folder = folder / name
    blob = repo_folder / "blobs" / checksum
    link = repo_folder.joinpath("snapshots", commit, *file.split("/"))
    lock = folder / ".locks" / name / f"{checksum}.lock"
    inside = folder.resolve()
    for place in (blob, link, lock, repo_folder / "refs/main"):
        if not place.parent.resolve().is_relative_to(inside):
            raise SpecdecError(
                f"{label} would be kept outside of {shown(str(folder), 300)}, by way of a link; "
                "remove the link.",
                kind="file",
            )
    return CachedFile(repo_folder, blob, blob.with_name(checksum + PARTIAL), link, lock)


def kept_bytes(cached: CachedFile, size: int) -> int:
    """How many of the file's `size` bytes are there: all, those of a broken-off download, none."""
    if is_whole(cached, size):
        return size
    begun = _size(cached.partial) or 0
    return begun if begun <= size else 0


def is_whole(cached: CachedFile, size: int) -> bool:
    """Whether all `size` bytes are there and were verified: under their name, or about to be."""
    return size in (_size(cached.link), _size(cached.blob))


def free_bytes(folder: Path) -> int:
    """Free space where `folder` is, or will be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


@contextmanager
def locked(cached: CachedFile, cancelled: Cancelled, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the file's lock, as every program that fetches with huggingface_hub does.

    While another process holds it, `on_wait` is called again and again; Stopped as soon as
    `cancelled()`.
    """
    from core.models.hub_library import WeakFileLock

    cached.lock.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(WeakFileLock(cached.lock, timeout=LOCK_TRY_S))
                break
            except TimeoutError:
                on_wait()
                pause(0, cancelled)
        yield


@contextmanager
def opened_partial(cached: CachedFile) -> Iterator[BinaryIO]:
    """The file that is being fetched, to read and write, made if need be. Follows no link."""
    cached.partial.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(cached.partial, flags, 0o666), "r+b", buffering=0) as file:
        yield file


def make_whole(cached: CachedFile) -> None:
    """Give a verified partial file its final name. It is on the disk before it bears it."""
    with cached.partial.open("r+b") as file:
        os.fsync(file.fileno())
    cached.partial.replace(cached.blob)


def link_in(cached: CachedFile) -> None:
    """Give the bytes their name in the snapshot; where links are not to be had they move there."""
    from core.models.hub_library import constants

    if not cached.blob.exists():  # they moved there before
        return
    cached.link.parent.mkdir(parents=True, exist_ok=True)
    if not constants.HF_HUB_DISABLE_SYMLINKS:
        beside = cached.link.with_name(f".{secrets.token_hex(8)}.tmp")
        target = os.path.relpath(cached.blob, cached.link.parent)
        try:
            beside.symlink_to(target)
            beside.replace(cached.link)
            return
        except (OSError, NotImplementedError):
            beside.unlink(missing_ok=True)
    cached.blob.replace(cached.link)


def point_main_at(cached: CachedFile) -> None:
    """Write the branch main, as a whole or not at all."""
    main = cached.repo_folder / "refs/main"
    commit = cached.commit_folder.name
    if main.is_file() and main.read_text(encoding="utf-8", errors="replace") == commit:
        return
    replace_file(main, commit.encode())


def discard_partials(folder: Path, repo: str = "") -> int:
    """Remove what broken-off downloads left, of `repo` or of all; the bytes that it frees.

    What a process is fetching at this moment stays.
    """
    from core.models.hub_library import WeakFileLock

    name = repo_folder_name(checked_repo(repo)) if repo else "models--*"
    freed = 0
    for partial in folder.glob(f"{name}/blobs/*{PARTIAL}"):
        checksum = partial.name.removesuffix(PARTIAL)
        lock = folder / ".locks" / partial.parent.parent.name / f"{checksum}.lock"
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            with WeakFileLock(lock, timeout=LOCK_TRY_S):
                size = partial.lstat().st_size
                partial.unlink()
                freed += size
        except OSError:  # held by another process, or gone already
            continue
    return freed


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
