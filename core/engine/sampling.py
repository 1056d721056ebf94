"""From logits to a token: temperature, top-k, top-p and min-p, in llama.cpp's order; and noise.

Above temperature 0 a token is drawn by the Gumbel-max rule: the largest of log p plus noise, where
the noise is a function of the seed, the position and the token alone. So a seed gives the same
reply with any draft, any draft length and none. And a draft that draws from its own distribution
with the same noise proposes what the target is likely to draw (drafter-invariant speculative
decoding: Daliri, Musco, Suresh, "Coupling without Communication", 2024).
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.llama.context import Logits
from core.protocol import Sampling

FEW = 16
_CERTAIN = np.ones(1)
_NEGLIGIBLE = 0.0004  # above e⁻⁸
_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15  # the increment and multipliers of splitmix64 (Steele et al. 2014)
_M1, _M2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


@dataclass(frozen=True, slots=True)
class Distribution:
    """The tokens that may come, likeliest first, and their probabilities, which add up to 1."""

    tokens: NDArray[np.int64]
    p: NDArray[np.float64]

    def of(self, token: int) -> float:
        """The probability of `token`."""
        at = (self.tokens == token).nonzero()[0]
        return float(self.p[at[0]]) if len(at) else 0.0


def distribution(logits: Logits, sampling: Sampling) -> Distribution:
    """What one row of logits (n_vocab,) becomes under the sampler settings.

    Order as in llama.cpp: top-k, then top-p and min-p on the probabilities at temperature 1, then
    the temperature. With temperature 0 the largest logit has probability 1.
    """
    tokens = _candidates(logits, sampling)
    if 1 < len(tokens) <= FEW and sampling.temperature > 0:
        return _of_few(tokens.tolist(), logits[tokens].tolist(), sampling)
    x = logits[tokens].astype(np.float64)
    if len(x) > 1:
        order = (-x).argsort(kind="stable")
        tokens, x = tokens[order], x[order]
    if sampling.temperature == 0 or len(x) == 1:
        return Distribution(tokens[:1], _CERTAIN)
    x -= x[0]
    n = _n_kept(np.exp(x), sampling)
    if n == 1:
        return Distribution(tokens[:1], _CERTAIN)
    p = np.exp(x[:n] / sampling.temperature)
    p /= p.sum()
    return Distribution(tokens[:n], p)


def _of_few(tokens: list[int], x: list[float], sampling: Sampling) -> Distribution:
    """The same for a handful of candidates, for which NumPy's calls cost more than the sums."""
    order = sorted(range(len(x)), key=x.__getitem__, reverse=True)
    x = [x[i] - x[order[0]] for i in order]
    weights = [math.exp(value) for value in x]
    enough, n, total = sampling.top_p * sum(weights), 0, 0.0
    for weight in weights:
        if n and (total >= enough or weight < sampling.min_p):
            break
        total += weight
        n += 1
    if n == 1:
        return Distribution(np.array([tokens[order[0]]]), _CERTAIN)
    p = np.array([math.exp(value / sampling.temperature) for value in x[:n]])
    return Distribution(np.array([tokens[i] for i in order[:n]]), p / p.sum())


def noise(seed: int, position: int, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    """Standard Gumbel noise (n,), a function of its arguments alone: splitmix64 as a hash."""
    base = _mixed((seed + position * _GOLDEN) & _MASK)
    x = tokens.astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64(base)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(_M1)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(_M2)
    x ^= x >> np.uint64(31)
    u = ((x >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    gumbel: NDArray[np.float64] = -np.log(-np.log(u))
    return gumbel


def uniform(seed: int, position: int) -> float:
    """A number in [0, 1), a function of its arguments alone."""
    return (_mixed((seed + position * _GOLDEN) & _MASK) >> 11) * 2.0**-53


def draw(which: Distribution, seed: int, position: int) -> int:
    """A token of the distribution, by the Gumbel-max rule."""
    n = len(which.tokens)
    if n == 1:
        return int(which.tokens[0])
    if n <= FEW:
        base = _mixed((seed + position * _GOLDEN) & _MASK)
        scores = [
            math.log(p) - math.log(-math.log(((_hashed(base, token) >> 11) + 0.5) * 2.0**-53))
            for token, p in zip(which.tokens.tolist(), which.p.tolist(), strict=True)
        ]
        return int(which.tokens[scores.index(max(scores))])
    return int(which.tokens[(np.log(which.p) + noise(seed, position, which.tokens)).argmax()])


def new_seed(sampling: Sampling) -> int:
    """The seed of a reply: the one that was asked for, or one of its own."""
    return secrets.randbits(63) if sampling.seed is None else _mixed(sampling.seed & _MASK)


def _hashed(base: int, token: int) -> int:
    """What `noise` makes of one token, in Python's integers."""
    x = (token * _GOLDEN + base) & _MASK
    x = ((x ^ (x >> 30)) * _M1) & _MASK
    x = ((x ^ (x >> 27)) * _M2) & _MASK
    return x ^ (x >> 31)


def _mixed(x: int) -> int:
    return _hashed((x + _GOLDEN) & _MASK, 0)


def _candidates(logits: Logits, sampling: Sampling) -> NDArray[np.int64]:
    """Ids of the tokens in the running, unordered: the top k, found without sorting everything.

    Where min-p will drop them in the end, tokens below e⁻⁸ of the likeliest are left out at once,
    which moves top-p's sum by 0.0004 a token at most.
    """
    k, n = sampling.top_k, len(logits)
    among: NDArray[np.int64] = np.arange(n) if n <= 64 else _near(logits)
    if n > 64 and sampling.min_p < _NEGLIGIBLE and (k == 0 or len(among) < k):
        among = np.arange(n)
    if not 0 < k < len(among):
        return among
    top = logits[among].argpartition(len(among) - k)[-k:]
    return among[top]


def _near(logits: Logits) -> NDArray[np.int64]:
    near: NDArray[np.int64] = (logits > logits.max() - 8.0).nonzero()[0]
    return near


def _n_kept(weights: NDArray[np.float64], sampling: Sampling) -> int:
    """How many of the sorted, unnormalised probabilities top-p and min-p leave; at least one."""
    n = len(weights)
    if sampling.top_p < 1:
        cumulative = weights.cumsum()
        n = int(cumulative.searchsorted(sampling.top_p * cumulative[-1])) + 1
    if sampling.min_p > 0:  # the first weight is 1, and they fall
        n = min(n, int((-weights).searchsorted(-sampling.min_p, side="right")))
    return max(1, min(n, len(weights)))
