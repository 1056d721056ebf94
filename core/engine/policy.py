"""When a draft pays: pure arithmetic on costs and chances.

Notation of the papers (Leviathan et al. 2023): γ tokens are drafted; a_k is the chance that the
k-th is kept, given that those before it were; S_k = a_1 … a_k. A round of length γ yields
1 + S_1 + … + S_γ tokens and costs h + γ·t_draft + v(γ+1) seconds, where v is measured, never
assumed, and h is what a round costs besides.

λ is the best rate in reach (tokens per second). A step pays when the tokens it is expected to bring
exceed λ times the seconds it takes; at the best λ this rule earns exactly λ (Dinkelbach 1967).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from operator import mul

Floats = Sequence[float]
SELDOM = 1e-3
"""A confidence that is met less often has no say."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Seconds: `v[n]` a batch of n tokens on the target (index 0 unused), `t_draft` a draft step,
    `h` a round's own overhead."""

    v: Sequence[float]
    t_draft: float
    h: float = 0.0


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do in the rounds to come.

    `go_on[k]`: with k tokens drafted, draft another while their joint chance is above it.
    `rates[γ]`: predicted tokens per second of a fixed length γ; `rate`: of this policy.
    `best_fixed`: the length with the highest rate; `best_draft`: the same without length 0.
    `can_pay`: whether drafting would pay if the draft were always right; `could_pay`: if it were
    as right as is expected, and a batch cost no more than one token.
    """

    rates: list[float]
    rate: float
    go_on: list[float]
    prices: Prices
    best_fixed: int
    best_draft: int
    can_pay: bool
    could_pay: bool

    def worth_verifying(self, joint: Sequence[float]) -> int:
        """How many of the drafted tokens to verify, given the chance of each that it is kept with
        all before it: the last ones may cost the target more time than they are likely to bring.
        """
        best, best_value, expected = 0, -self.rate * self.prices.v[1], 0.0
        for k, chance in enumerate(joint, 1):
            expected += chance
            value = expected - self.rate * self.prices.v[k + 1]
            if value > best_value:
                best, best_value = k, value
        return best


def best_draft(prices: Prices, chances: Sequence[float], rate: float) -> tuple[int, float, float]:
    """How much to verify of a draft that is there already, whose tokens have these chances (one at
    least): the length n ≥ 1 with the largest E_n − λ·seconds, E_n, and the seconds of the round."""
    best, best_value, joint, expected = (1, 0.0, 0.0), -inf, 1.0, 1.0
    for n, chance in enumerate(chances, 1):
        joint *= chance
        expected += joint
        seconds = prices.h + prices.v[n + 1]
        if expected - rate * seconds > best_value:
            best, best_value = (n, expected, seconds), expected - rate * seconds
    return best


def make_policy(
    prices: Prices, chances: Sequence[float], first: Sequence[tuple[float, float]] = ()
) -> Policy:
    """The policy for drafts of up to `len(chances)` tokens.

    `chances[k]`: a_{k+1}. `first`: distribution of what is known after the first draft step, as
    (weight, chance that it is kept); empty where a drafter says nothing about its confidence.
    """
    n = len(chances)
    v = prices.v[1 : n + 2]  # v[γ]: verifying γ drafted tokens
    survival = list(accumulate(chances, mul, initial=1.0))  # S_0 … S_n
    expected = list(accumulate(survival))  # tokens of a round of length γ
    seconds = [prices.h + k * prices.t_draft + v[k] for k in range(n + 1)]
    rates = [tokens / s for tokens, s in zip(expected, seconds, strict=True)]
    rate = max(rates)
    if first and n:
        for _ in range(2):
            better = _rate_after_a_look(prices, v, expected, first, rate)
            if better <= rate:
                break
            rate = better
    best_fixed = rates.index(max(rates))
    return Policy(
        rates=rates,
        rate=rate,
        go_on=_thresholds(prices, v, survival, expected, rate),
        prices=prices,
        best_fixed=best_fixed,
        best_draft=rates.index(max(rates[1:]), 1) if n else 0,
        can_pay=max((k + 1) / s for k, s in enumerate(seconds)) > rates[0],
        could_pay=max(
            tokens / (prices.h + k * prices.t_draft + v[0]) for k, tokens in enumerate(expected)
        )
        > rates[0],
    )


def _thresholds(
    prices: Prices, v: Floats, survival: Floats, expected: Floats, rate: float
) -> list[float]:
    """The least joint chance with which going on from k drafted tokens can pay, for the best m > k:
    S·(expected_m − expected_k) / S_k > λ·((m − k)·t_draft + v_m − v_k)."""
    worth = [rate * (k * prices.t_draft + seconds) for k, seconds in enumerate(v)]
    thresholds = []
    for k, (here, so_far) in enumerate(zip(worth, expected, strict=True)):
        beyond = zip(worth[k + 1 :], expected[k + 1 :], strict=True)
        prices_of_a_token = [(w - here) / (tokens - so_far + 1e-12) for w, tokens in beyond]
        thresholds.append(min(prices_of_a_token, default=inf) * max(survival[k], 1e-12))
    return thresholds


def _rate_after_a_look(
    prices: Prices,
    v: Floats,
    expected: Floats,
    first: Sequence[tuple[float, float]],
    rate: float,
) -> float:
    """Tokens per second of: draft one token, look at the draft's confidence, then either forget it
    or go on to the length that is best by `rate`. One step of Dinkelbach's iteration."""
    # beyond the target's own: tokens for a first one that is certain, and seconds, by length m ≥ 1
    sure = max(expected[1] - 1.0, 1e-12)
    tokens = [(e - 1.0) / sure for e in expected[1:]]
    seconds = [m * prices.t_draft + cost - v[0] for m, cost in enumerate(v[1:])]
    price = [rate * s for s in seconds]
    e_tokens, e_seconds = 1.0, prices.h + prices.t_draft + v[0]
    for weight, chance in first:
        if weight < SELDOM:
            continue
        values = [chance * t - p for t, p in zip(tokens, price, strict=True)]
        best = max(values)
        if best > 0:
            m = values.index(best)
            e_tokens += weight * chance * tokens[m]
            e_seconds += weight * seconds[m]
    return e_tokens / e_seconds
