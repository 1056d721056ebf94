"""All drafts on this machine for one target, judged: the reading that `advisor` is spared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.models.advisor import Advice, Candidate, Subject, advise
from core.models.catalog import Catalogued, bundled_catalogued, catalogued, find_catalogued
from core.models.compat import Compatibility
from core.models.gguf import GgufError
from core.models.index import Comparisons, Entry, Index
from core.models.memory import Device, gpus_of, make_plan, together, with_room
from core.models.places import Found
from core.models.records import LOOKUP, Record, costs_of, records_for
from core.models.shape import Footprint
from core.protocol import ModelOptions


@dataclass(frozen=True)
class Survey:
    """A target and what is to be said of every other language model here, the best draft first;
    and what prompt lookup achieved with it so far."""

    target: Subject
    drafts: list[Advice]
    lookup: Record | None = None


def survey(
    target: Path,
    extra_dirs: Sequence[Path],
    devices: Sequence[Device],
    options: ModelOptions,
    draft_options: ModelOptions,
    *,
    loaded: Sequence[Path] = (),
) -> Survey:
    """Judge every language model in the known places, in `extra_dirs` and beside the target.

    `loaded`: the target and a draft, where they are loaded already. They have their share of what
    the devices have not free, and another draft would take the place of this one.

    Reads the headers of files that the index does not know, and of those whose vocabularies only
    nearly agree. Raises GgufError where the target itself cannot be read.
    """
    index = Index()
    found = [*bundled_catalogued(index), *find_catalogued([*extra_dirs, target.parent], index)]
    own = next((model for model in found if _same(model.model.path, target)), None)
    if own is None or own.model.error:
        own = catalogued(Found(target, target.name.removesuffix(".gguf"), "", (target,)), index)
    if own.model.error:
        raise GgufError(own.model.error)
    subject = Subject(own.model, _footprint(own, index), costs_of(target))
    if loaded and subject.footprint:
        draft = next((model for model in found if _is_one_of(model, loaded[1:])), None)
        beside = _footprint(draft, index) if draft else None
        uses = together(subject.footprint, beside, devices, options, draft_options)
        devices = with_room(devices, uses)
    judge = _Judge(own, subject, index, devices, options, draft_options)
    records = records_for(target)
    candidates = [
        judge.candidate(model, records.get(str(model.model.path.absolute())))
        for model in _others(found, target)
    ]
    index.save()
    on_gpu = bool(gpus_of(devices)) and options.n_gpu_layers != 0
    return Survey(subject, advise(subject, candidates, on_gpu=on_gpu), records.get(LOOKUP))


@dataclass(frozen=True)
class _Judge:
    """What all drafts are held against."""

    own: Catalogued
    target: Subject
    index: Index
    devices: Sequence[Device]
    options: ModelOptions
    draft_options: ModelOptions
    comparisons: Comparisons = field(default_factory=Comparisons)

    def candidate(self, draft: Catalogued, record: Record | None) -> Candidate:
        try:
            fit = self.comparisons.compare(_first(self.own), _first(draft))
        except GgufError as error:  # it changed a moment ago
            fit = Compatibility("no", error.message)
        if fit.verdict == "no":
            return Candidate(draft.model, fit)
        target, footprint = self.target.footprint, _footprint(draft, self.index)
        plan = None
        if target and footprint:
            plan = make_plan(target, footprint, self.devices, self.options, self.draft_options)
        return Candidate(draft.model, fit, footprint, costs_of(draft.model.path), plan, record)


def _others(found: Sequence[Catalogued], target: Path) -> Iterator[Catalogued]:
    """Every language model but the target, once under whatever names."""
    seen = {_identity(target)}
    for model in found:
        identity = _identity(model.model.path)
        if not model.model.error and model.model.kind == "language" and identity not in seen:
            seen.add(identity)
            yield model


def _first(model: Catalogued) -> tuple[Path, Entry]:
    return next(iter(model.parts.items()))


def _footprint(model: Catalogued, index: Index) -> Footprint | None:
    try:
        return index.footprint(list(model.parts))
    except GgufError:
        return None


def _is_one_of(model: Catalogued, paths: Sequence[Path]) -> bool:
    return any(_same(model.model.path, path) for path in paths)


def _same(a: Path, b: Path) -> bool:
    return _identity(a) == _identity(b)


def _identity(path: Path) -> tuple[int, int]:
    try:
        info = path.stat()
    except OSError:
        return -1, hash(path)
    return info.st_dev, info.st_ino
