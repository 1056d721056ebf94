"""The first start: whether this is it, and the pairs to begin with. No Textual here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_state_path

from core.errors import SpecdecError
from core.protocol import DeviceMemory
from core.settings import Settings
from tui.judging import devices_now, expected

if TYPE_CHECKING:
    from core.models.first_pairs import LocalPair, RemotePair
    from core.models.hub import FileChoice


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Bundled:
    """The pair that ships with the program."""


@dataclass(frozen=True)
class Local:
    """A pair on this machine, by the paths of its models; no draft: empty."""

    target: str
    draft: str
    target_name: str
    draft_name: str
    size_bytes: int
    expectation: str
    verdict: str


@dataclass(frozen=True)
class Remote:
    """A pair on the Hub, and about how much there is to fetch."""

    target: str
    draft: str
    n_bytes: int


Row = Heading | Bundled | Local | Remote
BEGIN, HERE, HUB = (
    "to begin at once",
    "on this machine",
    "on the Hub, with room for them in this memory",
)


def is_first_start(settings: Settings) -> bool:
    """Nothing was configured, no target named, and the first screen was not seen before."""
    return not (settings.target or settings.demo or _mark().exists())


def remember_start() -> None:
    """The first screen was seen. Where the folder cannot be written to, it comes again."""
    with suppress(OSError):
        _mark().parent.mkdir(parents=True, exist_ok=True)
        _mark().touch()


def _mark() -> Path:
    return user_state_path("specdec-tui") / "welcomed"


def look(
    memory: list[DeviceMemory], settings: Settings
) -> tuple[tuple[Local, ...], tuple[Remote, ...]]:
    """On a thread: the pairs here and on the Hub's list; no network is asked."""
    from core.models.first_pairs import local_pairs, remote_pairs

    devices = devices_now(memory)
    draft_options = settings.draft_choice("model", "").options
    found = local_pairs(settings.models_dirs, devices, settings.target_options(), draft_options)
    return tuple(map(_local, found)), tuple(map(_remote, remote_pairs(devices)))


def rows(local: tuple[Local, ...] | None, remote: tuple[Remote, ...]) -> tuple[Row, ...]:
    """All rows in their order. `local` None: still being looked for."""
    listed: list[Row] = [Heading(BEGIN), Bundled()]
    if local is None:
        listed.append(Heading("looking for models on this machine …"))
    elif local:
        listed += [Heading(HERE), *local]
    else:
        listed.append(Heading(f"{HERE}: no model was found"))
    if remote:
        listed += [Heading(HUB), *remote]
    return tuple(listed)


def choices_of(pair: Remote) -> list[tuple[str, FileChoice]]:
    """On a thread: which files of the pair's repositories to fetch. Raises SpecdecError."""
    from core.models import hub
    from core.models.hub_connection import Hub

    found = []
    for repo in (pair.target, pair.draft):
        told = hub.repository(repo, Hub())
        if told.gated:
            raise SpecdecError(f"{repo} is gated: accept its terms on the Hub first.")
        found.append((told.id, hub.choose_file(told)))
    return found


def keep_as_default(pair: Local) -> None:
    """Write the pair into config.toml. Raises SpecdecError where that cannot be done."""
    from core.settings_file import write_setting

    write_setting("target", pair.target)
    write_setting("draft", pair.draft or None)


def _local(pair: LocalPair) -> Local:
    draft = pair.draft.candidate.model if pair.draft else None
    text = ""
    if pair.draft:
        text = " ".join(expected(pair.draft.candidate.record, pair.draft.prediction))
    return Local(
        target=str(pair.target.path.absolute()),
        draft=str(draft.path.absolute()) if draft else "",
        target_name=pair.target.name,
        draft_name=draft.name if draft else "",
        size_bytes=pair.target.size_bytes + (draft.size_bytes if draft else 0),
        expectation=text,
        verdict=pair.draft.verdict if pair.draft else "no draft here promises to make it faster",
    )


def _remote(pair: RemotePair) -> Remote:
    return Remote(pair.target, pair.draft, pair.n_bytes)
