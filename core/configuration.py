"""Where the options' values come from: flags over `SPECDEC_*` environment over `config.toml` over
defaults; what is right for each, and what is said of one that is wrong.

Apart from `core.settings`, because pydantic, which checks the values, takes longer to import than
the app has until its first frame.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import itertools
import os
import typing
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pydantic_settings
from pydantic import Field, ValidationError, create_model, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from core import settings as options
from core.errors import SpecdecError
from core.models.untrusted import shown
from core.settings import (
    DEFAULTS,
    ENV_PREFIX,
    OTHER_TABLES,
    Settings,
    config_path,
    origin,
    read_toml,
)

LEAST_CTX = 256


class _Rules(BaseSettings):
    """What the types of the options do not say."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_ignore_empty=True,
    )

    @field_validator("ctx", "draft_ctx", check_fields=False)
    @classmethod
    def _large_enough(cls, value: int) -> int:
        """The engine has no smaller one, and would make it larger without a word."""
        if 0 < value < LEAST_CTX:
            raise ValueError
        return value

    @field_validator("models_dirs", mode="before", check_fields=False)
    @classmethod
    def _split_paths(cls, value: object) -> object:
        """In the environment, folders are separated as in PATH."""
        return value.split(os.pathsep) if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        table = read_toml(config_path())
        own = {key: value for key, value in table.items() if key not in OTHER_TABLES}
        return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=own)


def _checker(base: type[BaseSettings]) -> Any:
    """The options as a model of pydantic's, on top of `base`."""
    types = typing.get_type_hints(
        Settings,
        vars(options) | {"Field": Field, "NoDecode": pydantic_settings.NoDecode},
        include_extras=True,
    )
    definitions: dict[str, Any] = {name: (types[name], value) for name, value in DEFAULTS.items()}
    return create_model("Settings", __base__=base, **definitions)


class _Unsourced(_Rules):
    """Only what is given: neither the environment nor the file counts."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


_Configuration = _checker(_Rules)
FIELDS: dict[str, FieldInfo] = _Configuration.model_fields
"""The options as pydantic sees them, by name."""


def help_texts() -> dict[str, str]:
    """The docstring of each option. Read from the source when help is asked for, because reading
    them at import would delay the app's first frame."""
    tree = ast.parse(Path(options.__file__ or "").read_text(encoding="utf-8"))
    fields = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Settings").body
    texts = {}
    for field, text in itertools.pairwise(fields):
        match field, text:
            case ast.AnnAssign(ast.Name(name)), ast.Expr(ast.Constant(str(words))):
                texts[name] = inspect.cleandoc(words)
    return texts


def load_settings(flags: dict[str, Any] | None = None) -> Settings:
    """The settings in force, with `flags` (field name to value, None for not given) on top.

    Raises SpecdecError naming the file, variable or flag, the key, and what would be right.
    """
    flags = {key: value for key, value in (flags or {}).items() if value is not None}
    _refuse_unknown_variables()
    try:
        values = _Configuration(**flags)
    except ValidationError as error:
        raise SpecdecError(_explain(error, flags), kind="settings") from None
    settings = Settings(**dict(values), given=frozenset(flags))
    if settings.is_given("demo") and settings.is_given("target"):
        raise SpecdecError(
            "--demo brings its own target; leave out --demo or --target.", kind="settings"
        )
    return settings


def checked(name: str, value: object) -> Any:
    """`value` as the setting `name` holds it: text is read as a flag's value is.

    Raises SpecdecError saying what would be right.
    """
    given: dict[str, Any] = {name: value}
    try:
        return getattr(_unsourced()(**given), name)
    except ValidationError as error:
        first = error.errors()[0]
        raise SpecdecError(f"{name}: {not_right(name, value, first['msg'])}", "settings") from None


@cache
def _unsourced() -> Any:
    return _checker(_Unsourced)


def _refuse_unknown_variables() -> None:
    known = {ENV_PREFIX + name.upper() for name in DEFAULTS} | {ENV_PREFIX + "CONFIG"}
    for name in os.environ:
        if name.startswith(ENV_PREFIX) and name not in known:
            raise SpecdecError(
                f"{name}: there is no such setting{_did_you_mean(name, known)}", kind="settings"
            )


def _explain(error: ValidationError, flags: dict[str, Any]) -> str:
    first = error.errors()[0]
    key = str(first["loc"][0])
    where = origin(key, flags)
    if first["type"] == "extra_forbidden":
        return f"{where}: there is no such setting{_did_you_mean(key, {*DEFAULTS, *OTHER_TABLES})}"
    return f"{where}: {not_right(key, first['input'], first['msg'])}"


def not_right(key: str, value: object, message: str) -> str:
    """That a setting cannot have this value, and what would be right; `message` is pydantic's, for
    want of a better one."""
    return f"{shown(repr(value))} is not right; {_expected(key, message)}."


def _expected(key: str, message: str) -> str:
    annotation = FIELDS[key].annotation if key in FIELDS else None
    choices = [c for c in get_args(annotation) if isinstance(c, str)]
    if key == "draft_len":
        return "give auto or 0 to 64"
    if key in ("ctx", "draft_ctx"):
        return f"give 0 or a whole number from {LEAST_CTX} up"
    if choices:
        return "give one of " + ", ".join(choices)
    right = _number(key, annotation) or _KINDS.get(annotation, "")
    if right and message.startswith("Input should be "):
        return f"give {right}"
    return message[0].lower() + message[1:]


_KINDS: dict[Any, str] = {
    bool: "true or false",
    str: "text in quotes",
    list[Path]: "a list of folders",
}


def _number(key: str, annotation: object) -> str:
    """`a number from 0 to 10`, for a setting that is a number; empty for another."""
    kinds = {annotation, *get_args(annotation)}
    if not kinds & {int, float} or bool in kinds:
        return ""
    limits = FIELDS[key].metadata
    bounds = {
        name: getattr(one, name)
        for one in limits
        for name in ("ge", "gt", "le")
        if hasattr(one, name)
    }
    least, above, most = (bounds.get(name) for name in ("ge", "gt", "le"))
    number = "a whole number" if int in kinds else "a number"
    if above is not None:
        return f"{number} above {above}" + ("" if most is None else f", at most {most}")
    if least is None:
        return number
    return f"{number} from {least} " + ("up" if most is None else f"to {most}")


def _did_you_mean(name: str, known: set[str]) -> str:
    meant = {one.removeprefix(ENV_PREFIX).lower(): one for one in known}
    close = difflib.get_close_matches(name.removeprefix(ENV_PREFIX).lower(), meant, n=1)
    return f"; did you mean {meant[close[0]]}?" if close else "; take it out."
