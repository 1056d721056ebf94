"""Questions to the Hub: which repositories hold GGUF models, and what there is to choose in one.

What the Hub answers crosses a border and is checked by pydantic; files whose names could not safely
become paths are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from core.errors import SpecdecError
from core.models.background import Cancelled, never
from core.models.hub_connection import Hub, ask_json, natural, not_a_hub
from core.models.hub_errors import HubError
from core.models.hub_names import checked_repo, is_model_file, part_of, quantisation_in
from core.models.untrusted import shown

MAX_FOUND = 100
PREFERRED = (
    *("Q4_K_M", "Q8_0", "Q5_K_M", "Q6_K", "Q4_K_S", "UD-Q4_K_XL", "IQ4_XS", "Q4_0", "MXFP4"),
    *("MXFP4_MOE", "Q5_K_S", "Q5_0", "IQ4_NL", "Q3_K_M", "BF16", "F16"),
)
"""Which quantisation is meant where none is named: the first that there is."""


@dataclass(frozen=True)
class RemoteFile:
    """One file of a repository. `size_bytes` is None where only the name was asked for."""

    name: str
    size_bytes: int | None = None


@dataclass(frozen=True)
class FileChoice:
    """One model to choose in a repository: a file, or all parts of a split one in their order.

    `missing` says which part the repository lacks, empty where it is whole.
    """

    name: str
    quantisation: str
    files: tuple[RemoteFile, ...]
    missing: str = ""

    @property
    def size_bytes(self) -> int | None:
        """Of all parts together; None where the Hub was not asked, or does not say."""
        sizes = [file.size_bytes for file in self.files]
        return None if None in sizes else sum(size or 0 for size in sizes)


@dataclass(frozen=True)
class Repository:
    """A repository with GGUF models. All strings are untrusted data.

    `architecture`, `n_params` and `n_ctx_train` are what the Hub read from one of the files; empty
    and 0 where it did not. `asked_for` is another name that led here, after it was renamed.
    """

    id: str
    downloads: int
    gated: bool
    private: bool
    architecture: str
    n_params: int
    n_ctx_train: int
    choices: tuple[FileChoice, ...]
    asked_for: str = ""


def search(words: str, hub: Hub, limit: int = 20, cancelled: Cancelled = never) -> list[Repository]:
    """Repositories with GGUF models whose names hold `words`, the most downloaded first.

    The Hub names their files and not the sizes; `repository` asks for those. Raises SpecdecError
    with what is wrong, Stopped as soon as `cancelled()`.
    """
    params = {
        "search": words,
        "filter": "gguf",
        "sort": "downloads",
        "limit": max(1, min(limit, MAX_FOUND)),
        "expand": ["gguf", "siblings", "downloads", "gated", "private"],
    }
    answer = ask_json(hub, "/api/models", params, cancelled=cancelled)
    if not isinstance(answer, list):
        raise not_a_hub(hub, "answers a search with something else than a list")
    found = [_read(item) for item in answer[:MAX_FOUND]]
    return [item for item in found if item is not None and item.choices]


def repository(repo: str, hub: Hub, cancelled: Cancelled = never) -> Repository:
    """One repository with its models and their sizes. Raises as `search`.

    A renamed repository is found under its new name, with the old one in `asked_for`.
    """
    checked_repo(repo)
    answer = ask_json(hub, f"/api/models/{repo}", {"blobs": True}, repo, cancelled)
    found = _read(answer)
    if found is None:
        raise not_a_hub(hub, f"describes {repo} in another form")
    if not found.choices:
        raise HubError(f"{found.id} holds no GGUF model; look for a repository that does.")
    if found.id != repo:
        found = replace(found, asked_for=repo)
    return found


def choose_file(repository: Repository, wanted: str = "") -> FileChoice:
    """The model that `wanted` means: a quantisation in any case, or a file, or a part of its name.

    Without it the first of PREFERRED that there is. Raises HubError listing the choices where it
    fits none or several, or where the one meant is not whole.
    """
    choices = repository.choices
    fitting = _fitting(choices, wanted) if wanted else _preferred(choices)
    if len(fitting) == 1:
        if fitting[0].missing:
            raise HubError(f"{repository.id}: {fitting[0].name}: {fitting[0].missing}.")
        return fitting[0]
    if fitting:
        why = f"{shown(wanted)} fits several models of" if wanted else "There are several models in"
    else:
        why = f"There is no {shown(wanted)} in"
    raise HubError(f"{why} {repository.id}; say which: {_listed(fitting or choices)}.")


def choices_of(files: Iterable[RemoteFile]) -> tuple[FileChoice, ...]:
    """The models among `files`, parts of one joined, by size where it is known and by name."""
    groups: dict[tuple[str, int], dict[int, RemoteFile]] = {}
    for file in files:
        if is_model_file(file.name):
            stem, no, count = part_of(file.name)
            groups.setdefault((stem, count), {})[no] = file
    choices = [_choice(stem, count, parts) for (stem, count), parts in groups.items()]
    return tuple(sorted(choices, key=lambda choice: (choice.size_bytes or 0, choice.name)))


def _choice(stem: str, count: int, parts: dict[int, RemoteFile]) -> FileChoice:
    absent = next((no for no in range(1, count + 1) if no not in parts), 0)
    return FileChoice(
        name=stem,
        quantisation=quantisation_in(stem),
        files=tuple(parts[no] for no in sorted(parts)),
        missing=f"part {absent} of {count} is missing there; choose another" if absent else "",
    )


def _fitting(choices: Sequence[FileChoice], wanted: str) -> Sequence[FileChoice]:
    """The finest kind of match counts: quantisation, that of a dynamic one, file, part of it."""
    low = wanted.casefold()
    stem = part_of(wanted)[0].casefold()
    kinds = (
        lambda choice: choice.quantisation.casefold() == low,
        lambda choice: choice.quantisation.casefold() == f"ud-{low}",
        lambda choice: stem in (choice.name.casefold(), choice.name.casefold().rpartition("/")[2]),
        lambda choice: low in choice.name.casefold(),
    )
    return next((found for kind in kinds if (found := [c for c in choices if kind(c)])), ())


def _preferred(choices: Sequence[FileChoice]) -> Sequence[FileChoice]:
    whole = [choice for choice in choices if not choice.missing]
    if len(whole) < 2:
        return whole or choices
    for quantisation in PREFERRED:
        found = [choice for choice in whole if choice.quantisation == quantisation]
        if found:
            return found
    return whole


def _listed(choices: Sequence[FileChoice]) -> str:
    """Quantisations where they tell the choices apart, else names; at most a dozen."""
    words = [choice.quantisation for choice in choices]
    if "" in words or len(set(words)) < len(words):
        words = [choice.name for choice in choices]
    more = f" and {len(words) - 12} more" if len(words) > 12 else ""
    return ", ".join(shown(word, 80) for word in words[:12]) + more


# ------------------------------------------------------------------ what the Hub answers


class _Lfs(BaseModel):
    size: int | None = None


class _Sibling(BaseModel):
    rfilename: str
    size: int | None = None
    lfs: _Lfs | None = None

    def file(self) -> RemoteFile:
        size = self.lfs.size if self.lfs and self.lfs.size is not None else self.size
        return RemoteFile(self.rfilename, natural(size))


class _Gguf(BaseModel):
    total: int | None = None
    architecture: str | None = None
    context_length: int | None = None


class _Repository(BaseModel):
    id: str
    downloads: int | None = None
    gated: bool | str | None = None
    private: bool | None = None
    gguf: _Gguf | None = None
    siblings: list[_Sibling] | None = None


def _read(answer: Any) -> Repository | None:
    """A repository as the Hub describes it, None where it does not."""
    try:
        told = _Repository.model_validate(answer)
        repo = checked_repo(told.id)
    except (ValidationError, SpecdecError):
        return None
    gguf = told.gguf or _Gguf()
    return Repository(
        id=repo,
        downloads=natural(told.downloads) or 0,
        gated=bool(told.gated),
        private=bool(told.private),
        architecture=shown(gguf.architecture or "", 40),
        n_params=natural(gguf.total) or 0,
        n_ctx_train=natural(gguf.context_length) or 0,
        choices=choices_of(sibling.file() for sibling in told.siblings or ()),
    )
