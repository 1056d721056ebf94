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
from core.settings import config_path, unreadable

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
NOT_COLORS = "text-style"
"""Variables that end so hold styles like `bold`, not colours. `NAME-text-style` is how text in the
colour `NAME` is set off where colours cannot do it; see `tui.filters`."""
TEXT_STYLES = ("none", "bold", "dim", "italic", "underline", "reverse", "strike", "not")
TINT, TINT_SHARE = "-tint", 0.14
"""Grounds under text, faint mixtures of a colour with the background."""

LEFT_OUT = {
    "ansi-background": "transparent",
    "ansi-foreground": "transparent",
    "foreground-disabled": "ansi_default",
    "surface-active": "transparent",
}
"""What Textual 8.2.8 names in its style sheets, but does not define for a theme of ANSI colours."""


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


def no_such_theme(name: str, known: Iterable[str]) -> str:
    """The sentence for a theme that is set and is not among those that are `known`."""
    return f"There is no theme {name!r}; there are {', '.join(sorted(known))}."


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
    except tomllib.TOMLDecodeError as error:
        raise _wrong(file, f"not valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(file, unreadable(error)) from None
    _check_keys(file, "", table, ("name", "dark", "ansi", "colors", "variables"))
    colors, variables = _table(file, table, "colors"), _table(file, table, "variables")
    _check_keys(file, "colors.", colors, COLORS)
    for required in ("primary", "foreground", "background"):
        if required not in colors:
            raise _wrong(file, f"colors.{required} is missing")
    for key, value in colors.items():
        _check_color(file, f"colors.{key}", value)
    for key, value in variables.items():
        check = _check_style if key.endswith(NOT_COLORS) else _check_color
        check(file, f"variables.{key}", value)
    name = table.get("name", file.name.removesuffix(".toml"))
    if not isinstance(name, str) or not name:
        raise _wrong(file, "name must be a text")
    dark, ansi = _flag(file, table, "dark", True), _flag(file, table, "ansi", False)
    theme = Theme(name=name, dark=dark, ansi=ansi, variables=variables, **colors)
    theme.to_color_system().generate()
    return theme


def missing_variables(theme: Theme, fallback: Theme) -> dict[str, str]:
    """The app's own variables that `theme` lacks: from one of our themes, tints mixed anew."""
    found = {
        name: fallback.variables[name] for name in OWN_VARIABLES if name not in theme.variables
    }
    background = Color.parse(theme.background or fallback.background or "black")
    for name in found:
        if name.endswith(TINT) and background.ansi is None:
            role = name.removesuffix(TINT)
            color = Color.parse(theme.variables.get(role) or fallback.variables[role])
            found[name] = background.blend(color, TINT_SHARE).hex6
    return found | (LEFT_OUT if theme.ansi else {})


def _toml_files(folder: Traversable) -> list[Traversable]:
    if not folder.is_dir():
        return []
    return [file for file in folder.iterdir() if file.name.endswith(".toml")]


def _table(file: Traversable, table: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise _wrong(file, f"{key} must be a table")
    return value


def _flag(file: Traversable, table: Mapping[str, Any], key: str, default: bool) -> bool:
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise _wrong(file, f"{key} must be true or false")
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


def _check_style(file: Traversable, key: str, value: object) -> None:
    words = value.split() if isinstance(value, str) else []
    if not words or not set(words) <= set(TEXT_STYLES):
        allowed = ", ".join(TEXT_STYLES)
        raise _wrong(file, f"{key} = {value!r} is not a text style; there are {allowed}")


def _wrong(file: Traversable, what: str) -> SpecdecError:
    return SpecdecError(f"Theme {file.name}: {what}.", kind="settings")
