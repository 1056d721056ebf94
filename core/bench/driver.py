"""The engine process as a benchmark drives it: one command, one answer, failures as exceptions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, TypeVar

from core.client import EngineClient
from core.errors import SpecdecError
from core.protocol import (
    ChatMessage,
    Costs,
    DraftChanged,
    DraftChoice,
    DrafterInfo,
    Event,
    Finished,
    Generate,
    Load,
    Loaded,
    MeasureCosts,
    ReplyStats,
    Round,
    Sampling,
    SetDraft,
    SetDraftLen,
)

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class EngineReply:
    """A finished reply. `wall_s` runs from the command to the last event, prefill included;
    `rounds` are the totals after each round."""

    text: str
    stats: ReplyStats
    rounds: tuple[ReplyStats, ...]
    wall_s: float

    def tok_s_after(self, n_tokens: int) -> float | None:
        """Tokens per second after the round that brought the reply to `n_tokens` tokens; None where
        no round came after it. 0: after the first round."""
        if n_tokens == 0:
            return self.stats.decode_tok_s
        begun = next((r for r in self.rounds if r.n_tokens >= n_tokens), None)
        if begun is None or self.stats.decode_tok_s is None:
            return None
        n_first = self.rounds[0].n_tokens
        seconds = (self.stats.n_tokens - n_first) / self.stats.decode_tok_s
        if begun.decode_tok_s:
            seconds -= (begun.n_tokens - n_first) / begun.decode_tok_s
        n = self.stats.n_tokens - begun.n_tokens
        return n / seconds if n and seconds > 0 else None


class EngineDriver:
    """An engine process for the length of a `with` block, its models loaded all the while.

    Every method raises SpecdecError where the engine says that it failed, or dies.
    """

    def __init__(self) -> None:
        self._client = EngineClient()

    async def __aenter__(self) -> EngineDriver:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.close()

    async def load(self, command: Load) -> Loaded:
        """Load target and draft; a draft that cannot be loaded is a failure here."""
        await self._client.send(command)
        loaded = await self._next(Loaded)
        if loaded.notice and command.draft.kind != "none":
            raise SpecdecError(loaded.notice, "draft")
        return loaded

    async def use(self, draft: DraftChoice, draft_len: int | Literal["auto"]) -> DrafterInfo:
        """Exchange drafter and draft length; what was loaded stays loaded."""
        await self._client.send(SetDraft(draft=draft))
        changed = await self._next(DraftChanged)
        await self._client.send(SetDraftLen(draft_len=draft_len))
        return changed.drafter

    async def reply(
        self, messages: tuple[ChatMessage, ...], sampling: Sampling, max_tokens: int
    ) -> EngineReply:
        """Generate one reply of at most `max_tokens` tokens."""
        started = time.perf_counter()
        command = Generate(
            id="bench", messages=list(messages), sampling=sampling, max_tokens=max_tokens
        )
        await self._client.send(command)
        rounds: list[ReplyStats] = []
        while True:
            match await self._client.next_event():
                case Round(stats=stats):
                    rounds.append(stats)
                case Finished() as finished:
                    wall_s = time.perf_counter() - started
                    return EngineReply(finished.text, finished.stats, tuple(rounds), wall_s)

    async def costs(self) -> Costs:
        """Measure what batches cost on target and draft."""
        await self._client.send(MeasureCosts())
        return await self._next(Costs)

    async def _next(self, kind: type[E]) -> E:
        while True:
            event = await self._client.next_event()
            if isinstance(event, kind):
                return event
