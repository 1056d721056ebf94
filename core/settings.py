"""Every option, defined once. Where their values come from is in `core.configuration`.

The command line makes its flags and its help from these fields and their docstrings, and the
configuration checks values against their types, so an option exists in one place only. No pydantic,
no llama_cpp and no textual here: the app's first frame waits for this.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from platformdirs import user_config_path

from core.errors import SpecdecError
from core.models.untrusted import shown
from core.paths import expanded, is_folder
from core.protocol import DraftChoice, DrafterKind, ModelOptions, Sampling, VerifyMode

if TYPE_CHECKING:  # names in annotations, which are read by who checks values
    from pydantic import Field
    from pydantic_settings import NoDecode

ENV_PREFIX = "SPECDEC_"
OTHER_TABLES = ("keys",)
"""Tables of `config.toml` that are no settings; who reads them says what is wrong in them."""
Source = Literal["command line", "environment", "file", "default"]
CacheType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All options of specdec-tui. Field docstrings are the help texts."""

    target: str = ""
    """Target model: a path to a GGUF file, or the name of one that `specdec-tui models` lists."""
    draft: str = "auto"
    """Draft: a path, a name, `lookup`, `none`; `auto`: the bundled draft for the bundled target."""
    demo: bool = False
    """Use the bundled pair, whatever else is configured; with `--draft`, that draft for its target.
    Not beside `--target`."""
    lookup: bool = True
    """Prompt lookup helps the draft model where the draft length is `auto`."""
    models_dirs: Annotated[list[Path], NoDecode] = field(default_factory=list)
    """Folders with GGUF files of your own, searched beside the known ones."""

    n_gpu_layers: int = -1
    """Layers of the target on the GPU; -1: all, where there is a GPU."""
    draft_n_gpu_layers: int = -1
    """Layers of the draft on the GPU; -1: all, where there is a GPU."""
    ctx: Annotated[int, Field(ge=0)] = 0
    """Context of the target in tokens; 0: what the model was trained for, at most 8192."""
    draft_ctx: Annotated[int, Field(ge=0)] = 0
    """Context of the draft in tokens; 0: as much as the target's."""
    threads: Annotated[int, Field(ge=0, le=1024)] = 0
    """CPU threads of the target; 0: the number of usable cores."""
    draft_threads: Annotated[int, Field(ge=0, le=1024)] = 0
    """CPU threads of the draft; 0: as many as the target's."""
    batch: Annotated[int, Field(ge=32)] = 512
    """Prompt tokens that the target decodes in one call."""
    draft_batch: Annotated[int, Field(ge=32)] = 512
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
    temperature: Annotated[float, Field(ge=0, le=10)] = 0.7
    """Sampling temperature; 0 always takes the likeliest token."""
    top_k: Annotated[int, Field(ge=0)] = 40
    """Sample among the k likeliest tokens; 0: no limit."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Sample among the likeliest tokens that together have this probability; 1: no limit."""
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Leave out tokens less likely than this share of the likeliest; 0: none."""
    repeat_penalty: Annotated[float, Field(ge=0.1, le=10)] = 1.0
    """Make tokens that the text lately has less likely by this factor; 1: not at all."""
    repeat_last_n: Annotated[int, Field(ge=0)] = 64
    """How many tokens back, the prompt's included, the penalties look; 0: no penalties."""
    presence_penalty: Annotated[float, Field(ge=-10, le=10)] = 0.0
    """Take this off the logits of tokens that the text lately has."""
    frequency_penalty: Annotated[float, Field(ge=-10, le=10)] = 0.0
    """Take this off the logits of tokens for each time that the text lately has them."""
    seed: Annotated[int | None, Field(ge=0)] = None
    """Seed of the sampler; the same seed gives the same reply."""
    verify: VerifyMode = "auto"
    """Above temperature 0, accept by `exact` match or `rejection` sampling; `auto`: what keeps more
    (with a seed: `exact`, so that the reply does not depend on the draft)."""
    max_tokens: Annotated[int, Field(ge=0)] = 0
    """Longest reply in tokens; 0: as long as the context allows."""
    system: str = ""
    """System prompt of a new chat."""

    theme: str = "specdec-dark"
    """Colour theme, by its name; `/theme` in the app lists them."""
    remote: Literal["auto", "yes", "no"] = "auto"
    """Whether the terminal is far away, which asks for fewer frames; `auto`: over SSH and mosh."""
    ascii: Literal["auto", "yes", "no"] = "auto"
    """Whether to draw with ASCII characters alone; `auto`: where the locale has no others."""
    stats_per_second: Annotated[float, Field(gt=0, le=60)] = 10
    """How often the stats bar is repainted; over SSH at most twice."""

    # which of them were given as flags; no option
    given: frozenset[str] = field(default=frozenset(), repr=False, compare=False)

    def pair(self) -> tuple[str, str]:
        """The target and the draft that are meant: "" the bundled target, `auto` the draft that
        belongs to the target. `demo` counts over what is configured, not over a flag for one of
        the two."""
        target, draft = self.target, self.draft or "auto"
        if self.demo and not self.is_given("target"):
            target = ""
            if draft not in ("none", "lookup") and not self.is_given("draft"):
                draft = "auto"
        return target, draft

    def is_given(self, name: str) -> bool:
        """Whether a flag says so, and not that it is off."""
        return name in self.given and bool(getattr(self, name))

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


DEFAULTS: dict[str, Any] = {
    option.name: [] if option.default is MISSING else option.default
    for option in fields(Settings)
    if option.name != "given"
}
"""The options' names, in their order, and what they are where nobody says otherwise."""


def config_path() -> Path:
    """The configuration file: `$SPECDEC_CONFIG`, else `config.toml` in the user's config folder."""
    override = os.environ.get(ENV_PREFIX + "CONFIG")
    return Path(override) if override else user_config_path("specdec-tui") / "config.toml"


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


def parsed_toml(text: str) -> dict[str, Any] | None:
    """What a TOML document means; None where it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


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


def source_of(settings: Settings, name: str, file: Collection[str] | None = None) -> Source:
    """Where the value of a setting comes from; `file`: what config.toml sets, where that was read
    already. Raises SpecdecError where the file is broken."""
    if name in settings.given:
        return "command line"
    if os.environ.get(ENV_PREFIX + name.upper()):
        return "environment"
    return "file" if name in (read_toml(config_path()) if file is None else file) else "default"


def origin(key: str, flags: Collection[str]) -> str:
    """What sets an option, as it is called in a sentence; `flags` are the options given as such."""
    if key in flags:
        return "--" + key.replace("_", "-")
    variable = ENV_PREFIX + key.upper()
    return variable if os.environ.get(variable) else f"{config_path()}: {shown(key)}"


def absent(settings: Settings) -> list[str]:
    """What the settings name and is not there, though nothing fails for want of it; a sentence
    each. Looks at the disk."""
    sentences = []
    override = os.environ.get(ENV_PREFIX + "CONFIG")
    if override and not Path(override).exists():
        sentences.append(
            f"{ENV_PREFIX}CONFIG: there is no file {shown(override)}; nothing is set by it."
        )
    where = origin("models_dirs", settings.given)
    for folder in settings.models_dirs:
        if not is_folder(expanded(folder)):
            sentences.append(f"{where}: there is no folder {shown(str(folder))}; it is left out.")
    return sentences
