"""Presets: a pair of models, sampling and a system prompt under a name.

They are TOML in the configuration folder and no rows of the database: a person may write them in
an editor, comment on them and take them to another machine, and they outlive the conversations.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from core.configuration import FIELDS as OPTIONS
from core.configuration import not_right
from core.errors import SpecdecError
from core.models.untrusted import shown
from core.settings import DEFAULTS, Settings, config_path, parsed_toml, unreadable
from core.whole_files import replace_file

FIELDS = (
    *("target", "draft", "draft_len", "lookup", "system", "max_tokens"),
    *("temperature", "top_k", "top_p", "min_p", "seed", "verify"),
    *("repeat_penalty", "repeat_last_n", "presence_penalty", "frequency_penalty"),
)
"""The settings that a preset may hold, by their names in `config.toml`."""
NONE = "none"
"""Stands in the file for no value, which TOML has no word for."""
MOST_NAME = 60
MOST_BYTES = 2**20


@dataclass(frozen=True)
class Preset:
    """Some of FIELDS with their values, checked as settings are."""

    name: str
    values: Mapping[str, Any]


def presets_path() -> Path:
    """The presets' file, beside `config.toml`."""
    return config_path().with_name("presets.toml")


def preset_of(name: str, settings: Settings) -> Preset:
    """What is in force now as a preset. What is at its default is in it too: that is in use again
    when the preset is, whatever was changed in between."""
    return Preset(name, {key: getattr(settings, key) for key in FIELDS})


def applied(settings: Settings, preset: Preset) -> Settings:
    """The settings with the preset's: what it does not name stays as it is."""
    return replace(settings, **preset.values)


def read_presets(path: Path | None = None) -> tuple[dict[str, Preset], str]:
    """The presets that can be used, by name, in the order of the file; and what is wrong first in
    it: a sentence naming the file, the preset and the key, empty where nothing is. None where
    there is no file."""
    path = path or presets_path()
    found: dict[str, Preset] = {}
    problem = ""
    try:
        for name, table in _tables(path, _text(path)).items():
            try:
                found[name] = Preset(name, _checked(path, name, table))
            except SpecdecError as error:
                problem = problem or error.message
    except SpecdecError as error:
        problem = error.message
    return found, problem


def save_preset(preset: Preset, path: Path | None = None) -> None:
    """Write a preset over the one of that name; all else in the file stays as it is.

    Raises SpecdecError (`settings`) where a value is not right or the file cannot be written.
    """
    path = path or presets_path()
    if not preset.name.strip() or len(preset.name) > MOST_NAME or not preset.name.isprintable():
        raise SpecdecError(f"A preset's name has 1 to {MOST_NAME} plain characters.", "settings")
    values = _checked(path, preset.name, dict(preset.values))
    text = _text(path)
    written = {key: NONE if value is None else value for key, value in values.items()}
    meant = _tables(path, text) | {preset.name: written}
    _replace(path, _with(text, preset.name, written), meant)


def remove_preset(name: str, path: Path | None = None) -> None:
    """Take a preset out of the file, but for comments before the next one; nothing happens where
    there is none of that name."""
    path = path or presets_path()
    text = _text(path)
    tables = _tables(path, text)
    if name in tables:
        meant = {other: table for other, table in tables.items() if other != name}
        _replace(path, _without(text, name), meant)


# ------------------------------------------------------------------ checking


@lru_cache(maxsize=1)
def _model() -> type[BaseModel]:
    """The settings' own rules, for those of FIELDS that are given."""
    fields: dict[str, Any] = {key: (field.annotation, field) for key, field in OPTIONS.items()}
    return create_model(
        "PresetValues",
        __config__=ConfigDict(extra="forbid", frozen=True),
        **{key: fields[key] for key in FIELDS},
    )


def _checked(path: Path, name: str, table: object) -> dict[str, Any]:
    where = f"{path}: [{shown(name, MOST_NAME)}]"
    if not isinstance(table, dict):
        raise SpecdecError(
            f"{where} is no table; a preset begins with its name in brackets.", "settings"
        )
    none = {key: None for key, value in table.items() if value == NONE and _may_lack(key)}
    try:
        model = _model()(**(table | none))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        problem = "a preset has no such key; take it out."
        if first["type"] != "extra_forbidden":
            problem = not_right(key, first["input"], first["msg"])
        raise SpecdecError(f"{where} {shown(key)}: {problem}", "settings") from None
    except TypeError:
        raise SpecdecError(f"{where}: its keys are not right; correct them.", "settings") from None
    return {key: getattr(model, key) for key in table}


def _may_lack(key: str) -> bool:
    return key in DEFAULTS and DEFAULTS[key] is None


# ------------------------------------------------------------------ the file


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SpecdecError(f"{path} is too large for presets; make it smaller.", "settings")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SpecdecError(f"{path}: {unreadable(error)}.", "settings") from None


def _tables(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecdecError(f"{path}: not valid TOML: {error}; correct it.", "settings") from None


def _with(text: str, name: str, values: Mapping[str, Any]) -> str:
    """With these values for the preset, in its place where it has lines of its own."""
    import tomlkit

    lines, begin, end = _own_lines(text, name)
    document = tomlkit.parse("".join(lines[begin:end]))
    if begin == end or not isinstance(document[name], tomlkit.items.Table):
        lines, begin, end = [], 0, 0
        document = tomlkit.parse(text)
        document[name] = tomlkit.table()
    table: Any = document[name]
    for key in [key for key in table if key not in values]:
        table.remove(key)
    for key in [key for key in FIELDS if key in values]:
        if table.get(key) != values[key]:  # else a comment beside it stays
            table[key] = values[key]
    return "".join([*lines[:begin], document.as_string(), *lines[end:]])


def _without(text: str, name: str) -> str:
    """Without the preset."""
    import tomlkit

    lines, begin, end = _own_lines(text, name)
    if begin == end:
        document = tomlkit.parse(text)
        document.remove(name)
        return document.as_string()
    while end < len(lines) and not lines[end].strip():
        end += 1
    return "".join(lines[:begin] + lines[end:])


def _own_lines(text: str, name: str) -> tuple[list[str], int, int]:
    """All lines, and where those of a preset begin and end that is a table under a heading; two
    times the same place where it is none. tomlkit takes comments on the next one for a part of it.
    """
    lines = text.splitlines(keepends=True)
    table = tomllib.loads(text).get(name)
    heads = [at for at, line in enumerate(lines) if line.lstrip().startswith("[")]
    for begin in heads:
        end = next((at for at in heads if at > begin), len(lines))
        while end > begin + 1 and lines[end - 1].lstrip()[:1] in ("", "#"):
            end -= 1
        if parsed_toml("".join(lines[begin:end])) == {name: table}:
            return lines, begin, end
    return lines, 0, 0


def _replace(path: Path, text: str, meant: object) -> None:
    if parsed_toml(text) != meant:
        raise SpecdecError(
            f"{path} cannot be changed without changing more of it; edit it by hand.", "settings"
        )
    try:
        replace_file(path, text.encode(), durable=True)
    except UnicodeEncodeError:
        raise SpecdecError(
            f"{path}: half a character cannot be saved; take it out of the texts.", "settings"
        ) from None
    except OSError as error:
        raise SpecdecError(
            f"{path}: cannot be written ({error.strerror}); make it writable.", "settings"
        ) from None
