"""One reply from prompt to end: prefill, then rounds until something ends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.engine.choice import Chooser
from core.engine.decode import Round, speculate
from core.engine.session import Session
from core.engine.stats import Tally
from core.engine.text import TextStream
from core.protocol import ChatMessage, FinishReason, ReplyStats, Sampling

CHUNK_S = 0.5
FIRST_CHUNK, MIN_CHUNK = 128, 32


@dataclass(frozen=True, slots=True)
class Prefilled:
    """How far the prompt is: from 0 to 1."""

    fraction: float


@dataclass(frozen=True, slots=True)
class Grown:
    """A round, and the text that became whole with it."""

    round: Round
    text: str
    n_ctx_used: int
    totals: Callable[[], ReplyStats]
    """The totals so far; to be asked for before the next step is taken."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of the reply, with the whole text."""

    finish_reason: FinishReason
    text: str
    n_ctx_used: int
    stats: ReplyStats


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends a reply beside the model itself. `max_tokens` 0: only the context does."""

    max_tokens: int = 0
    stop: tuple[str, ...] = ()


def chunk_size(n_done: int, seconds: float, n_batch: int) -> int:
    """Tokens of the next prefill chunk: as many as take CHUNK_S at the speed seen so far, for a
    chunk cannot be interrupted."""
    if seconds == 0:
        return min(FIRST_CHUNK, n_batch)
    return max(MIN_CHUNK, min(n_batch, int(n_done / seconds * CHUNK_S)))


class Reply:
    """Makes one reply; `steps` yields what happens, and is left between rounds for commands."""

    def __init__(
        self,
        session: Session,
        messages: list[ChatMessage],
        sampling: Sampling,
        limits: Limits,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._session = session
        self._limits = limits
        self._cancelled = cancelled
        self._chooser = Chooser(sampling, sampling.verify, session.ways)
        self._text = TextStream(limits.stop)
        self._parts: list[str] = []
        started = time.perf_counter()
        self._tokens = session.tokenize_chat(messages)
        self._tally = Tally(n_prompt=len(self._tokens), started=started)

    def steps(self) -> Iterator[Prefilled | Grown | Ended]:
        """Prefilled…, then Grown per round, then Ended, once each reply."""
        yield from self._prefill()
        if self._cancelled():
            yield self._end("cancelled")
            return
        self._session.governor.begin_reply()
        drafter, alone = self._session.drafter, 0
        previous = time.perf_counter()
        while True:
            if drafter is not self._session.drafter:  # exchanged between two rounds
                drafter = self._session.drafter
                drafter.begin(self._tokens, lambda _done: not self._cancelled())
                previous = time.perf_counter()
            round_ = self._round()
            now = time.perf_counter()
            depth, seconds = len(self._tokens), now - previous
            alone = 0 if round_.proposal.tokens else alone + 1
            if alone > 1:  # the first one after a longer batch pays for the change
                self._session.baseline.record(depth, seconds)
            self._session.governor.record(round_, depth=depth, wall_s=seconds)
            grown = self._grow(round_, now)
            previous = now
            yield grown
            if reason := self._finish_reason(round_):
                yield self._end(reason)
                return

    def _prefill(self) -> Iterator[Prefilled]:
        """Bring both caches up to all but the last token of the prompt; that one is decoded with
        the first proposals."""
        target, tokens, tally = self._session.target, self._tokens, self._tally
        tally.n_reused = target.keep(tokens[:-1])
        missing = tokens[tally.n_reused : -1]
        while tally.n_prefilled < len(missing):
            if self._cancelled():
                return
            started = time.perf_counter()
            size = chunk_size(tally.n_prefilled, tally.prefill_s, target.context.n_batch)
            chunk = missing[tally.n_prefilled : tally.n_prefilled + size]
            target.extend(chunk, 0)
            tally.n_prefilled += len(chunk)
            tally.prefill_s += time.perf_counter() - started
            yield Prefilled(tally.n_prefilled / len(missing))
        self._session.drafter.begin(tokens, lambda _done: not self._cancelled())

    def _round(self) -> Round:
        session, tokens = self._session, self._tokens
        n_left = session.target.n_ctx
        if self._limits.max_tokens:
            n_left = self._limits.max_tokens - self._tally.n_tokens
        plan = session.governor.plan(
            drafter=session.drafter.name,
            kind=session.drafter.kind,
            depth=len(tokens),
            # a round yields one token more than it drafts, and drafts must fit into the context
            n_max=min(session.n_draft_max(), n_left - 1, session.target.n_ctx - len(tokens)),
            baseline_known=session.baseline.known(len(tokens)),
        )
        return speculate(
            session.target, session.drafter, tokens, plan, self._chooser, session.model.is_eog
        )

    def _grow(self, round_: Round, now: float) -> Grown:
        model, tally = self._session.model, self._tally
        text = self._text.feed(b"".join([model.piece(t) for t in round_.tokens]))
        tally.add(round_, now)
        if text:
            self._parts.append(text)
            if tally.first_text is None:
                tally.first_text = time.perf_counter()
        return Grown(round_, text, len(self._tokens), self._stats)

    def _finish_reason(self, round_: Round) -> FinishReason | None:
        if self._text.stopped or self._session.model.is_eog(round_.tokens[-1]):
            return "stop"
        if 0 < self._limits.max_tokens <= self._tally.n_tokens:
            return "length"
        if len(self._tokens) > self._session.target.n_ctx:
            return "context"
        return "cancelled" if self._cancelled() else None

    def _end(self, reason: FinishReason) -> Ended:
        rest = self._text.finish()
        self._parts.append(rest)
        text = "".join(self._parts)
        if self._tally.n_tokens and not self._text.stopped:
            self._session.remember_reply(text, self._tokens)
        return Ended(reason, text, len(self._tokens), self._stats())

    def _stats(self) -> ReplyStats:
        return self._tally.snapshot(self._session.baseline.tok_s(len(self._tokens)))
