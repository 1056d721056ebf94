"""Pairs to begin with on a machine that nobody has set up yet: the best that lie here already, and
curated ones of the Hub that its memory has room for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import SpecdecError
from core.models.advisor import GAIN, Advice
from core.models.catalog import ModelFile, find_models
from core.models.memory import GIB, Device, gpus_of, left_free
from core.models.pairs import billions_in, curated
from core.models.survey import survey
from core.protocol import ModelOptions

MOST_LOCAL, MOST_REMOTE = 3, 4
BYTES_A_WEIGHT = 0.65
"""Of a Q4_K_M file, which is what is fetched unless another is asked for."""
MOST_WITHOUT_GPU = 8 * GIB
"""Each token is computed from all of a target's weights, which on CPUs takes too long to chat."""
BESIDE = GIB
"""For caches and buffers, about."""


@dataclass(frozen=True)
class LocalPair:
    """A target on this machine with the draft that promises most; None where none promises
    anything."""

    target: ModelFile
    draft: Advice | None


@dataclass(frozen=True)
class RemotePair:
    """Two repositories of the Hub, and about the bytes that the target's weights and the draft's
    take together."""

    target: str
    draft: str
    n_bytes: int


def local_pairs(
    models_dirs: Sequence[Path],
    devices: Sequence[Device],
    options: ModelOptions,
    draft_options: ModelOptions,
) -> list[LocalPair]:
    """The largest models here that fit the memory, each with its best draft. Reads headers."""
    room = memory_for_models(devices)
    able = [
        model
        for model in find_models(models_dirs)
        if model.kind == "language" and not model.error and model.size_bytes <= room
    ]
    pairs: list[LocalPair] = []
    drafts: set[Path] = set()
    for model in sorted(able, key=lambda m: (-m.n_params, m.size_bytes)):
        if len(pairs) == MOST_LOCAL:
            break
        if model.path in drafts:  # what drafts for a larger one is no target to propose
            continue
        try:
            found = survey(model.path, models_dirs, devices, options, draft_options).drafts
        except SpecdecError:  # it went away meanwhile
            continue
        best = next((a for a in found if a.usable and a.expected >= GAIN), None)
        drafts |= {a.candidate.model.path for a in found if a.usable and a is best}
        pairs.append(LocalPair(model, best))
    return pairs


def remote_pairs(devices: Sequence[Device]) -> list[RemotePair]:
    """Curated pairs that fit, the largest of each size (within a factor of two) first."""
    room = memory_for_models(devices)
    if not gpus_of(devices):
        room = min(room, MOST_WITHOUT_GPU)
    pairs = [
        RemotePair(target, pair.draft, _bytes(target) + _bytes(pair.draft))
        for pair in curated()
        for target in pair.targets
    ]
    fitting = sorted(
        (pair for pair in pairs if pair.n_bytes + BESIDE <= room), key=lambda p: -p.n_bytes
    )
    by_size = {pair.n_bytes.bit_length(): pair for pair in reversed(fitting)}
    return list(by_size.values())[::-1][:MOST_REMOTE]


def memory_for_models(devices: Sequence[Device]) -> int:
    """Bytes that models may take: what the GPUs have free, or main memory where there is none."""
    places = gpus_of(devices) or devices
    return sum(max((d.free or d.total) - left_free(d), 0) for d in places)


def _bytes(repo: str) -> int:
    return round((billions_in(repo) or 0) * 1e9 * BYTES_A_WEIGHT)
