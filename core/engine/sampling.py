"""From logits to a token: temperature, top-k, top-p and min-p, in llama.cpp's order.

One uniform number is spent per token, by the inverse of the cumulative distribution. So the same
seed gives the same reply with a draft and without: the n-th token always meets the n-th number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.llama.context import Logits
from core.protocol import Sampling


@dataclass(frozen=True, slots=True)
class Distribution:
    """The tokens that may come, likeliest first, and their probabilities, which add up to 1."""

    tokens: NDArray[np.int64]
    p: NDArray[np.float64]


def distribution(logits: Logits, sampling: Sampling) -> Distribution:
    """What one row of logits (n_vocab,) becomes under the sampler settings.

    Order as in llama.cpp: top-k, then top-p and min-p on the probabilities at temperature 1, then
    the temperature. With temperature 0 the largest logit has probability 1.
    """
    tokens = _candidates(logits, sampling)
    x = logits[tokens].astype(np.float64)
    order = np.argsort(-x, kind="stable")
    tokens, x = tokens[order], x[order]
    if sampling.temperature == 0:
        return Distribution(tokens[:1], np.ones(1))
    x -= x[0]
    n = _n_kept(np.exp(x), sampling)
    p = np.exp(x[:n] / sampling.temperature)
    return Distribution(tokens[:n], p / p.sum())


def draw(which: Distribution, u: float) -> int:
    """The token at `u`, uniform in [0, 1), of the cumulative distribution."""
    at = int(np.searchsorted(which.p.cumsum(), u, side="right"))
    return int(which.tokens[min(at, len(which.tokens) - 1)])


class Chooser:
    """Chooses the target's tokens for one reply; owns its random numbers."""

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self._random = np.random.default_rng(sampling.seed).random

    def rows(self, logits: Logits) -> Callable[[int], int]:
        """`choose(i)`: the token after row i of `logits` (n, n_vocab); ask each row once."""
        if self.sampling.temperature == 0:
            likeliest: list[int] = logits.argmax(axis=1).tolist()
            return likeliest.__getitem__
        return lambda i: draw(distribution(logits[i], self.sampling), self._random())


def _candidates(logits: Logits, sampling: Sampling) -> NDArray[np.int64]:
    """Ids of the tokens in the running, unordered: the top k, found without sorting everything."""
    k = sampling.top_k
    n = len(logits)
    if not 0 < k < n:
        return np.arange(n)
    if n > 32 * k:  # a threshold is far cheaper than a partition of a large vocabulary
        near = np.flatnonzero(logits > logits.max() - 8.0)
        if len(near) >= k:
            if len(near) == k:
                return near
            return near[np.argpartition(logits[near], len(near) - k)[-k:]]
    return np.argpartition(logits, n - k)[-k:]


def _n_kept(weights: NDArray[np.float64], sampling: Sampling) -> int:
    """How many of the sorted, unnormalised probabilities top-p and min-p leave; at least one."""
    n = len(weights)
    if sampling.top_p < 1:
        cumulative = weights.cumsum()
        n = int(np.searchsorted(cumulative, sampling.top_p * cumulative[-1])) + 1
    if sampling.min_p > 0:
        n = min(n, int(np.count_nonzero(weights >= sampling.min_p * weights[0])))
    return max(1, min(n, len(weights)))
