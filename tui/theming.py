"""Themes from TOML files: those of the `themes` package, then the user's own beside the config.

A file that is wrong is named with the key that is wrong, and the app goes on without it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

from core.errors import SpecdecError
from core.settings import config_path

COLORS = (
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "success",
    "warning",
    "error",
    "boost",
)
OWN_VARIABLES = (
    "muted",
    "user",
    "assistant",
    "notice",
    "failure",
    "faint",
    "accepted",
    "corrected",
    "bonus",
    "alone",
    "rejected",
    "accepted-tint",
    "corrected-tint",
    "bonus-tint",
    "alone-tint",
    "rejected-tint",
    "md-heading",
    "md-marker",
    "md-code",
    "md-code-block",
    "code-comment",
    "code-keyword",
    "code-string",
    "code-number",
    "code-name",
    "code-builtin",
)
NOT_COLORS = ("text-style",)
"""Variables that end so hold styles like `bold`, not colours."""


def load_themes(folders: Iterable[Traversable]) -> tuple[list[Theme], list[str]]:
    """The themes in `folders`, and one sentence for each file that cannot be used."""
    themes: list[Theme] = []
    problems: list[str] = []
    for folder in folders:
        for file in sorted(_toml_files(folder), key=lambda entry: entry.name):
            try:
                themes.append(read_theme(file))
            except SpecdecError as error:
                problems.append(error.message)
    return themes, problems


def own_themes() -> Traversable:
    """The folder of the themes that come with the app."""
    return resources.files("themes")


def user_themes() -> Traversable:
    """The folder of the user's own themes, which need not exist."""
    return config_path().parent / "themes"


def read_theme(file: Traversable) -> Theme:
    """One theme file. Raises SpecdecError naming the file and the key."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(file, f"cannot be read: {error}") from None
    _check_keys(file, "", table, ("name", "dark", "colors", "variables"))
    colors, variables = _table(file, table, "colors"), _table(file, table, "variables")
    _check_keys(file, "colors.", colors, COLORS)
    for required in ("primary", "foreground", "background"):
        if required not in colors:
            raise _wrong(file, f"colors.{required} is missing")
    for key, value in colors.items():
        _check_color(file, f"colors.{key}", value)
    for key, value in variables.items():
        if not key.endswith(NOT_COLORS):
            _check_color(file, f"variables.{key}", value)
    name, dark = table.get("name", file.name.removesuffix(".toml")), table.get("dark", True)
    if not isinstance(name, str) or not name or not isinstance(dark, bool):
        raise _wrong(file, "name must be a text and dark true or false")
    theme = Theme(name=name, dark=dark, variables=variables, **colors)
    theme.to_color_system().generate()
    return theme


def missing_variables(theme: Theme, fallback: Theme) -> dict[str, str]:
    """The app's own variables that `theme` lacks, taken from one of our themes."""
    return {name: fallback.variables[name] for name in OWN_VARIABLES if name not in theme.variables}


def _toml_files(folder: Traversable) -> list[Traversable]:
    if not folder.is_dir():
        return []
    return [file for file in folder.iterdir() if file.name.endswith(".toml")]


def _table(file: Traversable, table: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise _wrong(file, f"{key} must be a table")
    return value


def _check_keys(
    file: Traversable, prefix: str, table: Mapping[str, Any], known: tuple[str, ...]
) -> None:
    for key in table:
        if key not in known:
            raise _wrong(file, f"{prefix}{key} is not known; known are {', '.join(known)}")


def _check_color(file: Traversable, key: str, value: object) -> None:
    try:
        Color.parse(value if isinstance(value, str) else "")
    except ColorParseError:
        raise _wrong(file, f"{key} = {value!r} is not a colour") from None


def _wrong(file: Traversable, what: str) -> SpecdecError:
    return SpecdecError(f"Theme {file.name}: {what}.", kind="settings")
