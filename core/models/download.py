"""One model from the Hub onto the disk: resumed where it broke off, verified, and never half there.

huggingface_hub starts every download anew. Here the bytes go into a file of our own beside its
blobs, and whatever happens to the line, the disk or this process, what came stays there and the
next attempt goes on behind it.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from core.errors import SpecdecError
from core.models.background import Cancelled, Stopped, never, pause
from core.models.hub import FileChoice, RemoteFile
from core.models.hub_cache import (
    CachedFile,
    free_bytes,
    is_whole,
    kept_bytes,
    link_in,
    locked,
    make_whole,
    opened_partial,
    places_for,
    point_main_at,
)
from core.models.hub_connection import (
    Hub,
    RemoteFacts,
    ask_facts,
    next_wait,
    not_a_hub,
    read_range,
)
from core.models.hub_errors import HubError, explain
from core.models.progress import Meter, OnProgress, ignore
from core.models.sizes import size_text
from core.models.untrusted import shown, shown_bytes

if TYPE_CHECKING:
    from hashlib import _Hash

STRETCH = 16 * 2**30
"""Bytes asked for in one request: below the 50 GB that the Hub's servers give in one answer."""
ENOUGH = 2**18
"""Bytes after which a line that broke counts as one that had worked."""
SPARE = 64 * 2**20
"""Space that a download leaves free."""
PIECE = 2**20
MAGIC = b"GGUF"


@dataclass(frozen=True)
class Downloaded:
    """A model that is now on the disk. `path` is its first file, by its name in the snapshot.

    `received_bytes` are those that came over the network this time.
    """

    path: Path
    files: tuple[Path, ...]
    commit: str
    checksums: tuple[str, ...]
    size_bytes: int
    received_bytes: int


@dataclass(frozen=True)
class _Wanted:
    """One file to fetch: what the Hub says of it, and where it goes."""

    name: str
    facts: RemoteFacts
    size: int
    cached: CachedFile

    @property
    def kept(self) -> int:
        return kept_bytes(self.cached, self.size)


def download(
    repo: str,
    choice: FileChoice,
    hub: Hub,
    on_progress: OnProgress = ignore,
    cancelled: Cancelled = never,
) -> Downloaded:
    """Fetch all files of `choice`, or what is missing of them, and verify each by its checksum.

    Blocks, and tells `on_progress` about ten times a second. Raises Stopped soon after
    `cancelled()`; everything that came is kept then, and in every failure but a wrong checksum.
    Raises SpecdecError saying what failed, and how much is kept.
    """
    if choice.missing:
        raise HubError(f"{repo}: {shown(choice.name)}: {choice.missing}.")
    meter = Meter(choice.size_bytes or 0, len(choice.files), on_progress)
    wanted: list[_Wanted] = []
    try:
        return _downloaded(hub, repo, choice, wanted, meter, cancelled)
    except Stopped:
        raise Stopped(f"Stopped{_kept(wanted)}; pull it again to go on.") from None
    except HubError as error:
        raise HubError(error.message.removesuffix(".") + _kept(wanted) + ".") from None
    except (_Unwritable, OSError) as error:
        cause = error.cause if isinstance(error, _Unwritable) else error
        raise _disk_trouble(cause, hub.folder, _kept(wanted)) from None
    finally:
        meter.end()


def _downloaded(
    hub: Hub,
    repo: str,
    choice: FileChoice,
    wanted: list[_Wanted],
    meter: Meter,
    cancelled: Cancelled,
) -> Downloaded:
    """The work; `wanted` is filled as the Hub answers, so that a failure can say what is kept."""
    going = meter.ticking(cancelled)
    meter.begin("asking")
    for file in choice.files:
        wanted.append(_promised(hub, repo, file, going))
    _require_one_commit(wanted)
    missing = sum(file.size - file.kept for file in wanted)
    _require_space(hub.folder, choice.name, missing)
    meter.expect(sum(file.size for file in wanted))
    for i, wish in enumerate(wanted):
        meter.at_part(i + 1, wish.name, sum(before.size for before in wanted[:i]))
        _fetch(hub, repo, wish, meter, going)
    for wish in wanted:
        link_in(wish.cached)
    point_main_at(wanted[0].cached)
    return Downloaded(
        path=wanted[0].cached.link,
        files=tuple(wish.cached.link for wish in wanted),
        commit=wanted[0].facts.commit,
        checksums=tuple(wish.facts.checksum for wish in wanted),
        size_bytes=sum(wish.size for wish in wanted),
        received_bytes=missing,
    )


class _Unwritable(Exception):
    """The disk did not take a piece; apart from OSError, as which refusals of the Hub come too."""

    def __init__(self, cause: OSError) -> None:
        self.cause = cause


# ------------------------------------------------------------------ before the first byte


def _promised(hub: Hub, repo: str, file: RemoteFile, cancelled: Cancelled) -> _Wanted:
    facts = ask_facts(hub, repo, file.name, cancelled)
    size = facts.size if facts.size is not None else file.size_bytes
    if size is None:
        raise not_a_hub(hub, f"does not say how long {shown(file.name)} is (no Content-Length)")
    cached = places_for(hub.folder, repo, file.name, facts.commit, facts.checksum)
    return _Wanted(file.name, RemoteFacts(facts.commit, facts.checksum, size), size, cached)


def _require_one_commit(wanted: list[_Wanted]) -> None:
    if len({file.facts.commit for file in wanted}) > 1:
        raise HubError("The repository changed on the Hub in the meantime; start again.")


def _require_space(folder: Path, name: str, missing: int) -> None:
    free = free_bytes(folder)
    if missing and missing + SPARE > free:
        raise SpecdecError(
            f"{shown(name)} needs {size_text(missing)} more and {shown(str(folder), 300)} has "
            f"{size_text(free)} free; free some, or set HF_HOME to a folder on another disk.",
            kind="file",
        )


# ------------------------------------------------------------------ one file


def _fetch(hub: Hub, repo: str, file: _Wanted, meter: Meter, cancelled: Cancelled) -> None:
    """Bring `file` to the disk, whole and verified, under the name of its checksum."""

    def on_wait() -> None:
        meter.begin("waiting", "another program is downloading it")

    with locked(file.cached, cancelled, on_wait):
        if is_whole(file.cached, file.size):
            return
        with opened_partial(file.cached) as partial:
            digest = _read_kept(partial, file, meter, cancelled)
            _fetch_rest(hub, repo, file, partial, digest, meter, cancelled)
        meter.begin("finishing")
        if digest.hexdigest() != file.facts.checksum:
            file.cached.partial.unlink()
            raise HubError(
                f"{shown(file.name)} did not arrive as the Hub has it (its checksum is another) "
                "and was removed; pull it again."
            )
        make_whole(file.cached)


def _read_kept(partial: BinaryIO, file: _Wanted, meter: Meter, cancelled: Cancelled) -> _Hash:
    """Hash what is there; the file then stands at its end. What cannot be right is emptied."""
    length = partial.seek(0, 2)
    partial.seek(0)
    beginning = partial.read(len(MAGIC))
    if length > file.size or beginning != MAGIC[:length]:
        partial.truncate(0)
        length = 0
    partial.seek(0)
    digest = _empty_digest(file)
    if length:
        meter.begin("checking", "what is there already")
    while piece := partial.read(PIECE):
        if cancelled():
            raise Stopped
        digest.update(piece)
        meter.received(len(piece))
    return digest


def _empty_digest(file: _Wanted) -> _Hash:
    """A large file's checksum is its sha256, a small one's that of a git blob."""
    if len(file.facts.checksum) == 64:
        return hashlib.sha256()
    return hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)


def _fetch_rest(
    hub: Hub,
    repo: str,
    file: _Wanted,
    partial: BinaryIO,
    digest: _Hash,
    meter: Meter,
    cancelled: Cancelled,
) -> None:
    """Read on behind what is there, as often as the line breaks and more comes each time."""
    failures = 0

    def keep(piece: bytes) -> None:
        try:
            _write(partial, piece)
        except OSError as error:
            raise _Unwritable(error) from None
        digest.update(piece)
        meter.received(len(piece))

    while (at := partial.tell()) < file.size:
        try:
            meter.begin("downloading")
            _fetch_stretch(hub, repo, file, at, keep, cancelled)
        except (SpecdecError, _Unwritable):
            raise
        except Exception as error:
            failures = 1 if partial.tell() - at >= ENOUGH else failures + 1
            wait = next_wait(hub, failures, error, alive=True)
            if wait is None:
                raise explain(error, hub.url, repo, file.name) from None
            meter.begin("waiting", f"the line broke; trying again in {wait:.0f} s")
            pause(wait, cancelled)


def _fetch_stretch(
    hub: Hub,
    repo: str,
    file: _Wanted,
    at: int,
    keep: Callable[[bytes], None],
    cancelled: Cancelled,
) -> None:
    end = min(file.size, at + STRETCH)
    beginning = MAGIC[:at]
    with closing(read_range(hub, repo, file.name, at, end, file.facts, cancelled)) as items:
        for item in items:
            if isinstance(item, int):
                continue
            beginning = (beginning + item)[: len(MAGIC)] if len(beginning) < 4 else beginning
            if not MAGIC.startswith(beginning):
                raise HubError(
                    f"{shown(file.name)} is no GGUF file: it begins with {shown_bytes(beginning)}; "
                    "choose another."
                )
            keep(item)


def _write(file: BinaryIO, piece: bytes) -> None:
    """All of it: an unbuffered file may take less than it is given."""
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) :]


# ------------------------------------------------------------------ what to say


def _kept(wanted: list[_Wanted]) -> str:
    """How much is there, to stand in a sentence; empty where there is nothing."""
    kept, total = sum(file.kept for file in wanted), sum(file.size for file in wanted)
    return f" ({size_text(kept)} of {size_text(total)} are kept)" if kept else ""


def _disk_trouble(error: OSError, folder: Path, kept: str) -> SpecdecError:
    label = shown(str(folder), 300)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SpecdecError(
            f"There is no space left in {label}{kept}; free some and pull it again.", kind="file"
        )
    reason = (error.strerror or type(error).__name__).lower()
    return SpecdecError(f"{label} cannot be written{kept}: {reason}.", kind="file")
