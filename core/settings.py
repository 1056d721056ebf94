"""Every option, defined once: flags over `SPECDEC_*` environment over `config.toml` over defaults.

The command line makes its flags and its help from these fields and their docstrings, so an option
exists in one place only. No llama_cpp and no textual here.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import itertools
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from platformdirs import user_config_path
from pydantic import Field, PrivateAttr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from core.errors import SpecdecError
from core.models.untrusted import shown
from core.paths import expanded, is_folder
from core.protocol import DraftChoice, DrafterKind, ModelOptions, Sampling, VerifyMode

ENV_PREFIX = "SPECDEC_"
OTHER_TABLES = ("keys",)
"""Tables of `config.toml` that are no settings; who reads them says what is wrong in them."""
LEAST_CTX = 256
Source = Literal["command line", "environment", "file", "default"]
CacheType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]


def config_path() -> Path:
    """The configuration file: `$SPECDEC_CONFIG`, else `config.toml` in the user's config folder."""
    override = os.environ.get(ENV_PREFIX + "CONFIG")
    return Path(override) if override else user_config_path("specdec-tui") / "config.toml"


class Settings(BaseSettings):
    """All options of specdec-tui. Field docstrings are the help texts."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_ignore_empty=True,
    )

    target: str = ""
    """Target model: a path to a GGUF file, or the name of one that `specdec-tui models` lists."""
    draft: str = "auto"
    """Draft: a path, a name, `lookup`, `none`; `auto`: the bundled draft for the bundled target."""
    demo: bool = False
    """Use the bundled pair, whatever else is configured; with `--draft`, that draft for its target.
    Not beside `--target`."""
    lookup: bool = True
    """Prompt lookup helps the draft model where the draft length is `auto`."""
    models_dirs: Annotated[list[Path], NoDecode] = []
    """Folders with GGUF files of your own, searched beside the known ones."""

    n_gpu_layers: int = -1
    """Layers of the target on the GPU; -1: all, where there is a GPU."""
    draft_n_gpu_layers: int = -1
    """Layers of the draft on the GPU; -1: all, where there is a GPU."""
    ctx: int = Field(0, ge=0)
    """Context of the target in tokens; 0: what the model was trained for, at most 8192."""
    draft_ctx: int = Field(0, ge=0)
    """Context of the draft in tokens; 0: as much as the target's."""
    threads: int = Field(0, ge=0, le=1024)
    """CPU threads of the target; 0: the number of usable cores."""
    draft_threads: int = Field(0, ge=0, le=1024)
    """CPU threads of the draft; 0: as many as the target's."""
    batch: int = Field(512, ge=32)
    """Prompt tokens that the target decodes in one call."""
    draft_batch: int = Field(512, ge=32)
    """Prompt tokens that the draft decodes in one call."""
    cache_type_k: CacheType = "f16"
    """Type of the target's K cache."""
    cache_type_v: CacheType = "f16"
    """Type of the target's V cache; a quantised one needs flash attention."""
    draft_cache_type_k: CacheType = "f16"
    """Type of the draft's K cache."""
    draft_cache_type_v: CacheType = "f16"
    """Type of the draft's V cache; a quantised one needs flash attention."""
    flash_attn: Literal["auto", "on", "off"] = "auto"
    """Flash attention, for target and draft."""

    draft_len: Literal["auto"] | Annotated[int, Field(ge=0, le=64)] = "auto"
    """Tokens to draft in a round, 0 to 64; `auto`: the governor chooses."""
    temperature: float = Field(0.7, ge=0, le=10)
    """Sampling temperature; 0 always takes the likeliest token."""
    top_k: int = Field(40, ge=0)
    """Sample among the k likeliest tokens; 0: no limit."""
    top_p: float = Field(0.95, gt=0, le=1)
    """Sample among the likeliest tokens that together have this probability; 1: no limit."""
    min_p: float = Field(0.05, ge=0, le=1)
    """Leave out tokens less likely than this share of the likeliest; 0: none."""
    repeat_penalty: float = Field(1.0, ge=0.1, le=10)
    """Make tokens that the text lately has less likely by this factor; 1: not at all."""
    repeat_last_n: int = Field(64, ge=0)
    """How many tokens back, the prompt's included, the penalties look; 0: no penalties."""
    presence_penalty: float = Field(0.0, ge=-10, le=10)
    """Take this off the logits of tokens that the text lately has."""
    frequency_penalty: float = Field(0.0, ge=-10, le=10)
    """Take this off the logits of tokens for each time that the text lately has them."""
    seed: int | None = Field(None, ge=0)
    """Seed of the sampler; the same seed gives the same reply."""
    verify: VerifyMode = "auto"
    """Above temperature 0, accept by `exact` match or `rejection` sampling; `auto`: what keeps more
    (with a seed: `exact`, so that the reply does not depend on the draft)."""
    max_tokens: int = Field(0, ge=0)
    """Longest reply in tokens; 0: as long as the context allows."""
    system: str = ""
    """System prompt of a new chat."""

    theme: str = "specdec-dark"
    """Colour theme: a name from `themes/`."""
    remote: Literal["auto", "yes", "no"] = "auto"
    """Whether the terminal is far away, which asks for fewer frames; `auto`: over SSH and mosh."""
    ascii: Literal["auto", "yes", "no"] = "auto"
    """Whether to draw with ASCII characters alone; `auto`: where the locale has no others."""
    stats_per_second: float = Field(10, gt=0, le=60)
    """How often the stats bar is repainted; over SSH at most twice."""

    _flags: frozenset[str] = PrivateAttr(frozenset())

    @field_validator("ctx", "draft_ctx")
    @classmethod
    def _large_enough(cls, value: int) -> int:
        """The engine has no smaller one, and would make it larger without a word."""
        if 0 < value < LEAST_CTX:
            raise ValueError
        return value

    @field_validator("models_dirs", mode="before")
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

    def pair(self) -> tuple[str, str]:
        """The target and the draft that are meant: "" the bundled target, `auto` the draft that
        belongs to the target. `demo` counts over what is configured, not over a flag for one of
        the two."""
        target, draft = self.target, self.draft or "auto"
        if self.demo and not self._given("target"):
            target = ""
            if draft not in ("none", "lookup") and not self._given("draft"):
                draft = "auto"
        return target, draft

    def _given(self, name: str) -> bool:
        return name in self._flags and bool(getattr(self, name))

    def sampling(self) -> Sampling:
        """The sampler settings of a new reply."""
        return Sampling(
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            min_p=self.min_p,
            repeat_penalty=self.repeat_penalty,
            repeat_last_n=self.repeat_last_n,
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            seed=self.seed,
            verify=self.verify,
        )

    def target_options(self) -> ModelOptions:
        """How the target is loaded."""
        return ModelOptions(
            n_gpu_layers=self.n_gpu_layers,
            n_ctx=self.ctx,
            n_batch=self.batch,
            n_threads=self.threads,
            cache_type_k=self.cache_type_k,
            cache_type_v=self.cache_type_v,
            flash_attn=self.flash_attn,
        )

    def draft_choice(self, kind: DrafterKind, path: str | None = None) -> DraftChoice:
        """A draft of this kind under the draft's own options."""
        options = ModelOptions(
            n_gpu_layers=self.draft_n_gpu_layers,
            n_ctx=self.draft_ctx,
            n_batch=self.draft_batch,
            n_threads=self.draft_threads,
            cache_type_k=self.draft_cache_type_k,
            cache_type_v=self.draft_cache_type_v,
            flash_attn=self.flash_attn,
        )
        return DraftChoice(kind=kind, path=path, lookup=self.lookup, options=options)


def help_texts() -> dict[str, str]:
    """The docstring of each option. Read from the source when help is asked for, because reading
    them at import would delay the app's first frame."""
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
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
        settings = Settings(**flags)
    except ValidationError as error:
        raise SpecdecError(_explain(error, flags), kind="settings") from None
    settings._flags = frozenset(flags)
    if settings._given("demo") and settings._given("target"):
        raise SpecdecError(
            "--demo brings its own target; leave out --demo or --target.", kind="settings"
        )
    return settings


def source_of(settings: Settings, name: str) -> Source:
    """Where the value of a setting comes from. Raises SpecdecError where the file is broken."""
    if name in settings._flags:
        return "command line"
    if os.environ.get(ENV_PREFIX + name.upper()):
        return "environment"
    return "file" if name in read_toml(config_path()) else "default"


def absent(settings: Settings) -> list[str]:
    """What the settings name and is not there, though nothing fails for want of it; a sentence
    each. Looks at the disk."""
    sentences = []
    override = os.environ.get(ENV_PREFIX + "CONFIG")
    if override and not Path(override).exists():
        sentences.append(
            f"{ENV_PREFIX}CONFIG: there is no file {shown(override)}; nothing is set by it."
        )
    where = _origin("models_dirs", dict.fromkeys(settings._flags))
    for folder in settings.models_dirs:
        if not is_folder(expanded(folder)):
            sentences.append(f"{where}: there is no folder {shown(str(folder))}; it is left out.")
    return sentences


def read_toml(path: Path) -> dict[str, Any]:
    """The configuration file; empty where there is none. Raises SpecdecError where it is broken."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise SpecdecError(f"{path}: not valid TOML: {error}; correct it.", "settings") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecdecError(f"{path}: {unreadable(error)}.", "settings") from None


def unreadable(error: OSError | UnicodeDecodeError) -> str:
    """Why a text file cannot be read, and what to do."""
    match error:
        case UnicodeDecodeError():
            return "this is no UTF-8 text; save it as UTF-8"
        case IsADirectoryError():
            return "this is a folder; put a file in its place"
        case PermissionError():
            return "you may not read it; change its permissions"
    return f"cannot be read ({(error.strerror or str(error)).lower()}); see to that file"


def _refuse_unknown_variables() -> None:
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields} | {ENV_PREFIX + "CONFIG"}
    for name in os.environ:
        if name.startswith(ENV_PREFIX) and name not in known:
            raise SpecdecError(
                f"{name}: there is no such setting{_did_you_mean(name, known)}", kind="settings"
            )


def _explain(error: ValidationError, flags: dict[str, Any]) -> str:
    first = error.errors()[0]
    key = str(first["loc"][0])
    where = _origin(key, flags)
    if first["type"] == "extra_forbidden":
        known = {*Settings.model_fields, *OTHER_TABLES}
        return f"{where}: there is no such setting{_did_you_mean(key, known)}"
    return f"{where}: {not_right(key, first['input'], first['msg'])}"


def _origin(key: str, flags: dict[str, Any]) -> str:
    if key in flags:
        return "--" + key.replace("_", "-")
    variable = ENV_PREFIX + key.upper()
    return variable if os.environ.get(variable) else f"{config_path()}: {shown(key)}"


def not_right(key: str, value: object, message: str) -> str:
    """That a setting cannot have this value, and what would be right; `message` is pydantic's, for
    want of a better one."""
    return f"{shown(repr(value))} is not right; {_expected(key, message)}."


def _expected(key: str, message: str) -> str:
    annotation = Settings.model_fields[key].annotation if key in Settings.model_fields else None
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
    limits = Settings.model_fields[key].metadata
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
