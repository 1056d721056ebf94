"""From logits to a token: top-k, top-p, min-p and temperature, in llama.cpp's order.

Above temperature 0 a token is drawn by a race of clocks (see `noise`), which depend on the seed,
the position and the token alone. So a seed gives the same reply with any draft, any draft length
and none. And a draft that draws from its own distribution with the same clocks proposes what the
target is likely to draw (drafter-invariant speculative decoding: Daliri, Musco, Suresh, "Coupling
without Communication", 2024).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import neg

import numpy as np
from numpy.typing import NDArray

from core.engine.leading import leading
from core.engine.noise import clocks, few_clocks
from core.engine.others import FEW, NEVER, Others
from core.llama.context import Logits
from core.protocol import Sampling

LISTED = 64
"""So many tokens, or a little more, are listed where many are about as likely."""
_REACH = 5.0
_NEGLIGIBLE = math.exp(-_REACH)
_CERTAIN = np.ones(1)


@dataclass(frozen=True, slots=True)
class Distribution:
    """The likeliest tokens that may come, likeliest first, and their probabilities given that one
    of them comes, which add up to 1. `others`: what else may come; None where nothing can."""

    tokens: NDArray[np.int64]
    p: NDArray[np.float64]
    others: Others | None = None

    def of(self, token: int) -> float:
        """The probability of `token`."""
        tokens: list[int] = self.tokens.tolist()
        return float(self.p[tokens.index(token)]) if token in tokens else 0.0

    def first(self, n: int) -> Distribution:
        """The `n` likeliest, whose probabilities stay as they are."""
        return self if len(self.tokens) <= n else Distribution(self.tokens[:n], self.p[:n])

    def alone(self) -> Distribution:
        """The same without others."""
        return self if self.others is None else Distribution(self.tokens, self.p)


@dataclass(frozen=True, slots=True)
class _Cut:
    """How many of the leading tokens come through top-p and min-p for certain, and how many may,
    which depends on what is not among them. `beyond`: whether even others may."""

    certain: int
    possible: int
    beyond: bool


def distribution(logits: Logits, sampling: Sampling) -> Distribution:
    """What one row of logits (n_vocab,) becomes under the sampler settings.

    Order as in llama.cpp: top-k, then top-p and min-p on the probabilities at temperature 1, then
    the temperature. With temperature 0 the largest logit has probability 1.
    """
    if sampling.temperature == 0:
        return Distribution(np.array([int(logits.argmax())]), _CERTAIN)
    tokens, lowest = leading(logits, *_wanted(sampling))
    if len(tokens) == 1 and sampling.min_p > _NEGLIGIBLE:
        return Distribution(tokens, _CERTAIN)
    if len(tokens) <= FEW:
        return _of_few(logits, tokens, lowest, sampling)
    near = logits[tokens]
    order = near.argsort()[::-1]
    if 0 < sampling.top_k < len(order):
        order = order[: sampling.top_k]
    tokens, x = tokens[order], near[order].astype(np.float64)
    best = float(x[0])
    x -= best
    weights = np.exp(x)
    cut = _cut(weights, weights.cumsum(), math.exp(lowest - best), len(logits), sampling)
    p = np.exp(x[: cut.certain] / sampling.temperature)
    if p[-1] < NEVER:
        p = p[: np.count_nonzero(p >= NEVER)]
    total = float(p.sum())
    log_total = best / sampling.temperature + math.log(total)
    return _listed(logits, sampling, tokens, lowest, cut, p / total, log_total)


def _of_few(
    logits: Logits, tokens: NDArray[np.int64], lowest: float, sampling: Sampling
) -> Distribution:
    """The same for a handful of leading tokens, for which NumPy's calls cost more than the sums."""
    x: list[float] = logits[tokens].tolist()
    order = sorted(range(len(x)), key=x.__getitem__, reverse=True)
    if 0 < sampling.top_k < len(order):
        order = order[: sampling.top_k]
    best = x[order[0]]
    x = [x[i] - best for i in order]
    weights = [math.exp(value) for value in x]
    cut = _cut(weights, list(accumulate(weights)), math.exp(lowest - best), len(logits), sampling)
    p = [w for v in x[: cut.certain] if (w := math.exp(v / sampling.temperature)) >= NEVER]
    total = sum(p)
    p = [share / total for share in p]
    log_total = best / sampling.temperature + math.log(total)
    return _listed(logits, sampling, tokens[order], lowest, cut, np.array(p), log_total)


def _listed(
    logits: Logits,
    sampling: Sampling,
    tokens: NDArray[np.int64],
    lowest: float,
    cut: _Cut,
    p: NDArray[np.float64],
    log_total: float,
) -> Distribution:
    """`p` of the first of the leading `tokens`, and what else may come. If some that are certain to
    come through are so unlikely that they have no `p`, nothing else may."""
    n = len(p)
    if n < cut.certain or (n == cut.possible and not cut.beyond):
        return Distribution(tokens[:n], p)
    near = tokens[: cut.possible]
    others = Others(logits, sampling, near, n, lowest, cut.beyond, log_total)
    return Distribution(tokens[:n], p, others)


def draw(which: Distribution, seed: int, position: int) -> int:
    """A token of the distribution, the others included: whose clock rings first."""
    others = which.others
    n = len(which.tokens)
    if n == 1 and others is None:
        return int(which.tokens[0])
    if n <= FEW:
        tokens = which.tokens.tolist()
        rings = few_clocks(seed, position, tokens)
        times = [ring / p for ring, p in zip(rings, which.p.tolist(), strict=True)]
        time = min(times)
        token: int = tokens[times.index(time)]
    else:
        many = clocks(seed, position, which.tokens) / which.p
        first = int(many.argmin())
        token, time = int(which.tokens[first]), float(many[first])
    other = others.before(time, seed, position) if others else None
    return token if other is None else other


def _wanted(sampling: Sampling) -> tuple[float, int, bool]:
    """The arguments of `leading`. Where min-p is at work it is enough to know that what does not
    lead cannot come; else it saves time if it hardly ever comes. Heat brings up what is far, but
    not what min-p left out before."""
    at_least = sampling.top_k if 0 < sampling.top_k <= LISTED else LISTED
    if sampling.min_p > _NEGLIGIBLE:
        return _REACH, at_least, False
    return max(_REACH, 8 * sampling.temperature), at_least, True


def _cut(
    weights: Sequence[float] | NDArray[np.float64],
    cumulative: Sequence[float] | NDArray[np.float64],
    next_weight: float,
    n_vocab: int,
    sampling: Sampling,
) -> _Cut:
    """What top-p and min-p leave of the leading tokens, given their unnormalised probabilities,
    which fall from 1, and a bound of those of all others."""
    n = len(weights)
    n_others = min(sampling.top_k or n_vocab, n_vocab) - n
    missing = n_others * next_weight
    certain = possible = n
    beyond = missing > 0 and next_weight > sampling.min_p
    if sampling.top_p < 1:
        total = cumulative[-1]
        certain = bisect_left(cumulative, sampling.top_p * total) + 1
        possible = bisect_left(cumulative, sampling.top_p * (total + missing)) + 1
        beyond = beyond and possible > n
    if sampling.min_p > 0:
        n = bisect_left(weights, -sampling.min_p, key=neg, hi=n)
    return _Cut(max(1, min(certain, n)), max(1, min(possible, n)), beyond)
