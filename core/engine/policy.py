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
from math import inf

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
    `can_pay`: whether drafting would pay if the draft were always right.
    """

    rates: list[float]
    rate: float
    go_on: list[float]
    prices: Prices
    best_fixed: int
    best_draft: int
    can_pay: bool

    def worth_verifying(self, chances: Sequence[float]) -> int:
        """How many of the drafted tokens to verify, given the chance of each: the last ones may
        cost the target more time than they are likely to bring."""
        best, best_value, joint, expected = 0, -self.rate * self.prices.v[1], 1.0, 0.0
        for k, chance in enumerate(chances, 1):
            joint *= chance
            expected += joint
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
    v = np.asarray(prices.v[1 : n + 2], float)  # v[γ]: verifying γ drafted tokens
    survival = np.cumprod(np.concatenate([[1.0], np.asarray(chances, float)]))  # S_0 … S_n
    expected = np.cumsum(survival)  # tokens of a round of length γ
    steps = np.arange(n + 1)
    seconds = prices.h + steps * prices.t_draft + v
    rates = expected / seconds
    rate = float(rates.max())
    if first and n:
        for _ in range(2):
            rate = max(rate, _rate_after_a_look(prices, v, survival, expected, first, rate))
    return Policy(
        rates=rates.tolist(),
        rate=rate,
        go_on=_thresholds(prices, v, survival, expected, rate),
        prices=prices,
        best_fixed=int(rates.argmax()),
        best_draft=int(rates[1:].argmax()) + 1 if n else 0,
        can_pay=bool(((steps + 1) / seconds).max() > rates[0]),
    )


def _thresholds(
    prices: Prices, v: Floats, survival: Floats, expected: Floats, rate: float
) -> list[float]:
    """The least joint chance with which going on from k drafted tokens can pay, for the best m > k:
    S·(expected_m − expected_k) / S_k > λ·((m − k)·t_draft + v_m − v_k)."""
    steps = np.arange(len(v))
    cost = rate * (prices.t_draft * (steps - steps[:, None]) + v - v[:, None])
    gain = np.maximum(expected - expected[:, None], 1e-12) / np.maximum(survival, 1e-12)[:, None]
    ratio = np.where(steps > steps[:, None], cost / gain, np.inf)
    thresholds: list[float] = ratio.min(axis=1).tolist()
    return thresholds


def _rate_after_a_look(
    prices: Prices,
    v: Floats,
    survival: Floats,
    expected: Floats,
    first: Sequence[tuple[float, float]],
    rate: float,
) -> float:
    """Tokens per second of: draft one token, look at the draft's confidence, then either forget it
    or go on to the length that is best by `rate`. One step of Dinkelbach's iteration."""
    weights, chances = np.asarray(first, float).T
    steps = np.arange(1, len(v))
    # tokens beyond the target's own, for each confidence (rows) and each length m ≥ 1 (columns)
    tokens = chances[:, None] * (expected[1:] - 1.0) / max(survival[1], 1e-12)
    seconds = (steps - 1) * prices.t_draft + v[1:] - v[0]
    value = tokens - rate * seconds
    m = value.argmax(axis=1)
    rows = np.arange(len(weights))
    pays = value[rows, m] > 0
    e_tokens = 1.0 + float((weights * np.where(pays, tokens[rows, m], 0.0)).sum())
    e_seconds = prices.h + prices.t_draft + v[0]
    e_seconds += float((weights * np.where(pays, seconds[m], 0.0)).sum())
    return float(e_tokens / e_seconds)
