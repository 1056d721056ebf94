"""What is loaded and what the caches hold: the target, the drafter in use, the conversation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path

from core.engine.cache import TokenCache
from core.engine.choice import WayRecord
from core.engine.conversation import Conversation
from core.engine.costs import SIZES, CostCurve, CostStore, calibrate, plausible_step, tune_threads
from core.engine.drafters import (
    MAX_DRAFT,
    Drafter,
    ModelDrafter,
    NoDrafter,
    PromptLookupDrafter,
)
from core.engine.governor import AUTO_MAX, Governor
from core.engine.stats import Baseline
from core.errors import SpecdecError
from core.llama.context import Context
from core.llama.devices import build, devices, gpu_memory
from core.llama.model import Model
from core.llama.room import told_of_room
from core.models.compat import compare
from core.models.gguf import read_header
from core.models.header import GgufHeader
from core.models.kinds import require_language_model
from core.models.machine import main_memory_held
from core.models.names import name_of
from core.protocol import DeviceMemory, DraftChoice, DrafterInfo, ModelInfo, ModelOptions

DRAFT_ROWS = 8
"""Logits rows of the draft: one a step; the calibration asks for a few."""
DEVICE_TOP_K = 64
"""A draft on a GPU sends so many of its likeliest tokens instead of a vocabulary of logits."""
CALIBRATION_S = 1.8
MEASURE_S = 20.0
IDLE_S = 5.0
BUSY = 2.0
"""Where a token costs so many times what is known, others use the machine: a batch that is measured
now says nothing of it, and takes its time from them."""
DRAFT_SIZES = (1, 2)
OnProgress = Callable[[float], None]


def _silent(_fraction: float) -> None:
    return None


class Session:
    """A loaded target with its drafter. Whoever loads another one closes this one afterwards."""

    def __init__(
        self,
        path: str,
        options: ModelOptions,
        draft_len: int | Literal["auto"],
        on_progress: OnProgress = _silent,
    ) -> None:
        """Load the target. Raises SpecdecError, and leaves nothing allocated, where it cannot."""
        self.header = read_header(Path(path))
        require_language_model(self.header)
        self._options = options
        self._costs = CostStore(user_cache_path("specdec-tui") / "costs.json")
        with ExitStack() as undo:
            with told_of_room(path, self.header, options) as self._room:
                self.model = Model(path, options, on_progress, self.header)
                undo.callback(self.model.close)
                context = Context(self.model, options, max_rows=MAX_DRAFT + 1)
                undo.callback(context.close)
            self.target = TokenCache(context)
            # known from here on: the file may be gone by the time that they are written down
            self._costs_key = _costs_key(context)
            costs = self._priced(self.target, self._costs_key, SIZES)
            self._free = undo.pop_all()
        self.drafter: Drafter = NoDrafter()
        self.drafters: tuple[Drafter, ...] = (self.drafter,)
        """The drafter in use, and what helps it under `auto`."""
        self.drafter_info = DrafterInfo(kind="none", name="none")
        self.governor = Governor(draft_len, costs)
        self.baseline = Baseline()
        self.is_disturbed = False
        """Whether a draft is loaded beside the reply: what a round takes then says nothing."""
        self.ways: dict[str, WayRecord] = {}
        self._loaded_drafts: dict[DraftChoice, tuple[ModelDrafter, DrafterInfo]] = {}
        self._step_s: dict[str, float] = {}
        """What a step of a draft took when it was loaded, until the governor is told."""
        self.conversation = Conversation(self.model, self.target.n_ctx)

    def close(self) -> None:
        """Free the drafts, the cache and the weights."""
        self.drafter = NoDrafter()
        for drafter, _ in self._loaded_drafts.values():
            drafter.close()
        self._loaded_drafts.clear()
        self.keep_costs()
        self._free.close()

    def forget(self) -> None:
        """Empty the target's cache and drop the measured baseline."""
        self.target.truncate(0)
        self.conversation.forget()
        self.baseline = Baseline()

    def keep_costs(self) -> None:
        """Write down what batches cost here, for the next session."""
        self._costs.save(self._costs_key, self.governor.costs)

    def info(self) -> ModelInfo:
        """The target as the screen shows it."""
        warnings = []
        if self.model.chat_template() is None:
            warnings.append("The model has no chat template; ChatML is used.")
        if self._room:
            warnings.append(self._room)
        return _model_info(self.model, self.target.context, warnings)

    def memory(self) -> list[DeviceMemory]:
        """What is in use of main memory, and of the GPUs where layers are on them."""
        drafts = [info.model for _, info in self._loaded_drafts.values() if info.model]
        on_gpu = self.model.n_layers_gpu or any(draft.n_layers_gpu for draft in drafts)
        return [*main_memory_held(), *(gpu_memory() if on_gpu else [])]

    # -------------------------------------------------------------- drafter

    def make_drafter(
        self, choice: DraftChoice, on_progress: OnProgress = _silent
    ) -> tuple[Drafter, DrafterInfo]:
        """A drafter for this target, without putting it to use. Safe on another thread than the
        one that decodes. Raises SpecdecError with the cause where the two do not fit."""
        if choice.kind == "none":
            return NoDrafter(), DrafterInfo(kind="none", name="none")
        if self.target.context.n_rollback == 0:
            name = name_of(Path(self.model.path))
            raise SpecdecError(
                f"{name} keeps a recurrent state that llama.cpp can neither roll back "
                "nor save, so it runs without a draft.",
                "draft",
            )
        if choice.kind == "lookup":
            return PromptLookupDrafter(), DrafterInfo(kind="lookup", name=PromptLookupDrafter.name)
        drafter, info = self._loaded_drafts.get(_model_of(choice)) or self._load_draft(
            choice, on_progress
        )
        return drafter, replace(info, lookup=choice.lookup)

    def use_drafter(self, drafter: Drafter, info: DrafterInfo, choice: DraftChoice) -> None:
        """Put a drafter to use from the next round on. The draft model used before stays loaded,
        so that switching back is instant; older ones are freed."""
        before = self.drafter
        self.drafter, self.drafter_info = drafter, info
        helped = choice.kind == "model" and choice.lookup
        self.drafters = (drafter, PromptLookupDrafter()) if helped else (drafter,)
        if isinstance(drafter, ModelDrafter):
            if step_s := self._step_s.pop(drafter.name, None):
                one_token = self.governor.costs.table(1, 0)[1]
                size_ratio = drafter.cache.context.model.size_bytes / self.model.size_bytes
                step_s = plausible_step(step_s, one_token, size_ratio)
                self.governor.price_draft(drafter.name, step_s)
            self._loaded_drafts[_model_of(choice)] = (drafter, info)
            for old, (other, _) in list(self._loaded_drafts.items()):
                if other not in (drafter, before) and len(self._loaded_drafts) > 2:
                    other.close()
                    del self._loaded_drafts[old]

    def discard(self, drafter: Drafter) -> None:
        """Free a drafter that was made and is not wanted any more."""
        if not any(drafter is loaded for loaded, _ in self._loaded_drafts.values()):
            drafter.close()

    def n_draft_max(self) -> int:
        """The longest draft that the target can take back again."""
        return min(MAX_DRAFT, self.target.context.n_rollback)

    def _load_draft(
        self, choice: DraftChoice, on_progress: OnProgress
    ) -> tuple[ModelDrafter, DrafterInfo]:
        if choice.path is None:
            raise SpecdecError("A draft model was asked for without its path; name one.", "draft")
        header, warnings = self._fitting(Path(choice.path))
        options = replace(
            choice.options,
            n_ctx=choice.options.n_ctx or self.target.n_ctx,
            n_threads=choice.options.n_threads or self._options.n_threads,
        )
        with ExitStack() as undo:
            model = Model(choice.path, options, on_progress, header)
            undo.callback(model.close)
            # It decodes its guesses one by one, and a snapshot reaches back within one batch only.
            top_k = DEVICE_TOP_K if model.n_layers_gpu else 0
            context = Context(model, options, max_rows=DRAFT_ROWS, n_snapshots=0, top_k=top_k)
            undo.callback(context.close)
            if context.n_rollback == 0:
                raise SpecdecError(
                    f"{name_of(Path(choice.path))} keeps a recurrent state that llama.cpp cannot "
                    "save, so it cannot draft; choose another draft.",
                    "draft",
                )
            name = self._name_apart(model)
            info = _model_info(model, context, warnings)
            cache = TokenCache(context)
            # the governor is at work, perhaps on another thread: it hears of it in `use_drafter`
            priced = self._priced(cache, _costs_key(context), DRAFT_SIZES)
            self._step_s[name] = priced.table(1, 0)[1]
            free = undo.pop_all()
        drafter = ModelDrafter(name, cache, self.model.n_vocab, MAX_DRAFT, free.close)
        return drafter, DrafterInfo(kind="model", name=name, model=info)

    def _fitting(self, path: Path) -> tuple[GgufHeader, list[str]]:
        """The header of a draft that fits the target, and what is to be said against it."""
        header = read_header(path)
        require_language_model(header)
        fit = compare(self.header, header)
        if fit.verdict == "no":
            raise SpecdecError(
                f"{name_of(path)} cannot draft for this target: {fit.cause}; choose a draft of the "
                "same model family.",
                "draft",
            )
        return header, [fit.cause] if fit.verdict == "yes-but" else []

    def _name_apart(self, model: Model) -> str:
        """The draft's name, or its path where another loaded draft has the same."""
        name = name_of(Path(model.path))
        loaded = list(self._loaded_drafts.values())  # at once: another thread may add one
        taken = {d.name for d, info in loaded if info.model}
        return model.path if name in taken else name

    def _priced(self, cache: TokenCache, key: str, sizes: tuple[int, ...]) -> CostCurve:
        """What batches cost: as kept on disk under `key`, if one token still costs about the same,
        or the machine is busy; else measured anew."""
        tune_threads(cache)
        curve = CostCurve()
        if kept := self._costs.load(key):
            times = _times_dearer(cache, kept)
            if 0.8 < times < 1.25 or times > BUSY:
                curve = kept
        if missing := tuple(curve.missing(sizes)):
            curve.add(calibrate(cache, missing, CALIBRATION_S))
            self._costs.save(key, curve)
        return curve

    def measure_in_idle_moment(self) -> bool:
        """Measure one batch size that the calibration at load had no time for, as long as nothing
        was said yet and nobody else uses the machine. False where there is nothing more to do."""
        missing = self.governor.costs.missing(SIZES)
        largest = min(self.target.context.max_rows, self.target.n_ctx // 2)
        if self.target.tokens or not missing or missing[0] > largest:
            return False
        if 1 not in missing and _times_dearer(self.target, self.governor.costs) > BUSY:
            return False
        self.governor.costs.add(calibrate(self.target, (missing[0],), IDLE_S, n_passes=1))
        return missing[0] not in self.governor.costs.missing(SIZES)

    def measure_costs(self) -> tuple[dict[int, float], float | None]:
        """Measure anew, with empty caches, what batches of 1 … AUTO_MAX + 1 tokens cost on the
        target and what a draft step costs (None without a draft model), in seconds."""
        curve = calibrate(self.target, tuple(range(1, AUTO_MAX + 2)), MEASURE_S)
        self.governor.costs = curve
        self.keep_costs()
        step = None
        if isinstance(self.drafter, ModelDrafter):
            step = calibrate(self.drafter.cache, DRAFT_SIZES, CALIBRATION_S).table(1, 0)[1]
            self.governor.price_draft(self.drafter.name, step)
        return curve.measured(), step


def _model_of(choice: DraftChoice) -> DraftChoice:
    """What is loaded for a choice: the same with and without the help of lookup."""
    return replace(choice, lookup=False)


def _times_dearer(cache: TokenCache, known: CostCurve) -> float:
    """What a token costs now over what is known."""
    return calibrate(cache, (1,), CALIBRATION_S).table(1, 0)[1] / known.table(1, 0)[1]


def _costs_key(context: Context) -> str:
    """Everything that the cost of a batch depends on, but the depth of context."""
    stat = Path(context.model.path).stat()
    where = "+".join(d.name for d in devices()) if context.model.n_layers_gpu else "CPU"
    return (
        f"{context.model.path}|{stat.st_size}|{stat.st_mtime_ns}|{where}|"
        f"{context.model.n_layers_gpu}|{context.options_key}|{build()}"
    )


def _model_info(model: Model, context: Context, warnings: list[str]) -> ModelInfo:
    gpus = [d.name for d in devices() if d.type in ("GPU", "IGPU")]
    return ModelInfo(
        path=model.path,
        name=name_of(Path(model.path)),
        description=model.description(),
        n_params=model.n_params,
        size_bytes=model.size_bytes,
        n_ctx=context.n_ctx,
        n_ctx_train=model.n_ctx_train,
        n_vocab=model.n_vocab,
        n_layers=model.n_layers,
        n_layers_gpu=model.n_layers_gpu,
        devices=gpus if model.n_layers_gpu else ["CPU"],
        warnings=warnings,
    )
