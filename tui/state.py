"""What the screen shows of the engine, kept up to date by its events. No Textual here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from core.protocol import (
    DeviceMemory,
    DraftChanged,
    DrafterInfo,
    EngineDied,
    Failed,
    Finished,
    Forecast,
    Loaded,
    ModelInfo,
    Progress,
    ReplyStats,
    Stage,
)
from tui import figures
from tui.choices import draft_key
from tui.feed import FeedItem, Rounds
from tui.sanitize import clean_line
from tui.scores import Scores

if TYPE_CHECKING:
    from tui.experiment import Experiment

Tone = Literal["quiet", "busy", "notice", "failure"]
RATE_SAMPLES = 120
STAGE_WORDS: dict[Stage, str] = {
    "load_target": "load target",
    "load_draft": "load draft",
    "prefill": "prefill",
}


@dataclass
class EngineState:
    """The models in use, the reply in progress and its figures."""

    target: ModelInfo | None = None
    drafter: DrafterInfo | None = None
    wanted_draft: str = ""
    """Key of a draft that was asked for and is not in use yet."""
    stage: Stage | None = None
    fraction: float = 0.0
    reply_id: str | None = None
    stopping: bool = False
    held: bool = False
    """A message waits for the models."""
    trouble: str = ""
    """Short name of what keeps the engine from answering."""
    stats: ReplyStats | None = None
    n_ctx_used: int = 0
    paused: bool = False
    reason: str = ""
    forecast: Forecast | None = None
    """The governor's latest one."""
    scores: Scores = field(default_factory=Scores)
    rates: list[float] = field(default_factory=list)
    """tok/s between the events of replies, oldest first."""
    rate_top: float = 0.0
    """Top of the scale of the rates; it never falls within a chat."""
    memory: list[DeviceMemory] = field(default_factory=list)
    """What the engine last said of its devices."""
    experiment: Experiment | None = None
    """The last exchange of the draft in this chat."""

    @property
    def draft_in_use(self) -> str:
        return draft_key(self.drafter) if self.drafter else "none"

    @property
    def replying(self) -> bool:
        return self.reply_id is not None

    def begin_reply(self, reply_id: str) -> None:
        self.reply_id, self.stopping, self.stats = reply_id, False, None
        self.paused, self.reason, self.forecast = False, "", None

    def new_chat(self) -> None:
        self.stats, self.n_ctx_used, self.paused, self.reason = None, 0, False, ""
        self.scores, self.rates, self.forecast = Scores(), [], None
        self.rate_top, self.experiment = 0.0, None

    def apply(self, item: FeedItem) -> None:
        """Take over what an event says."""
        match item:
            case Progress():
                self.stage, self.fraction = item.stage, item.fraction
            case Loaded():
                if self.target and self.target.path != item.target.path:
                    self.new_chat()  # what was measured with another target says nothing of this
                self.target, self.drafter = item.target, item.drafter
                self.stage, self.trouble, self.wanted_draft = None, "", ""
                self.experiment, self.memory = None, item.memory
            case DraftChanged():
                self.memory = item.memory
                self._begin_experiment(draft_key(item.drafter))
                self.drafter = item.drafter
                self._draft_settled(draft_key(item.drafter))
            case Rounds() if item.id == self.reply_id:
                self._take_rounds(item)
            case Finished() if item.id == self.reply_id:
                self._take_end(item)
            case Failed():
                self._take_failure(item)
            case EngineDied():
                self.stage, self.reply_id, self.stopping = None, None, False
                self.wanted_draft = ""
                self.trouble = "engine ended"

    def _take_rounds(self, item: Rounds) -> None:
        last = item.last
        if self.stage == "prefill":
            self.stage = None
        self.stats, self.n_ctx_used = last.stats, last.n_ctx_used
        self.paused, self.reason = last.paused, clean_line(last.reason, 60)
        self.forecast = last.forecast or self.forecast
        self._sample(self.scores.record(item.id, self.draft_in_use, last.stats, item.n_first))

    def _sample(self, rate: float | None) -> None:
        if rate is not None:
            self.rates = [*self.rates[-RATE_SAMPLES + 1 :], rate]
            self.rate_top = max(self.rate_top, figures.ceiling(rate))

    def _begin_experiment(self, after: str) -> None:
        if after != self.draft_in_use:
            from tui.experiment import begin

            self.experiment = begin(self.scores, self.draft_in_use, after)

    def _take_end(self, item: Finished) -> None:
        self.stats, self.n_ctx_used = item.stats, item.n_ctx_used
        self.reply_id, self.stopping, self.memory = None, False, item.memory
        self._sample(self.scores.close(item.id))
        if self.stage == "prefill":
            self.stage = None

    def _take_failure(self, item: Failed) -> None:
        if item.id is not None and item.id == self.reply_id:
            self.reply_id, self.stopping = None, False
        if item.command == "set_draft":
            self._draft_settled("")
        elif item.command == "load":
            self.trouble = "not loaded"
        if not (self.stage == "prefill" and self.replying):
            self.stage = None

    def _draft_settled(self, key: str) -> None:
        if not key or key == self.wanted_draft:
            self.wanted_draft = ""
        if self.stage == "load_draft" and not self.wanted_draft:
            self.stage = None


def status(state: EngineState) -> tuple[str, Tone]:
    """The status in a few words, and how it should look."""
    if state.stage:
        return f"{STAGE_WORDS[state.stage]} {state.fraction * 100:.0f}%", "busy"
    if state.stopping:
        return "stopping", "busy"
    if state.replying:
        return _reply_status(state, state.stats) if state.stats else ("prefill", "busy")
    if state.trouble:
        return state.trouble, "failure"
    return ("ready", "quiet") if state.target else ("starting engine", "busy")


def _reply_status(state: EngineState, stats: ReplyStats) -> tuple[str, Tone]:
    if state.paused:  # the panel has room for the whole sentence
        return state.reason.replace("would run at ", "") or "paused", "notice"
    if state.draft_in_use == "none":
        return "no draft", "busy"
    if state.reason.startswith(("drafting", "looking up")):
        return state.reason, "busy"
    if state.reason.startswith("measuring"):
        return "measuring", "busy"
    if state.reason.startswith("nothing"):
        return "no match", "busy"
    return f"drafting {stats.draft_len}", "busy"
