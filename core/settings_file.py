"""Single keys of `config.toml`, changed in place: comments, order and blank lines stay.

Apart from `core.configuration`, which only reads, because tomlkit is loaded when something is
written.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from core.configuration import checked
from core.errors import SpecdecError
from core.settings import DEFAULTS, config_path, parsed_toml, read_toml
from core.whole_files import replace_file

FIRST_LINE = "# specdec-tui's settings; `specdec-tui --help` says what each of them means.\n"
Plain = bool | int | float | str | list[str]
"""What a setting is in TOML."""


def write_setting(name: str, value: object, path: Path | None = None) -> Any:
    """Write one setting into the file at `path` (the user's, where None), which is made where it
    is not there. None takes the key out, so that the default counts again.

    Returns the value as the settings hold it. Raises SpecdecError where the value is not right, or
    the file is broken or cannot be written; it is then as it was.
    """
    path = path or config_path()
    wanted = checked(name, value) if value is not None else DEFAULTS[name]
    before = _text(path)
    after = _changed(before, name, None if wanted is None or value is None else _plain(wanted))
    if after != before:
        _replace(path, after)
    return wanted


# ------------------------------------------------------------------ values


def _plain(value: object) -> Plain:
    if isinstance(value, list):
        return [str(part) for part in value]
    return value if isinstance(value, bool | int | float) else str(value)


# ------------------------------------------------------------------ text


def _changed(text: str, name: str, value: Plain | None) -> str:
    """`text` with this value for the key, or without the key; all else is as it was."""
    table = tomllib.loads(text)
    if value is None and name not in table:
        return text
    meant = {key: entry for key, entry in table.items() if key != name}
    if value is not None:
        meant[name] = value
    new = _with_new_line(text, name, value) if name not in table and value is not None else ""
    if not new or parsed_toml(new) != meant:
        new = _edited(text, name, value)
    if parsed_toml(new) != meant:
        raise SpecdecError(
            f"{name} cannot be changed without changing more of the file; edit it by hand.",
            "settings",
        )
    return new


def _edited(text: str, name: str, value: Plain | None) -> str:
    try:
        document = tomlkit.parse(text)
        if value is None:
            document.remove(name)
        else:
            document[name] = value
        return document.as_string()
    except TOMLKitError:
        return ""


def _with_new_line(text: str, name: str, value: Plain) -> str:
    """The key as a line after the other keys: before the first table and what is said of it."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += newline
    at = _first_table(lines)
    if at < len(lines):
        while at > 0 and lines[at - 1].lstrip().startswith("#"):
            at -= 1
    while at > 0 and not lines[at - 1].strip():
        at -= 1
    entry = tomlkit.dumps({name: value}).strip() + newline
    gap = [newline] if at < len(lines) and lines[at].strip() else []
    return "".join([*lines[:at], entry, *gap, *lines[at:]])


def _first_table(lines: list[str]) -> int:
    """The line of the first table's heading; the number of lines where there is none."""
    for at, line in enumerate(lines):
        # what begins so inside of a list or a longer text leaves an unfinished file before it
        if line.lstrip().startswith("[") and parsed_toml("".join(lines[:at])) is not None:
            return at
    return len(lines)


# ------------------------------------------------------------------ the disk


def _text(path: Path) -> str:
    """What the file holds; the first line of a new one where there is none."""
    read_toml(path)  # says in a sentence what is wrong with it
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return FIRST_LINE
    except (OSError, UnicodeDecodeError) as error:
        raise _unwritable(path, error) from None


def _replace(path: Path, text: str) -> None:
    try:
        replace_file(path, text.encode(), durable=True)
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: Exception) -> SpecdecError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return SpecdecError(f"{path}: cannot be written: {why}; nothing was changed.", "settings")
