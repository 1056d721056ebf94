"""The settings as a list to look at and to change, made from the model of the settings itself.

Pure, so that the screen, the palette and the slash commands say the same of a setting.
"""

from __future__ import annotations

import os
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from core.configuration import FIELDS, help_texts
from core.settings import ENV_PREFIX, config_path

Kind = Literal["switch", "choice", "text"]
Effect = Literal["now", "draft", "reload", "chat", "look", "start"]
EFFECTS: dict[Effect, tuple[str, ...]] = {
    "now": (
        *("draft_len", "temperature", "top_k", "top_p", "min_p", "repeat_penalty"),
        *("repeat_last_n", "presence_penalty", "frequency_penalty", "seed", "verify"),
        *("max_tokens", "theme", "stats_per_second"),
    ),
    "draft": (
        *("lookup", "draft_n_gpu_layers", "draft_ctx", "draft_threads", "draft_batch"),
        *("draft_cache_type_k", "draft_cache_type_v"),
    ),
    "reload": (
        *("n_gpu_layers", "ctx", "threads", "batch", "cache_type_k", "cache_type_v"),
        "flash_attn",
    ),
    "chat": ("system",),
    "look": ("models_dirs",),
}
"""When a changed setting counts; one that is not here counts from the next start on."""
EFFECT_TEXT: dict[Effect, str] = {
    "now": "Counts at once; for replies, from the next one on.",
    "draft": "Counts at once: the draft is loaded again.",
    "reload": "Counts when the models are loaded again.",
    "chat": "Counts from the next chat on.",
    "look": "Counts when models are looked for the next time.",
    "start": "Counts from the next start on.",
}
NOTHING = ("none", '""', "''")
"""What is written where a value is meant to be taken away."""
HEADINGS = {
    "target": "models",
    "n_gpu_layers": "loading",
    "draft_len": "replies",
    "theme": "the app",
}
"""The setting that each heading stands before."""


@dataclass(frozen=True)
class Setting:
    """One setting: what it is and how it is changed. `choices` are empty for free text."""

    name: str
    help: str
    kind: Kind
    choices: tuple[str, ...]
    default: str
    effect: Effect
    nullable: bool = False


@lru_cache(maxsize=1)
def all_settings() -> tuple[Setting, ...]:
    """The same for each keystroke in the palette."""
    return describe()


def describe(more_choices: Mapping[str, Sequence[str]] | None = None) -> tuple[Setting, ...]:
    """All settings in their order. `more_choices` names the values of settings that only the app
    knows them for."""
    texts = help_texts()
    return tuple(
        _setting(
            name, " ".join(texts.get(name, "").split()), tuple((more_choices or {}).get(name, ()))
        )
        for name in FIELDS
    )


def _setting(name: str, text: str, choices: tuple[str, ...]) -> Setting:
    field = FIELDS[name]
    annotation: Any = field.annotation
    if typing.get_origin(annotation) is Literal:
        choices = choices or tuple(map(str, typing.get_args(annotation)))
    kind: Kind = "switch" if annotation is bool else "choice" if choices else "text"
    return Setting(
        name=name,
        help=text.replace("`", ""),
        kind=kind,
        choices=("off", "on") if kind == "switch" else choices,
        default=value_text(field.default),
        effect=effect_of(name),
        nullable=type(None) in typing.get_args(annotation),
    )


def effect_of(name: str) -> Effect:
    return next((effect for effect, names in EFFECTS.items() if name in names), "start")


def value_text(value: object) -> str:
    """A value as it is shown and edited: `on`, `0.7`, folders as in PATH; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return os.pathsep.join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def given_value(setting: Setting, text: str) -> object:
    """What the text that was edited or chosen means to the settings; None: not set."""
    if setting.kind == "switch":
        return text == "on"
    if setting.nullable and not text.strip():
        return None
    if setting.default == "" and setting.effect == "look":
        return [part for part in text.split(os.pathsep) if part.strip()]
    return text


def said_value(name: str, text: str) -> object:
    """What the text behind a slash command means: `none` takes the value away where by default
    there is none, as the command without a text says `none` of it."""
    default = FIELDS[name].default
    return default if not value_text(default) and text.casefold() in NOTHING else text


def next_choice(setting: Setting, present: str, by: int = 1) -> str:
    """The choice after the present one, around the ends."""
    at = setting.choices.index(present) if present in setting.choices else -by
    return setting.choices[(at + by) % len(setting.choices)]


def overriding(source: str, name: str) -> str:
    """What counts over the file for this setting; empty where nothing does."""
    return {
        "command line": "--" + name.replace("_", "-"),
        "environment": ENV_PREFIX + name.upper(),
    }.get(source, "")


def source_text(source: str, name: str) -> str:
    """Where the value comes from, in a sentence."""
    match source:
        case "session":
            return "Changed for this session only; what you choose here is kept."
        case "file":
            return f"From {config_path()}."
        case "default":
            return "The default."
    return f"From {overriding(source, name)}, which counts over config.toml."
