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
from core.models.untrusted import shown
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
    """One theme file. Raises SpecdecError naming the file and every key that is wrong."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise _wrong(file, f"not valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(file, unreadable(error)) from None
    wrong = _mistakes(table)
    if wrong:
        raise _wrong(file, "; ".join(wrong))
    colors, variables = table.get("colors", {}), table.get("variables", {})
    theme = Theme(
        name=table.get("name", shown(file.name.removesuffix(".toml"))),
        dark=table.get("dark", True),
        ansi=table.get("ansi", False),
        variables=variables,
        **colors,
    )
    theme.to_color_system().generate()
    return theme


def _mistakes(table: Mapping[str, Any]) -> list[str]:
    """All that is wrong with a theme, in its order: who mends one thing at a time starts over for
    each."""
    wrong: list[str] = []
    name = table.get("name", "a name")
    if not (isinstance(name, str) and name and name.isprintable()):
        wrong.append("name must be a text of one line")
    wrong += [
        f"{key} must be true or false"
        for key in ("dark", "ansi")
        if not isinstance(table.get(key, False), bool)
    ]
    tables = {key: table.get(key, {}) for key in ("colors", "variables")}
    wrong += [f"{key} must be a table" for key, it in tables.items() if not isinstance(it, dict)]
    colors, variables = (it if isinstance(it, dict) else {} for it in tables.values())
    required = ("primary", "foreground", "background")
    wrong += [f"colors.{key} is missing" for key in required if key not in colors]
    wrong += [_color(f"colors.{key}", it) for key, it in colors.items() if key in COLORS]
    for key, value in variables.items():
        check = _style if key.endswith(NOT_COLORS) else _color
        wrong.append(check(f"variables.{key}", value))
    wrong += _unknown("", table, ("name", "dark", "ansi", "colors", "variables"))
    wrong += _unknown("colors.", colors, COLORS)  # they list what is known, so they stand last
    return [mistake for mistake in wrong if mistake]


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


def _unknown(prefix: str, table: Mapping[str, Any], known: tuple[str, ...]) -> list[str]:
    names = [f"{prefix}{shown(key, 40)}" for key in table if key not in known]
    if not names:
        return []
    are = "is" if len(names) == 1 else "are"
    return [f"{' and '.join(names)} {are} not known; known are {', '.join(known)}"]


def _color(key: str, value: object) -> str:
    """What is wrong with a colour; empty where nothing is."""
    try:
        Color.parse(value if isinstance(value, str) else "")
    except ColorParseError:
        return f"{key} = {value!r} is not a colour"
    return ""


def _style(key: str, value: object) -> str:
    words = value.split() if isinstance(value, str) else []
    if not words or not set(words) <= set(TEXT_STYLES):
        return f"{key} = {value!r} is not a text style; there are {', '.join(TEXT_STYLES)}"
    return ""


def _wrong(file: Traversable, what: str) -> SpecdecError:
    return SpecdecError(f"Theme {shown(file.name)}: {what}.", kind="settings")
