"""What may cross the queue between the app and the engine process: commands in, events out.

Every message is one JSON object on one line, told apart by its `type`. A person can drive
`python -m core.worker` by hand. The names of statistics are the ones the command line prints.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from core.message import Message

Stage = Literal["load_target", "load_draft", "prefill"]
FinishReason = Literal["stop", "length", "context", "cancelled", "error"]
DrafterKind = Literal["model", "lookup", "none"]
VerifyMode = Literal["exact", "rejection", "auto"]
Origin = Literal["accepted", "corrected", "bonus", "target"]
"""How a token came: a proposal that was kept; the target's own token after a rejected proposal; the
target's own after all proposals were kept; or the target alone, with nothing proposed."""


# ------------------------------------------------------------------ values


class ModelOptions(Message):
    """How one model is loaded. `None` and 0 leave the choice to the engine."""

    n_gpu_layers: int = -1
    """Layers on the GPU; negative: all of them where there is a GPU."""
    n_ctx: int = 0
    """Context in tokens; 0: what the model was trained for, at most 8192."""
    n_batch: int = 512
    """Tokens of a prompt decoded in one call, and the grain of cancelling a prefill."""
    n_threads: int = 0
    """CPU threads; 0: the number of usable cores."""
    cache_type_k: str = "f16"
    cache_type_v: str = "f16"
    flash_attn: Literal["auto", "on", "off"] = "auto"


class DraftChoice(Message):
    """Who proposes tokens: a draft model by path, prompt lookup, or nobody. With `lookup`, prompt
    lookup helps a draft model where the draft length is left to the engine."""

    kind: DrafterKind = "none"
    path: str | None = None
    lookup: bool = True
    options: ModelOptions = ModelOptions()


class Sampling(Message):
    """How the next token is chosen from the target's logits. Temperature 0 takes the largest."""

    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    """How many of the last tokens, the prompt's included, the three penalties count."""
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None
    verify: VerifyMode = "auto"
    """Above temperature 0: exact match, rejection sampling, or (`auto`) what keeps more."""


class ChatMessage(Message):
    role: Literal["system", "user", "assistant"]
    content: str


class ModelInfo(Message):
    """What was loaded, as llama.cpp reports it. All strings are untrusted data."""

    path: str
    name: str
    """As `specdec-tui models` has it."""
    description: str
    n_params: int
    size_bytes: int
    n_ctx: int
    n_ctx_train: int
    n_vocab: int
    n_layers: int
    n_layers_gpu: int
    devices: list[str]
    warnings: list[str] = field(default_factory=list)


class DrafterInfo(Message):
    """The drafter in use; `model` is set for a draft model. `name` is what the screen shows."""

    kind: DrafterKind
    name: str
    model: ModelInfo | None = None
    lookup: bool = False
    """Whether prompt lookup helps the draft model."""

    @property
    def given_as(self) -> str | None:
        """What `--draft` takes for it; None for none."""
        return {"model": self.name, "lookup": "lookup", "none": None}[self.kind]


class TokenInfo(Message):
    """One token of a reply: its id, how it came, and the draft's own probability for it."""

    id: int
    origin: Origin
    p_draft: float | None = None


class TokenPiece(Message):
    """What a token of the target's vocabulary adds to a text: bytes, which may be part of a UTF-8
    character only, each as the character of the same number (Latin-1). A `control` token adds
    nothing; then `piece` is its name, such as `<|im_end|>`. Untrusted data."""

    id: int
    piece: str
    control: bool = False


class DeviceMemory(Message):
    """Bytes of a device's memory: all that is in use on a GPU, by whatever program; of main memory
    (`CPU`) what the engine process holds, the mapped weights included."""

    name: str
    used: int
    total: int


class Forecast(Message):
    """Tokens per second: without a draft, as measured at a like depth of context in this session,
    and as the governor predicts them with what it chose and with the best other draft length."""

    at_zero: float
    at_chosen: float
    other_len: int
    at_other: float


class ReplyStats(Message):
    """Totals of a reply, so far or at its end. `None` means not measured, never a guess.

    `speedup` is None where there is no draft, too. The last token of a prompt is decoded in the
    first round, so `n_prompt` is `n_reused` plus `n_prefilled` plus one.
    """

    n_prompt: int = 0
    n_reused: int = 0
    n_prefilled: int = 0
    n_tokens: int = 0
    n_rounds: int = 0
    n_drafted: int = 0
    n_accepted: int = 0
    acceptance_rate: float | None = None
    accepted_per_position: list[float] = field(default_factory=list)
    tokens_per_round: float | None = None
    ttft_s: float | None = None
    prefill_tok_s: float | None = None
    decode_tok_s: float | None = None
    baseline_tok_s: float | None = None
    """`n_compared` over `alone_s`."""
    n_compared: int = 0
    """Tokens after the first round's at depths at which the target alone was measured."""
    alone_s: float = 0.0
    """Seconds that they take the target alone."""
    speedup: float | None = None
    draft_len: int = 0
    drafter: str = "none"


# ------------------------------------------------------------------ commands


class Load(Message):
    """Load a target (replacing the one in use only once the new one is ready) and its draft."""

    type: Literal["load"] = "load"
    target: str
    options: ModelOptions = ModelOptions()
    draft: DraftChoice = DraftChoice()
    draft_len: int | Literal["auto"] = "auto"


class SetDraft(Message):
    """Exchange the drafter; allowed in mid-reply, where it takes effect between two rounds."""

    type: Literal["set_draft"] = "set_draft"
    draft: DraftChoice


class SetDraftLen(Message):
    """Fix the draft length, or hand it back to the governor."""

    type: Literal["set_draft_len"] = "set_draft_len"
    draft_len: int | Literal["auto"]


class Generate(Message):
    """Answer a conversation. `id` comes back in every event of the reply.

    `messages` must end with a user message, or with an assistant message that is to be continued.
    """

    type: Literal["generate"] = "generate"
    id: str
    messages: list[ChatMessage]
    sampling: Sampling = Sampling()
    max_tokens: int = 0
    """At most so many tokens; 0: as many as the context holds."""
    stop: list[str] = field(default_factory=list)


class MeasureCosts(Message):
    """Measure anew what batches cost on the loaded target and on its draft model."""

    type: Literal["measure_costs"] = "measure_costs"


class Cancel(Message):
    """End the reply `id` after the round (or prefill chunk) that is running."""

    type: Literal["cancel"] = "cancel"
    id: str


class Shutdown(Message):
    """End the engine process. Closing its stdin does the same."""

    type: Literal["shutdown"] = "shutdown"


Command = Load | SetDraft | SetDraftLen | Generate | MeasureCosts | Cancel | Shutdown

# ------------------------------------------------------------------ events


class Ready(Message):
    """The engine process accepts commands. No model is loaded yet."""

    type: Literal["ready"] = "ready"
    pid: int


class Progress(Message):
    """How far a load or a prefill is, from 0 to 1. `id` names the reply while prefilling."""

    type: Literal["progress"] = "progress"
    stage: Stage
    fraction: float
    id: str | None = None


class Loaded(Message):
    """The target and its drafter are ready. The drafter may be none, with the cause in `notice`."""

    type: Literal["loaded"] = "loaded"
    target: ModelInfo
    drafter: DrafterInfo
    notice: str | None = None
    memory: list[DeviceMemory] = field(default_factory=list)


class DraftChanged(Message):
    """The drafter that is in use from now on."""

    type: Literal["draft_changed"] = "draft_changed"
    drafter: DrafterInfo
    memory: list[DeviceMemory] = field(default_factory=list)


class Round(Message):
    """One round of a reply: draft, verify, accept.

    `text` is what became whole with this round (never half a character), with control characters
    removed. `stats` are the totals of the reply up to and including this round. `reason` is the
    governor's, in words fit for the stats bar; `paused` says that it chose not to draft.
    """

    type: Literal["round"] = "round"
    id: str
    text: str
    tokens: list[TokenInfo]
    rejected: list[int]
    """The proposals that were verified and not kept."""
    rejected_p: list[float | None] = field(default_factory=list)
    """The draft's own probability for each of them; empty where it does not say."""
    pieces: list[TokenPiece] = field(default_factory=list)
    """Tokens of this round, rejected ones included, that no round before has named since the target
    was loaded."""
    n_drafted: int
    n_accepted: int
    drafter: str = "none"
    """Who proposed."""
    drafter_kind: DrafterKind = "none"
    draft_s: float
    verify_s: float
    n_ctx_used: int
    paused: bool = False
    reason: str = ""
    forecast: Forecast | None = None
    stats: ReplyStats


class Trimmed(Message):
    """The context was full: the oldest `n_messages` of the conversation, the system prompt not
    counted, are no longer part of what the model reads."""

    type: Literal["trimmed"] = "trimmed"
    id: str
    n_messages: int
    n_ctx: int


class Finished(Message):
    """The reply is over. `text` is the whole of it."""

    type: Literal["finished"] = "finished"
    id: str
    finish_reason: FinishReason
    text: str
    n_ctx_used: int
    stats: ReplyStats
    memory: list[DeviceMemory] = field(default_factory=list)


class Costs(Message):
    """What was measured, in seconds, with an empty context: on the target by the number of tokens
    in the batch, and one step of the draft model (None: there is none)."""

    type: Literal["costs"] = "costs"
    target: dict[int, float]
    draft: float | None = None


class Failed(Message):
    """A command could not be carried out; what was loaded before stays in use.

    `message` is one sentence: what happened, what to do. `id` is set where a reply failed.
    """

    type: Literal["failed"] = "failed"
    command: str
    message: str
    kind: str = "engine"
    id: str | None = None


class EngineDied(Message):
    """The engine process ended unasked. Made by the client; the next command starts a new one."""

    type: Literal["engine_died"] = "engine_died"
    message: str
    cause: str
    log_tail: list[str]


Event = (
    Ready
    | Progress
    | Loaded
    | DraftChanged
    | Round
    | Trimmed
    | Finished
    | Costs
    | Failed
    | EngineDied
)
