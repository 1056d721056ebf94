"""Which draft on the Hub goes with which target: the curated list, else the target's own family.

Suggestions only, from names: whether a vocabulary fits is for `remote_header` to say.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from core.models.header import GgufHeader
from core.models.hub_names import checked_repo, part_of

SMALLER = 4.0
"""A relative is suggested where the target has at least so many times its weights: with a larger
draft little is left to gain."""

_CACHE_FOLDER = re.compile(r"models--([^/]+?)--([^/]+)")
_QUANTISATION = re.compile(
    r"[-_.](?:ud-|i1-)?(?:i?q\d.*|tq\d_0|bf16|fp?16|fp?32|mxfp4.*|nvfp4)$", re.IGNORECASE
)
_OWNER_IN_NAME = re.compile(r"^(?:[a-z][a-z-]*_(?=[a-z])|meta-(?=llama))")
_SIZE = re.compile(r"(?<![a-z0-9.])e?(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?![a-z0-9])")


@dataclass(frozen=True)
class Pair:
    """One draft and the targets that it is known to serve, all by repository."""

    draft: str
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Suggestion:
    """A repository that may hold a draft, and how it came to be suggested."""

    repo: str
    origin: Literal["curated", "family"]


@cache
def curated() -> tuple[Pair, ...]:
    """The pairs of pairs.toml."""
    text = Path(__file__).with_name("pairs.toml").read_text(encoding="utf-8")
    return tuple(
        Pair(checked_repo(pair["draft"]), tuple(checked_repo(t) for t in pair["targets"]))
        for pair in tomllib.loads(text)["pair"]
    )


def pairs_for(names: str | Iterable[str], among: Sequence[str] = ()) -> tuple[Suggestion, ...]:
    """Drafts to suggest for a target that goes by `names`: repositories, files or plain names.

    The curated ones for it; where there are none, smaller models of its family from the curated
    drafts and from `among` (repositories, such as a search found), the smallest first.
    """
    wanted = [plain_name(name) for name in ([names] if isinstance(names, str) else names)]
    known = [
        Suggestion(pair.draft, "curated")
        for pair in curated()
        if any(plain_name(target) in wanted for target in pair.targets)
    ]
    return tuple(known) or tuple(_relatives(wanted, among))


def names_of(header: GgufHeader) -> tuple[str, ...]:
    """The names by which a model on this machine may be known: where it came from, as the cache's
    folder says, its file, and what the file calls itself."""
    folder = next(filter(None, map(_CACHE_FOLDER.fullmatch, reversed(header.path.parts))), None)
    own = [header.text(f"general.{key}") for key in ("basename", "size_label", "finetune")]
    names = (
        f"{folder[1]}/{folder[2]}" if folder else "",
        header.path.name,
        header.text("general.name") or "",
        "-".join(part for part in own if part) if own[0] and own[1] else "",
    )
    return tuple(dict.fromkeys(filter(None, names)))


def plain_name(name: str) -> str:
    """A model's name in the form that is compared: no owner, ending, part, quantisation or case."""
    stem = part_of(name.replace("\\", "/").rpartition("/")[2])[0].casefold()
    stem = _QUANTISATION.sub("", re.sub(r"[-_.]gguf$", "", stem.strip()))
    return re.sub(r"[\s_]+", "-", _OWNER_IN_NAME.sub("", stem)).strip("-")


def family_of(name: str) -> str:
    """What stands before the size in a model's name, such as `qwen2.5-coder`; empty without one."""
    plain = plain_name(name)
    match = _SIZE.search(plain)
    return plain[: match.start()].strip("-.") if match else ""


def billions_in(name: str) -> float | None:
    """The size that a model's name tells, in billions of weights; None where it tells none."""
    match = _SIZE.search(plain_name(name))
    if not match:
        return None
    return int(match[1] or 1) * float(match[2]) / (1 if match[3] == "b" else 1000)


def _relatives(wanted: Sequence[str], among: Sequence[str]) -> Iterator[Suggestion]:
    families = {family_of(name) for name in wanted} - {""}
    largest = max((billions_in(name) or 0 for name in wanted), default=0)
    found = [
        (billions_in(repo) or 0, repo)
        for repo in dict.fromkeys((*(pair.draft for pair in curated()), *among))
        if family_of(repo) in families
    ]
    for size, repo in sorted(found, key=lambda item: item[0]):
        if 0 < size * SMALLER <= largest:
            yield Suggestion(repo, "family")
