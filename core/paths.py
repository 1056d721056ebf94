"""Paths as people write them, asked about without an exception: who has no home folder (a user of a
container), or names a stranger's or a path that no disk can have, gets a sentence later."""

from __future__ import annotations

import os
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """With `~` and `~NAME` replaced; as it is where there is no such folder."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises


def is_file(path: Path) -> bool:
    """Whether there is a file that can be read as one."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where a name is too long


def is_folder(path: Path) -> bool:
    """Whether there is a folder."""
    return os.path.isdir(path)  # noqa: PTH112 - as above


def is_there(path: Path) -> bool:
    """Whether there is anything."""
    return os.path.exists(path)  # noqa: PTH110 - as above
