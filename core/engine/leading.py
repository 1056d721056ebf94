"""Finding the few likeliest of 150,000 tokens.

To read a row of logits once is what takes the time; to compare it with a bound, and to collect
what lies above, takes twice as long again. So the best of each block is found in the one reading,
and mostly says enough.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.llama.context import Logits

SMALL = 2**15
"""Rows that are shorter are read as often as it takes."""
_MANY = 512
_N_BLOCKS, _FEW_BLOCKS = 80, 6
_NEAR, _AT_LEAST = 5.0, 64


def likeliest(logits: Logits) -> tuple[int, float]:
    """The argmax of one row of logits (n_vocab,) and its softmax probability; in a large row, its
    share among the tokens that are near it."""
    if len(logits) < SMALL:
        token = int(logits.argmax())
        return token, 1.0 / float(np.exp(logits - logits[token]).sum())
    tokens, _ = leading(logits, _NEAR, _AT_LEAST)
    if len(tokens) == 1:
        return int(tokens[0]), 1.0
    x = logits[tokens]
    first = int(x.argmax())
    return int(tokens[first]), 1.0 / float(np.exp(x - x[first]).sum())


def leading(
    logits: Logits, reach: float, at_least: int, deep: bool = False
) -> tuple[NDArray[np.int64], float]:
    """Ids of the tokens, in their order, whose logit is above `lowest`, and `lowest`.

    It is the best logit minus `reach`; higher where very many are so near, but then there are at
    least `at_least` (no more than _N_BLOCKS); and lower where that costs nothing and `deep` asks
    for it. Of 64 tokens or fewer all are there.
    """
    n = len(logits)
    if n <= 64:
        return np.arange(n), -math.inf
    if n < SMALL:
        best = float(logits.max())
        lowest = _as_logit(best - reach)
        tokens: NDArray[np.int64] = (logits > lowest).nonzero()[0]
        if len(tokens) <= _MANY:
            return tokens, lowest
        x = logits[tokens]
        lowest = _after(at_least, x)
        return tokens[x > lowest], lowest
    size, starts = _blocks(n)
    tops = np.maximum.reduceat(logits, starts)
    top: list[float] = tops.tolist()
    best = max(top)
    lowest = _as_logit(best - reach)
    hits = [i for i, value in enumerate(top) if value > lowest]
    if len(hits) > _FEW_BLOCKS:
        if len(hits) > at_least:
            lowest = _after(at_least, tops)
        return _places(logits > lowest), lowest
    if deep:
        lowest = max(value for value in top if value <= lowest)
    found = [(logits[i * size : (i + 1) * size] > lowest).nonzero()[0] + i * size for i in hits]
    return (found[0] if len(found) == 1 else np.concatenate(found)), lowest


def _as_logit(value: float) -> float:
    """In float32, as NumPy compares logits."""
    return float(np.float32(value))


def _after(n: int, x: Logits) -> float:
    """The largest value of `x` after the `n` largest, but less than the largest of all."""
    after, best = np.partition(x, -n - 1)[-n - 1], x.max()
    return float(after if after < best else np.nextafter(best, np.float32(-np.inf)))


@cache
def _blocks(n: int) -> tuple[int, NDArray[np.int64]]:
    """The size of a block of a row of `n` logits, and where the blocks begin."""
    size = -(-n // _N_BLOCKS)
    return size, np.arange(0, n, size)


def _places(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where the mask is true, which is almost nowhere: eight at a time, twice as fast."""
    if len(mask) % 8:
        everywhere: NDArray[np.int64] = mask.nonzero()[0]
        return everywhere
    eights = mask.view(np.uint64)
    at = eights.astype(np.bool_).nonzero()[0]
    within = eights[at].view(np.bool_).nonzero()[0]
    places: NDArray[np.int64] = at[within >> 3] * 8 + (within & 7)
    return places
