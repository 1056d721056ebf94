"""Whether a model will find room, asked before it is loaded, and what would fit where it will not.

The arithmetic on its header decides where there is plenty; llama.cpp itself is asked only where it
is close. Nothing is refused here: what does not fit by this may load all the same, and slowly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path

from core.errors import SpecdecError
from core.llama.devices import devices
from core.llama.dry_run import measure_memory
from core.llama.memory import NoRoom
from core.models.gguf import read_header
from core.models.header import GgufHeader
from core.models.machine import main_memory
from core.models.memory import (
    TARGET,
    Device,
    MemoryUse,
    Role,
    estimate,
    gib,
    left_free,
    make_plan,
    shortfall,
)
from core.models.places import SPLIT_NAME
from core.models.shape import Footprint, joined, shape_of, weights_of
from core.protocol import ModelOptions

CLOSE = 0.15
"""How near the estimate may come to what is free before llama.cpp is asked: far more than it was
ever wrong by."""


@contextmanager
def told_of_room(
    path: str, header: GgufHeader, options: ModelOptions, role: Role = TARGET
) -> Iterator[str]:
    """For the length of a load: what there is to say of its memory, which is also said with the
    error where it fails. Not beside another load, unless it is a draft's."""
    sentence = room_for(path, header, options, here(), role)
    try:
        yield sentence
    except NoRoom:
        raise
    except SpecdecError as error:
        if not sentence:
            raise
        raise SpecdecError(_one_sentence(error.message, sentence), error.kind) from None


def _one_sentence(failure: str, room: str) -> str:
    """What failed, and of the two ways out the one that helps where memory is lacking."""
    cause = failure.rpartition("; ")[0] or failure.removesuffix(".")
    return f"{cause}; {room[0].lower()}{room[1:]}"


def room_for(
    path: str,
    header: GgufHeader,
    options: ModelOptions,
    places: Sequence[Device],
    role: Role = TARGET,
) -> str:
    """A sentence where free memory will not do, with what would fit; empty where it will do, or
    that cannot be known."""
    try:
        footprint = Footprint(shape_of(header), joined(map(weights_of, _parts(path, header))))
        uses = estimate(footprint, options, places, role)
        if not shortfall(_scaled(uses, 1 + CLOSE), places):
            return ""
        if role == TARGET and not shortfall(_scaled(uses, 1 - CLOSE), places):
            measured = measure_memory(Path(path), options, role)
            uses = _scaled(uses, measured.total / max(sum(u.total for u in uses.values()), 1))
    except SpecdecError:  # llama.cpp will say in its own words what is wrong with the file
        return ""
    lacking = shortfall(uses, places)
    if not lacking:
        return ""
    short = next(place for place in places if place.name in lacking)
    free = max((short.free or 0) - left_free(short), 0)
    where = "in main memory" if short.type == "CPU" else f"on {short.name}"
    needed = f"It takes {gib(free + lacking[short.name])} {where}, where {gib(free)} can be had"
    plan = make_plan(footprint, None, places, options, options)
    if role == TARGET and plan.fits:
        return f"{needed}; it {plan.sentence.partition(':')[0]}."
    if role == TARGET and options.n_ctx and _fits_with_less_context(footprint, options, places):
        return f"{needed}; choose a context smaller than {options.n_ctx:,} tokens."
    return f"{needed}; choose a smaller model, or one with a smaller quantisation."


def _fits_with_less_context(
    footprint: Footprint, options: ModelOptions, places: Sequence[Device]
) -> bool:
    open_ = replace(options, n_ctx=0)
    return make_plan(footprint, None, places, open_, open_).fits


def here() -> list[Device]:
    """The devices of this machine, with what they have free now."""
    gpus = [
        Device(d.name, d.type, d.memory_free if d.memory_total else None, d.memory_total)
        for d in devices()
        if d.type in ("GPU", "IGPU")
    ]
    return [main_memory(), *gpus]


def _parts(path: str, header: GgufHeader) -> Iterator[GgufHeader]:
    """The headers of all files of the model."""
    yield header
    match = SPLIT_NAME.fullmatch(Path(path).name)
    if header.split_count > 1 and match:
        for no in range(2, header.split_count + 1):
            name = f"{match['stem']}-{no:05}-of-{match['count']}.gguf"
            yield read_header(Path(path).with_name(name))


def _scaled(uses: Mapping[str, MemoryUse], factor: float) -> dict[str, MemoryUse]:
    names = [field.name for field in fields(MemoryUse)]
    return {
        device: MemoryUse(**{name: round(getattr(use, name) * factor) for name in names})
        for device, use in uses.items()
    }
