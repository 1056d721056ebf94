"""`specdec-tui rm`: deletes a model from this machine, after saying what goes and asking."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core.errors import SpecdecError
from core.models.catalog import bundled_models, resolve
from core.models.places import Found, find_files
from core.models.removal import Removal, hub_folder, plan_removal, remove
from core.models.untrusted import shown
from core.settings import Settings
from tui import figures
from tui.commands.output import in_unicode, print_json
from tui.exit_codes import FAILED


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Delete the model that the name means: 0. Not confirmed: 1, and all is as it was."""
    removal = plan_removal(_found(settings, arguments.name), settings.models_dirs)
    if not arguments.yes and not _confirmed(removal):
        print("Nothing was removed.", file=sys.stderr)
        return FAILED
    remove(removal)
    if arguments.json:
        print_json(
            {
                "name": in_unicode(removal.name),
                "paths": [in_unicode(str(path)) for path in removal.paths],
                "freed_bytes": removal.freed_bytes,
                "note": removal.note or None,
            }
        )
    else:
        print(f"Removed {shown(removal.name)}: {figures.size(removal.freed_bytes)} are free again.")
    return 0


def _found(settings: Settings, name: str) -> Found:
    """The model in the catalogue that `name` means; no other file is ever deleted."""
    models, bundled = find_files(settings.models_dirs), bundled_models()
    path = resolve(name, [*models, *bundled])
    if any(path == model.path or path.resolve() == model.path.resolve() for model in bundled):
        raise SpecdecError(f"{shown(name)} belongs to the program itself; it stays.", kind="file")
    for model in models:
        if any(_is_meant(path.absolute(), part.absolute()) for part in model.parts):
            return model
    raise SpecdecError(
        f"{shown(name, 300)} is none of the models that `specdec-tui models` lists; delete it "
        "yourself, or name its folder with --models-dirs.",
        kind="file",
    )


def _is_meant(path: Path, part: Path) -> bool:
    """The same path, or two names of the same bytes in one repository of a Hugging Face cache."""
    folder = hub_folder(path)
    return path == part or (
        folder is not None and folder == hub_folder(part) and path.resolve() == part.resolve()
    )


def _confirmed(removal: Removal) -> bool:
    """Ask on stderr, since stdout may be a document's; only a y is a yes."""
    for path in removal.paths:
        print(f"  {shown(str(path), 300)}", file=sys.stderr)
    note = f" ({removal.note})" if removal.note else ""
    print(
        f"Remove {shown(removal.name)} and free {figures.size(removal.freed_bytes)}{note}? [y/N] ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    answer = sys.stdin.readline() if sys.stdin else ""
    if not answer.endswith("\n"):  # nobody ended the line
        print(file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")
