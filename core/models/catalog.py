"""The models on this machine and what each is: files with their headers, and names for them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.errors import SpecdecError
from core.models.gguf import GgufError
from core.models.index import Entry, Index
from core.models.kinds import Kind
from core.models.names import BUNDLED
from core.models.places import Found, find_files
from core.models.untrusted import shown
from core.paths import expanded, is_file, is_folder, is_there


@dataclass(frozen=True)
class ModelFile:
    """One model on disk. Numbers are 0 and texts empty where the header could not be read.

    `size_bytes` and `n_params` are of all parts together. `source` is the tool whose folder it lies
    in. All strings are untrusted data.
    """

    path: Path
    name: str
    architecture: str
    n_params: int
    quantisation: str
    size_bytes: int
    n_ctx_train: int
    n_layers: int
    n_vocab: int
    kind: Kind
    source: str
    error: str | None = None


@dataclass(frozen=True)
class Catalogued:
    """A model with what the index keeps of its files, in their order; none where one of them could
    not be read."""

    model: ModelFile
    parts: Mapping[Path, Entry]


class Named(Protocol):
    """What `resolve` needs to know of a model; both `Found` and `ModelFile` are such."""

    @property
    def path(self) -> Path: ...
    @property
    def name(self) -> str: ...


def find_models(extra_dirs: Sequence[Path] = ()) -> list[ModelFile]:
    """Every model in the known places and in `extra_dirs`, by source and name.

    Files that cannot be used are listed too, with the reason in `error`.
    """
    return [found.model for found in find_catalogued(extra_dirs)]


def find_catalogued(
    extra_dirs: Sequence[Path] = (), index: Index | None = None
) -> list[Catalogued]:
    """The same with what the index keeps of each, which is brought up to date."""
    index = index or Index()
    models = [catalogued(found, index) for found in find_files(extra_dirs)]
    index.save()
    return models


def bundled_models() -> list[ModelFile]:
    """The pair that ships with the program, named `demo` and `demo-draft`; empty where absent."""
    return [found.model for found in bundled_catalogued()]


def bundled_catalogued(index: Index | None = None) -> list[Catalogued]:
    """The same with what the index keeps of them."""
    index = index or Index()
    return [
        catalogued(Found(path, name, "bundled", (path,)), index)
        for name, path in BUNDLED.items()
        if path.is_file()
    ]


def catalogued(found: Found, index: Index) -> Catalogued:
    """What one model is, from the index or from the headers of its files."""
    try:
        parts = {path: index.entry(path) for path in found.parts}
        error = found.missing or None
    except GgufError as failure:
        parts, error = {}, failure.message
    first = next(iter(parts.values()), _UNREAD)
    model = ModelFile(
        path=found.path,
        name=found.name,
        architecture=first.architecture,
        n_params=sum(part.n_params for part in parts.values()),
        quantisation=first.quantisation,
        size_bytes=sum(_size(path) for path in found.parts),
        n_ctx_train=first.n_ctx_train,
        n_layers=first.n_layers,
        n_vocab=first.n_vocab,
        kind=first.kind,
        source=found.source,
        error=error,
    )
    return Catalogued(model, parts)


def resolve(name_or_path: str, models: Sequence[Named]) -> Path:
    """The file that the user means: a path, a name that `specdec-tui models` lists, or a part of
    one that fits a single model.

    Raises SpecdecError (kind `file`) saying what there is instead.
    """
    path = expanded(name_or_path)
    if is_file(path):
        return path
    wanted = name_or_path.casefold().removesuffix(".gguf")
    exact = [model for model in models if model.name.casefold() == wanted]
    matches = exact or [model for model in models if wanted in model.name.casefold()]
    if len(matches) == 1:
        return matches[0].path
    label = shown(name_or_path)
    if matches:
        which = [str(model.path) if exact else model.name for model in matches[:3]]
        raise SpecdecError(f"{label} fits several models; say which: {_listed(which)}.", "file")
    if is_folder(path):
        raise SpecdecError(f"{label} is a folder; give a .gguf file in it.", kind="file")
    if is_there(path):
        raise SpecdecError(f"{label} is no ordinary file; give a .gguf file.", kind="file")
    if "/" in name_or_path or name_or_path.endswith(".gguf"):
        raise SpecdecError(f"There is no file {label}; check the path.", kind="file")
    names = {model.name.casefold(): model.name for model in models}
    close = [names[match] for match in difflib.get_close_matches(wanted, names, n=2, cutoff=0.5)]
    hint = f"did you mean {' or '.join(map(shown, close))}?" if close else ""
    hint = hint or "`specdec-tui models` lists what there is."
    raise SpecdecError(f"There is no model called {label}; {hint}", kind="file")


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(shown(text) for text in texts)


_UNREAD = Entry("", 0, "", 0, 0, 0, "other", 0, "", {})


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
