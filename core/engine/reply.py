"""One reply from prompt to end: prefill, then rounds until something ends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.engine.choice import Chooser
from core.engine.decode import Round, speculate
from core.engine.drafters import Drafter
from core.engine.governor import AUTO_MAX, Offer
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
class Trimmed:
    """The context was full: so many of the oldest messages are left out from now on, in all."""

    n_messages: int
    n_ctx: int


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


Step = Prefilled | Trimmed | Grown | Ended


class Reply:
    """Makes one reply; `steps` yields what happens, and is left between rounds for commands."""

    def __init__(
        self,
        session: Session,
        messages: list[ChatMessage],
        sampling: Sampling,
        limits: Limits,
        cancelled: Callable[[], bool] = lambda: False,
        asked_at: float | None = None,
    ) -> None:
        """`asked_at`: when it was asked for, as time.perf_counter() has it; None: now."""
        self._session = session
        self._messages = messages
        self._limits = limits
        self._cancelled = cancelled
        self._chooser = Chooser(sampling, sampling.verify, session.ways)
        self._text = TextStream(limits.stop)
        self._parts: list[str] = []
        self._drafters: tuple[Drafter, ...] = ()
        self._offers: list[Offer] = []
        self._n_alone = 0
        """Rounds of the target alone, one after the other until now."""
        started = time.perf_counter() if asked_at is None else asked_at
        prompt = session.conversation.prompt(messages)
        self._n_left_out = prompt.n_left_out
        self._tokens = prompt.tokens
        self._opening = self._unsaid = prompt.opening
        self._text.feed(prompt.half)
        self._tally = Tally(n_prompt=len(self._tokens), started=started)

    def steps(self) -> Iterator[Step]:
        """Prefilled…, then Grown per round, then Ended, once each reply; Trimmed before any prefill
        from which something is missing."""
        if self._n_left_out:
            yield Trimmed(self._n_left_out, self._session.target.n_ctx)
        yield from self._prefill()
        self._session.governor.begin_reply()
        previous = time.perf_counter()
        while True:
            exchanged = self._drafters is not self._session.drafters
            if exchanged and not self._cancelled():
                self._begin_drafting()
                previous = time.perf_counter()
            if self._cancelled():  # perhaps while the caches were filled: they may lack tokens
                yield self._end("cancelled")
                return
            round_ = self._round()
            now = time.perf_counter()
            took, previous = now - previous, now
            yield self._take(round_, now, took)
            reason = self._finish_reason(round_)
            if reason == "context" and self._make_room():
                yield Trimmed(self._n_left_out, self._session.target.n_ctx)
                yield from self._prefill()
                previous = time.perf_counter()
            elif reason:
                yield self._end(reason)
                return

    def _prefill(self) -> Iterator[Prefilled]:
        """Bring both caches up to all but the last token of the text; that one is decoded with the
        first proposals."""
        target, tokens = self._session.target, self._tokens
        n_reused = target.keep(tokens[:-1])
        missing, done, seconds = tokens[n_reused:-1], 0, 0.0
        tally = self._tally if not self._tally.n_tokens else Tally()  # read again: no prompt
        tally.prefilled(n_reused, done, seconds)
        while done < len(missing):
            if self._cancelled():
                return
            started = time.perf_counter()
            chunk = missing[done : done + chunk_size(done, seconds, target.context.n_batch)]
            target.extend(chunk, 0)
            done += len(chunk)
            seconds += time.perf_counter() - started
            tally.prefilled(n_reused, done, seconds)
            yield Prefilled(done / len(missing))
        self._begin_drafting()

    def _make_room(self) -> bool:
        """Leave out the oldest turns, so that the reply can go on; False where that is no help."""
        n_before = len(self._tokens)
        n_reply = self._tally.n_tokens
        prompt = self._session.conversation.make_room(self._messages, n_reply)
        if prompt is None:
            return False
        reply = self._tokens[n_before - n_reply :]
        self._n_left_out, self._tokens = prompt.n_left_out, prompt.tokens + reply
        # so that no position, and with it no noise, comes twice
        self._chooser.n_forgotten += n_before - len(self._tokens)
        return True

    def _begin_drafting(self) -> None:
        self._drafters = self._session.drafters
        for drafter in self._drafters:
            drafter.begin(self._tokens, lambda _done: not self._cancelled())

    def _round(self) -> Round:
        session, tokens = self._session, self._tokens
        n_left = session.target.n_ctx
        if self._limits.max_tokens > 0:
            n_left = self._limits.max_tokens - self._tally.n_tokens
        # a round yields one token more than it drafts, and drafts must fit into the context
        room, n_most = min(n_left - 1, session.target.n_ctx - len(tokens)), session.n_draft_max()
        n_ctx = session.target.n_ctx
        self._offers = [_offer(drafter, tokens, room, n_most, n_ctx) for drafter in self._drafters]
        alone_s = session.baseline.seconds(len(tokens))
        if alone_s is None and session.is_disturbed:  # it cannot be measured now
            alone_s = session.governor.costs.table(1, len(tokens))[1]
        plan = session.governor.plan(self._offers, depth=len(tokens), alone_s=alone_s)
        drafter = self._drafters[plan.by]
        return speculate(session.target, drafter, tokens, plan, self._chooser, session.model.is_eog)

    def _take(self, round_: Round, now: float, seconds: float) -> Grown:
        """Count a round that ended at `now` and took `seconds` in all, and learn from it."""
        session, depth = self._session, len(self._tokens)
        self._n_alone = 0 if round_.proposal.tokens else self._n_alone + 1
        # the first one after a longer batch pays for the change
        alone = self._n_alone > 1
        if alone and not session.is_disturbed:
            session.baseline.record(depth, seconds)
        wall_s = None if session.is_disturbed else seconds
        session.governor.record(round_, self._offers, depth=depth, wall_s=wall_s)
        grown = self._grow(round_, now)
        self._compare(round_, depth, seconds, alone=alone)
        return grown

    def _grow(self, round_: Round, now: float) -> Grown:
        model, tally = self._session.model, self._tally
        text = self._text.feed(b"".join([model.piece(t) for t in round_.tokens]))
        tally.add(round_, now)
        if text:
            self._parts.append(text)
            if tally.first_text is None:
                tally.first_text = time.perf_counter()
        text, self._unsaid = self._unsaid + text, ""
        return Grown(round_, text, len(self._tokens), self._stats)

    def _compare(self, round_: Round, depth: int, seconds: float, *, alone: bool) -> None:
        """Count what the round, which took `seconds`, would have taken the target alone: the same
        where it was alone, so that neither luck nor load makes a reply faster or slower than what
        it was itself."""
        baseline = self._session.baseline
        if alone and baseline.known(depth):
            self._tally.compare(round_, seconds, seconds)
        elif not alone and (known := baseline.seconds(depth)) is not None:
            n = len(round_.tokens)
            self._tally.compare(round_, n * known, n * (seconds - round_.draft_s))

    def _finish_reason(self, round_: Round) -> FinishReason | None:
        if self._text.stopped or self._session.model.is_eog(round_.tokens[-1]):
            return "stop"
        if 0 < self._limits.max_tokens <= self._tally.n_tokens:
            return "length"
        if len(self._tokens) > self._session.target.n_ctx:
            return "context"
        return "cancelled" if self._cancelled() else None

    def _end(self, reason: FinishReason) -> Ended:
        half = b"" if reason == "stop" else self._text.leave_half()
        rest = self._text.finish()
        self._parts.append(rest)
        text = "".join(self._parts)
        if self._tally.n_tokens and not self._text.stopped:
            self._session.conversation.remember_reply(text, self._tokens, half)
        whole = self._opening + text if text else text
        return Ended(reason, whole, len(self._tokens), self._stats())

    def _stats(self) -> ReplyStats:
        return self._tally.snapshot()


def _offer(drafter: Drafter, tokens: list[int], room: int, n_most: int, n_ctx: int) -> Offer:
    """`n_ctx`: the target's; where that is full as well, it is not for the draft's."""
    n_most = min(n_most, drafter.n_max)
    n_max = min(n_most, room, drafter.n_ctx - len(tokens))
    foreseen = drafter.foresee(tokens, min(n_max, AUTO_MAX))
    is_full = drafter.n_ctx <= len(tokens) < n_ctx
    return Offer(drafter.name, drafter.kind, n_max, foreseen, n_most, is_full)
