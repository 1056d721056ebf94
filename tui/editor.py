"""The user's own editor for long messages. Apart from the action, which gives it the terminal."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from core.errors import SpecdecError
from core.models.untrusted import shown
from tui.sanitize import clean_text

USUAL = ("nano", "vi")
"""Tried in this order where neither variable is set."""


def editor_command(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The editor and its arguments: $VISUAL, else $EDITOR, else a usual one.

    Raises SpecdecError where there is none.
    """
    for name in ("VISUAL", "EDITOR"):
        if value := environ.get(name, "").strip():
            try:
                return shlex.split(value)
            except ValueError as error:
                raise _failed(f"${name} cannot be understood ({error}); correct it") from None
    found = next(filter(None, map(shutil.which, USUAL)), None)
    if found is None:
        raise _failed("there is no editor here; set $EDITOR")
    return [found]


def edit(text: str, command: list[str]) -> str:
    """Let the user edit `text`; returns what was made of it, cleaned.

    The file is the user's alone and is removed, with what the editor left beside it. Raises
    SpecdecError where the editor is missing or fails.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="specdec-", ignore_cleanup_errors=True) as folder:
            file = Path(folder, "message.md")  # both can be read by nobody else
            file.touch(mode=0o600)
            file.write_text(text, encoding="utf-8", errors="replace")
            edited = _edited(file, command)
    except OSError as error:
        raise _failed(f"no file can be made to edit it in ({error.strerror})") from None
    if not text.endswith("\n"):
        edited = edited.removesuffix("\n")
    return clean_text(edited)


def _edited(file: Path, command: list[str]) -> str:
    name = shown(command[0], 60)
    try:
        code = _run([*command, str(file)])
        edited = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _failed(f"{name} cannot be used ({error.strerror}); set $EDITOR") from None
    if code != 0:
        raise _failed(f"{name} ended with {code}")
    return edited


def _run(command: list[str]) -> int:
    """Run it to its end. Ctrl+C is the editor's meanwhile, and does not end this process."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def _failed(what: str) -> SpecdecError:
    return SpecdecError(f"{what}; your text is kept.", "file")
