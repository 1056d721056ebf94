"""A GGUF header without its file: whether a draft on the Hub fits, before it is downloaded."""

from __future__ import annotations

import itertools
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.models.background import Cancelled, never, pause
from core.models.compat import Compatibility, compare
from core.models.gguf import HeaderIncomplete, parse_header
from core.models.header import GgufHeader
from core.models.hub_connection import Hub, next_wait, read_range
from core.models.hub_errors import HubError, explain
from core.models.hub_names import checked_repo, is_safe_file
from core.models.kinds import classify, describe
from core.models.progress import Meter, OnProgress, ignore
from core.models.untrusted import shown

FIRST_READ = 2 * 2**20
MOST_READ = 64 * 2**20
"""Twice what the largest vocabulary in use takes, with its merges."""


@dataclass(frozen=True)
class RemoteDraft:
    """A candidate draft on the Hub: whether it may serve the target, and its header.

    `read_bytes` is what had to be fetched for it.
    """

    compatibility: Compatibility
    header: GgufHeader
    read_bytes: int


def check_remote_draft(
    repo: str,
    file: str,
    target: GgufHeader,
    hub: Hub,
    on_progress: OnProgress = ignore,
    cancelled: Cancelled = never,
) -> RemoteDraft:
    """Judge `file` of `repo` (of a split model: its first part) as a draft for `target`.

    Raises SpecdecError where the header cannot be fetched or read, Stopped as soon as
    `cancelled()`.
    """
    header, read = read_remote_header(repo, file, hub, on_progress, cancelled)
    if classify(header) != "language":
        return RemoteDraft(Compatibility("no", f"it is {describe(header)}"), header, read)
    return RemoteDraft(compare(target, header), header, read)


def read_remote_header(
    repo: str,
    file: str,
    hub: Hub,
    on_progress: OnProgress = ignore,
    cancelled: Cancelled = never,
) -> tuple[GgufHeader, int]:
    """The header of a file on the Hub, and the bytes read for it: 2 MiB, 4, 8, up to MOST_READ.

    The header's `path` is the file's name in the repository. Raises as `check_remote_draft`.
    """
    checked_repo(repo)
    if not is_safe_file(file):
        raise HubError(f"{shown(file)} is a name that cannot be used here; choose another.")
    meter = Meter(FIRST_READ, 1, on_progress)
    meter.at_part(1, file, 0)
    going = meter.ticking(cancelled)
    data = bytearray()
    size, wanted = MOST_READ, FIRST_READ
    while True:
        meter.begin("downloading")
        meter.expect(min(size, wanted))
        size = _extend(data, min(size, wanted), hub, repo, file, meter, going)
        try:
            return parse_header(bytes(data), size, Path(file)), len(data)
        except HeaderIncomplete as more:
            if more.needed > MOST_READ or len(data) >= min(size, MOST_READ):
                raise HubError(
                    f"The header of {shown(file)} is longer than any known; choose another file."
                ) from None
            wanted = min(MOST_READ, max(2 * wanted, _next_power(more.needed)))


def _extend(
    data: bytearray,
    wanted: int,
    hub: Hub,
    repo: str,
    file: str,
    meter: Meter,
    cancelled: Cancelled,
) -> int:
    """Read on until `data` holds `wanted` bytes, or all; the file's size. Retries as a download."""
    size = 0
    for failures in itertools.count(1):
        try:
            with closing(
                read_range(hub, repo, file, len(data), wanted, cancelled=cancelled)
            ) as items:
                for item in items:
                    if isinstance(item, int):
                        size = item
                    else:
                        data += item
                        meter.received(len(item))
            return size
        except Exception as error:
            wait = next_wait(hub, failures, error, alive=bool(data))
            if wait is None:
                raise explain(error, hub.url, repo, file) from None
        pause(wait, cancelled)
    raise AssertionError("counting does not end")


def _next_power(n_bytes: int) -> int:
    return 1 << (n_bytes - 1).bit_length()
