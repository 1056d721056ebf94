"""What deleting a model means: which files and links go, which bytes that frees, and what is left
alone. Only what lies below a known model folder is ever touched."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import SpecdecError
from core.models import places
from core.models.places import Found
from core.models.untrusted import shown
from core.paths import expanded

_HUB_FOLDER = re.compile(r"models--[^/]+")
_INSIDE = ("snapshots", "refs", "blobs")


@dataclass(frozen=True)
class Removal:
    """Files and links that go, in the order in which they go, and the bytes that it frees.

    `note` says what a person might not expect, empty where there is nothing.
    """

    name: str
    paths: tuple[Path, ...]
    freed_bytes: int
    note: str = ""


def plan_removal(
    model: Found,
    extra_dirs: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> Removal:
    """What deleting `model` would do. Touches nothing.

    Of a model in a Hugging Face cache its bytes go and every name that they have there; of a link
    elsewhere only the link. Raises SpecdecError (kind `file`) where the model is Ollama's, which
    keeps its own books, or lies outside of the known folders.
    """
    label = shown(model.name)
    if model.source == "Ollama":
        raise SpecdecError(
            f"{label} belongs to Ollama; remove it with `ollama rm {label}`.", kind="file"
        )
    roots = _known_folders(
        model,
        extra_dirs,
        os.environ if env is None else env,
        expanded("~") if home is None else home,
    )
    paths = tuple(dict.fromkeys(path for part in model.parts for path in _with_links(part)))
    paths += tuple(_manifest(model))
    for path in paths:
        if not any(path.parent.resolve().is_relative_to(root) for root in roots):
            raise SpecdecError(
                f"{shown(str(path), 300)} lies outside of the known model folders; delete it "
                "yourself.",
                kind="file",
            )
    freed = [_own_bytes(path) for path in paths]
    links = all(path.is_symlink() for path in paths)
    note = "only a link goes; what it points to stays" if links else ""
    return Removal(model.name, paths, sum(freed), note)


def remove(removal: Removal) -> None:
    """Do it. Folders that this leaves empty in a Hugging Face cache go too.

    Raises OSError where a file cannot be removed; what went before it is gone.
    """
    for path in removal.paths:
        path.unlink(missing_ok=True)
    for folder in {f for f in map(hub_folder, removal.paths) if f is not None}:
        _tidy(folder)


def hub_folder(path: Path) -> Path | None:
    """The `models--OWNER--NAME` in whose snapshots or blobs `path` lies."""
    for folder in path.parents:
        inside = path.relative_to(folder).parts
        if _HUB_FOLDER.fullmatch(folder.name) and inside[0] in ("snapshots", "blobs"):
            return folder
    return None


# ------------------------------------------------------------------ what goes


def _with_links(path: Path) -> Iterator[Path]:
    """The file; in a Hugging Face cache all its names, and then the bytes behind them."""
    folder = hub_folder(path)
    blob = _blob(path, folder) if folder else None
    if folder is None or blob is None:
        yield path
        return
    for name in sorted((folder / "snapshots").rglob("*")):
        if name.is_symlink() and _blob(name, folder) == blob:
            yield name
    yield blob


def _blob(link: Path, folder: Path) -> Path | None:
    """What a name in a snapshot points to, if that is one of the repository's own blobs."""
    if not link.is_symlink():
        return None
    target = Path(os.path.normpath(link.parent.resolve() / link.readlink()))
    blobs = folder.resolve() / "blobs"
    return folder / "blobs" / target.name if target.parent == blobs else None


def _manifest(model: Found) -> Iterator[Path]:
    """Jan's note on a model, which would else name a file that is gone."""
    note = model.path.with_name("model.yml")
    if model.source == "Jan" and note.is_file():
        yield note


def _own_bytes(path: Path) -> int:
    """What removing `path` frees: nothing for a link, or for one of several names of a file."""
    try:
        info = path.lstat()
    except OSError:
        return 0
    return 0 if path.is_symlink() or info.st_nlink > 1 else info.st_size


def _known_folders(
    model: Found, extra_dirs: Sequence[Path], env: Mapping[str, str], home: Path
) -> list[Path]:
    """The folders that the model's source is searched in, with all links followed."""
    folders = {
        "your folders": [expanded(folder) for folder in extra_dirs],
        "Hugging Face": places.hub_folders(env, home),
        "llama.cpp": places.llama_cpp_folders(env, home),
        "LM Studio": [places.lm_studio_folder(home)],
        "Jan": [folder / "llamacpp/models" for folder in places.jan_folders(env, home)],
        "GPT4All": places.gpt4all_folders(home),
    }
    return [folder.resolve() for folder in folders.get(model.source, ())]


# ------------------------------------------------------------------ what is left behind


def _tidy(folder: Path) -> None:
    """Take away empty snapshots, the branches that name them, and the repository if all is gone."""
    if any((folder / inside).is_symlink() for inside in _INSIDE):
        return  # what they lead to is not ours
    snapshots = folder / "snapshots"
    for commit in _folders(snapshots):
        _remove_empty(commit)
    commits = {commit.name for commit in _folders(snapshots)}
    for branch in sorted((folder / "refs").rglob("*")):
        if branch.is_file() and branch.read_text("utf-8", "replace").strip() not in commits:
            branch.unlink()
    if not commits:
        if not (folder / ".no_exist").is_symlink():  # empty files that stand for absent ones
            shutil.rmtree(folder / ".no_exist", ignore_errors=True)
        for inside in _INSIDE:
            _remove_empty(folder / inside)
        _remove_empty(folder)


def _remove_empty(folder: Path) -> None:
    """Remove the folders below `folder` that hold no file, and then itself."""
    for inside in _folders(folder):
        _remove_empty(inside)
    try:
        folder.rmdir()
    except OSError:  # it still holds something, or is not there
        return


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.is_dir() and not p.is_symlink())
    except OSError:
        return []
