"""Counting what a reply took, and what the target alone takes at a like depth of context."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from statistics import fmean

from core.engine.decode import Round
from core.protocol import ReplyStats

_SAMPLES = 32
_SAMPLES_ENOUGH = 6


class Baseline:
    """Seconds of the target's one-token rounds in this session, by depth of context.

    Depths are alike within a factor of two. Means, as a reply's own speed is one, but for the
    slowest and the fastest few, so that a hiccup of the machine counts little.
    """

    def __init__(self) -> None:
        self._seconds: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=_SAMPLES))
        self._means: dict[int, float] = {}

    def record(self, depth: int, seconds: float) -> None:
        """A one-token round at `depth` tokens of context took so long."""
        self._seconds[_bucket(depth)].append(seconds)
        self._means.pop(_bucket(depth), None)

    def seconds(self, depth: int) -> float | None:
        """What a token takes the target alone at `depth`; None where not measured enough."""
        if not self.known(depth):
            return None
        bucket = _bucket(depth)
        if bucket not in self._means:  # asked for after every round
            samples = sorted(self._seconds[bucket])
            n_cut = len(samples) // 8
            self._means[bucket] = fmean(samples[n_cut : len(samples) - n_cut])
        return self._means[bucket]

    def known(self, depth: int) -> bool:
        """Whether the target alone was measured enough at `depth`."""
        return len(self._seconds[_bucket(depth)]) >= _SAMPLES_ENOUGH


def _bucket(depth: int) -> int:
    return max(depth, 256).bit_length()


@dataclass(slots=True)
class Tally:
    """Running totals of one reply."""

    n_prompt: int = 0
    started: float = 0.0
    """When the reply was asked for, as time.perf_counter() has it; so are all times here."""
    n_reused: int = 0
    n_prefilled: int = 0
    prefill_s: float = 0.0
    n_tokens: int = 0
    n_rounds: int = 0
    n_drafted: int = 0
    n_accepted: int = 0
    draft_len: int = 0
    drafter: str = "none"
    first_text: float | None = None
    first_round: float | None = None
    n_first_round: int = 0
    last_round: float = 0.0
    n_compared: int = 0
    alone_s: float = 0.0
    """What so many of the tokens after the first round's take, or would have taken, the target
    alone. Summed up where they are, for it becomes slower with the depth: a long reply must not
    be compared with the target as slow as it is at the reply's end."""
    at_most_s: float = 0.0
    """What they would have taken it at most, by the rounds themselves: see `compare`."""
    proposed_at: list[int] = field(default_factory=list)
    accepted_at: list[int] = field(default_factory=list)

    def prefilled(self, n_reused: int, n_prefilled: int, seconds: float) -> None:
        """Of the prompt, `n_reused` tokens were in the cache and the others took so long."""
        self.n_reused, self.n_prefilled, self.prefill_s = n_reused, n_prefilled, seconds

    def add(self, round_: Round, now: float) -> None:
        """Count a round that ended at `now`."""
        n_drafted = len(round_.drafted)
        self.n_tokens += len(round_.tokens)
        self.n_rounds += 1
        self.n_drafted += n_drafted
        self.n_accepted += round_.n_accepted
        if round_.plan.length is not None:
            self.draft_len = round_.plan.length
        self.drafter = round_.drafter
        while len(self.proposed_at) < n_drafted:
            self.proposed_at.append(0)
            self.accepted_at.append(0)
        for position in range(n_drafted):
            self.proposed_at[position] += 1
            self.accepted_at[position] += position < round_.n_accepted
        if self.first_round is None:
            self.first_round, self.n_first_round = now, len(round_.tokens)
        self.last_round = now

    def compare(self, round_: Round, alone_s: float, at_most_s: float) -> None:
        """The tokens of a round, counted already, would have taken the target alone `alone_s`, as
        it was measured, and at most `at_most_s`, as far as the round itself tells.

        For a batch of several tokens never costs less than one token does at that moment. While
        others use the machine, the target alone may have been measured at a worse moment than the
        reply had; summed up, so that chance evens out, the bound holds a speed-up to what the
        tokens of a round allow.
        """
        if self.n_rounds > 1:
            self.n_compared += len(round_.tokens)
            self.alone_s += alone_s
            self.at_most_s += at_most_s

    def snapshot(self) -> ReplyStats:
        """The totals under their public names.

        `decode_tok_s` leaves out the first round, all of whose tokens came at the same moment.
        """
        decode_tok_s = speedup = baseline_tok_s = None
        alone_s = min(self.alone_s, self.at_most_s)
        if alone_s > 0:
            baseline_tok_s = self.n_compared / alone_s
        if self.first_round is not None and self.last_round > self.first_round:
            n = self.n_tokens - self.n_first_round
            decode_tok_s = n / (self.last_round - self.first_round)
            if baseline_tok_s and self.drafter != "none":
                speedup = decode_tok_s / baseline_tok_s
        return ReplyStats(
            n_prompt=self.n_prompt,
            n_reused=self.n_reused,
            n_prefilled=self.n_prefilled,
            n_tokens=self.n_tokens,
            n_rounds=self.n_rounds,
            n_drafted=self.n_drafted,
            n_accepted=self.n_accepted,
            acceptance_rate=self.n_accepted / self.n_drafted if self.n_drafted else None,
            accepted_per_position=[
                round(a / p, 4) for a, p in zip(self.accepted_at, self.proposed_at, strict=True)
            ],
            tokens_per_round=self.n_tokens / self.n_rounds if self.n_rounds else None,
            ttft_s=None if self.first_text is None else self.first_text - self.started,
            prefill_tok_s=self.n_prefilled / self.prefill_s if self.n_prefilled else None,
            decode_tok_s=decode_tok_s,
            baseline_tok_s=baseline_tok_s,
            n_compared=self.n_compared,
            alone_s=alone_s,
            speedup=speedup,
            draft_len=self.draft_len,
            drafter=self.drafter,
        )
