"""Random numbers that are functions of a seed, a position and a token alone; no state is kept.

Every token has a clock that rings after a standard exponential time. Tokens whose clocks run at
rates p ring first with probability p: this race draws from p (it is the Gumbel-max rule without
the logarithms).
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.protocol import Sampling

_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15  # the increment and multipliers of splitmix64 (Steele et al. 2014)
_APART = 2**40
"""How far apart the numbers of two positions begin."""
_M1, _M2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def clocks(seed: int, position: int, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    """When the clocks of `tokens` (n,) ring."""
    return _exponential(_hashed(_base(seed, position), tokens.astype(np.uint64)))


def few_clocks(seed: int, position: int, tokens: Sequence[int]) -> list[float]:
    """The same of a handful, for which NumPy's calls cost more than Python's integers."""
    base = _base(seed, position)
    return [-math.log(((_hash(base, token) >> 11) + 0.5) * 2.0**-53) for token in tokens]


def uniform(seed: int, position: int) -> float:
    """A number in (0, 1)."""
    return ((_base(seed, position) >> 11) + 0.5) * 2.0**-53


def crowd(seed: int, position: int, start: int, stop: int) -> NDArray[np.float64]:
    """Rings of many clocks taken together, from the `start`-th up to the `stop`-th (n, 3): whose it
    is, another number to decide with, and one for the time until the next, whose negative logarithm
    after subtraction from 1 that is in units of the mean; all from 0 up to 1."""
    stream, origin = _stream(seed)
    stream.bit_generator.state = origin
    stream.bit_generator.advance(position * _APART + 3 * start)  # type: ignore[attr-defined]
    return stream.random((stop - start, 3))


@lru_cache(maxsize=4)
def _stream(seed: int) -> tuple[np.random.Generator, Any]:
    """Numbers by the hundred come cheaper from NumPy's generator, set to its place each time."""
    bits = np.random.PCG64(seed)
    return np.random.Generator(bits), bits.state


def new_seed(sampling: Sampling) -> int:
    """The seed of a reply: the one that was asked for, or one of its own."""
    return secrets.randbits(63) if sampling.seed is None else _mixed(sampling.seed & _MASK)


def _exponential(hashes: NDArray[np.uint64]) -> NDArray[np.float64]:
    times: NDArray[np.float64] = -np.log(((hashes >> np.uint64(11)) + 0.5) * 2.0**-53)
    return times


def _hashed(base: int, x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = x * np.uint64(_GOLDEN) + np.uint64(base)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(_M1)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(_M2)
    return x ^ (x >> np.uint64(31))


def _hash(base: int, x: int) -> int:
    """The same of one number, in Python's integers."""
    x = (x * _GOLDEN + base) & _MASK
    x = ((x ^ (x >> 30)) * _M1) & _MASK
    x = ((x ^ (x >> 27)) * _M2) & _MASK
    return x ^ (x >> 31)


def _base(seed: int, position: int) -> int:
    return _mixed((seed + position * _GOLDEN) & _MASK)


def _mixed(x: int) -> int:
    return _hash((x + _GOLDEN) & _MASK, 0)
