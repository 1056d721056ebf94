"""Looking things up for the model browser: blocking calls into core.models, made on its threads.

Each gives its answer or one sentence that says why there is none, fit for the screen. Apart so that
the screen imports nothing of core.models, which would keep its first frame.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.demo import TARGET_PATH
from core.errors import SpecdecError
from tui.sanitize import clean_line

if TYPE_CHECKING:
    from core.models.catalog import ModelFile
    from core.models.hub import Repository
    from core.models.removal import Removal

Cancelled = Callable[[], bool]
MOST_FOUND = 30


@dataclass(frozen=True)
class Shelf:
    """The user's folders, and the folder of the target, which is looked into as well."""

    folders: tuple[Path, ...]

    @classmethod
    def beside(cls, target: str, models_dirs: Sequence[Path]) -> Shelf:
        bundled = not target or target == str(TARGET_PATH)
        return cls((*models_dirs, *(() if bundled else (Path(target).parent,))))

    def models(self) -> tuple[ModelFile, ...]:
        """All models on this machine; those that can be target or draft come first."""
        from core.models.catalog import bundled_models, find_models

        found = [*find_models(self.folders), *bundled_models()]
        return tuple(sorted(found, key=lambda m: bool(m.error) or m.kind != "language"))

    def plan_removal(self, model: ModelFile) -> tuple[Removal | None, str]:
        """What deleting the model would do."""
        from core.models.places import find_files
        from core.models.removal import plan_removal

        if model.source == "bundled":
            return None, "It belongs to the program itself; it stays."
        found = next((f for f in find_files(self.folders) if f.path == model.path), None)
        if found is None:
            return None, "It is gone already."
        try:
            return plan_removal(found, self.folders), ""
        except SpecdecError as error:
            return None, clean_line(error.message, 400)


def remove(removal: Removal) -> str:
    """Delete it; the sentence where that failed."""
    from core.models.removal import remove as remove_all

    try:
        remove_all(removal)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        return clean_line(f"{removal.name} could not be deleted: {reason}.", 400)
    return ""


def search(words: str, cancelled: Cancelled) -> tuple[Sequence[Repository], str]:
    """Repositories of the Hub with GGUF models, the most fetched first."""
    from core.models import hub
    from core.models.hub_connection import Hub

    try:
        return hub.search(words, Hub(), MOST_FOUND, cancelled), ""
    except SpecdecError as error:
        return (), clean_line(error.message, 400)


def open_repository(repo: str, cancelled: Cancelled) -> tuple[Repository | None, str]:
    """One repository with the sizes of its models."""
    from core.models import hub
    from core.models.hub_connection import Hub

    try:
        return hub.repository(repo, Hub(), cancelled), ""
    except SpecdecError as error:
        return None, clean_line(error.message, 400)


def why_not_draft(draft: Path, target: Path) -> str:
    """Why `draft` cannot draft for `target`; empty where it can."""
    from core.models.choose import checked_header, require_compatible

    try:
        require_compatible(checked_header(target), checked_header(draft))
    except SpecdecError as error:
        return clean_line(error.message, 400)
    return ""


@lru_cache(maxsize=4096)
def real_path(path: str) -> str:
    """Where links lead; asked of the disk once."""
    return os.path.realpath(path)


def same_file(a: str, b: str) -> bool:
    """Whether two paths lead to one file."""
    return bool(a and b) and (a == b or real_path(a) == real_path(b))
