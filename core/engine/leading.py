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
_N_SUMMED = 320
"""Blocks for a probability: the more there are, the nearer it is; from here on time grows, too."""


def likeliest(logits: Logits) -> tuple[int, float]:
    """The argmax of one row of logits (n_vocab,) and its softmax probability.

    Of a large row only the block of the argmax is summed up whole, and of the others the best
    alone, so that the row is read once: the probability is too high by what is left out, which is
    little unless a crowd of tokens is nearly as likely, and then it is small in any case.
    """
    if len(logits) < SMALL:
        token = int(logits.argmax())
        return token, 1.0 / float(np.exp(logits - logits[token]).sum())
    size, starts = _blocks(len(logits), _N_SUMMED)
    tops = np.maximum.reduceat(logits, starts)
    at = int(tops.argmax())
    block = logits[at * size : (at + 1) * size]
    first = int(block.argmax())
    best = block[first]
    among = float(np.exp(block - best).sum()) + float(np.exp(tops - best).sum()) - 1.0
    return at * size + first, 1.0 / among


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
    size, starts = _blocks(n, _N_BLOCKS)
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
def _blocks(n: int, n_blocks: int) -> tuple[int, NDArray[np.int64]]:
    """The size of a block of a row of `n` logits, and where the at most `n_blocks` begin."""
    size = -(-n // n_blocks)
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
