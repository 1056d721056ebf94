"""An engine that is made up: it answers a comparison's commands at once, as it is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.protocol import (
    ChatMessage,
    Command,
    DraftChanged,
    DrafterInfo,
    Event,
    Failed,
    Finished,
    FinishReason,
    Generate,
    ModelInfo,
    Progress,
    ReplyStats,
    Round,
    SetDraft,
    TokenInfo,
)
from core.settings import Settings
from tui.choices import NONE, DraftOption
from tui.comparison import Comparison
from tui.feed import FeedItem, coalesce
from tui.lineup import plan_for

GOOD = DraftOption("model", "good", "/m/good.gguf")
POOR = DraftOption("model", "poor", "/m/poor.gguf")
TEXT = "The fox ran home."
PROMPT = (ChatMessage(role="user", content="a fox?"),)


@dataclass
class Engine:
    """Answers commands at once, at rates and with texts that are given by draft."""

    rates: dict[str, float]
    texts: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    n_tokens: int = 100
    now: float = 0.0
    in_use: str = GOOD.key
    commands: list[Command] = field(default_factory=list)
    passed_on: list[FeedItem] = field(default_factory=list)
    """What the chat heard."""
    hook: Callable[[Command], Any] = lambda _command: None

    def send(self, command: Command) -> None:
        self.commands.append(command)

    def run(self, comparison: Comparison) -> None:
        """Until there is nothing to do."""
        comparison.start()
        done = 0
        while done < len(self.commands):
            command = self.commands[done]
            done += 1
            self.hook(command)
            for event in self.answers(command):
                self.hand(comparison, event)

    def hand(self, comparison: Comparison, *events: Event) -> None:
        for item in coalesce(events):
            if not comparison.take(item):
                self.passed_on.append(item)

    def answers(self, command: Command) -> list[Event]:
        match command:
            case SetDraft(draft=draft):
                key = draft.path or draft.kind
                if key in self.broken:
                    return [Failed(command="set_draft", message=self.broken[key])]
                self.in_use = key
                return [Progress(stage="load_draft", fraction=0.5), DraftChanged(drafter=info(key))]
            case Generate():
                return self.reply(command)
        return []

    def reply(self, command: Generate) -> list[Event]:
        n = min(self.n_tokens, command.max_tokens)
        tok_s = self.rates[self.in_use]
        self.now += n / tok_s
        text = self.texts.get(self.in_use, TEXT)
        return [
            Progress(stage="prefill", fraction=1.0, id=command.id),
            round_of(command.id, text, totals(n, tok_s, self.in_use)),
            finished(command.id, text, totals(n, tok_s, self.in_use)),
        ]


def info(key: str) -> DrafterInfo:
    kind = key if key in ("none", "lookup") else "model"
    numbers = dict.fromkeys(
        ("n_params", "size_bytes", "n_ctx", "n_ctx_train", "n_vocab", "n_layers", "n_layers_gpu"), 1
    )
    model = ModelInfo(path=key, name="n", description="d", devices=[], **numbers)
    return DrafterInfo(kind=kind, name=key, model=model if kind == "model" else None)


def totals(n: int, tok_s: float, key: str = "none") -> ReplyStats:
    n_drafted = 0 if key == "none" else 50
    return ReplyStats(
        n_tokens=n, n_rounds=50, n_drafted=n_drafted, n_accepted=n_drafted // 2, decode_tok_s=tok_s
    )


def round_of(id: str, text: str, stats: ReplyStats) -> Round:
    return Round(
        id=id,
        text=text,
        tokens=[TokenInfo(id=ord(letter), origin="target") for letter in text],
        rejected=[],
        n_drafted=0,
        n_accepted=0,
        draft_s=0.0,
        verify_s=0.0,
        n_ctx_used=10,
        stats=stats,
    )


def finished(id: str, text: str, stats: ReplyStats, reason: FinishReason = "length") -> Finished:
    return Finished(id=id, finish_reason=reason, text=text, n_ctx_used=12, stats=stats)


def comparison_of(
    engine: Engine, *drafts: DraftOption, prompts: int = 1, **settings: Any
) -> Comparison:
    chosen = Settings(**{"temperature": 0.0} | settings)
    plan = plan_for(chosen, [PROMPT] * prompts, (NONE, *drafts))
    return Comparison(
        plan, chosen, engine.send, lambda: GOOD, engine.in_use, clock=lambda: engine.now
    )


RATES = {"none": 100.0, GOOD.key: 231.0, POOR.key: 97.0, "lookup": 105.0}
