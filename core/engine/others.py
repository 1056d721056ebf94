"""The tokens of a row that a list of the likeliest leaves out, asked only where it matters.

With a vocabulary of 150,000, to weigh every token would take longer than all else that Python does
for one. The listed ones race first; what the others could have done until then is mostly nothing,
and is told from a few random numbers, exactly: their clocks are taken together as one crowd in
which each runs at the rate of the fastest, and a ring counts with the chance that its token's own
rate has of that (thinning: Lewis and Shedler 1979).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.engine.noise import clocks, crowd, few_clocks
from core.llama.context import Logits
from core.protocol import Sampling

FEW = 24
"""Up to so many tokens Python's own sums cost less than NumPy's calls."""
NEVER = 1e-300
"""A smaller share is none."""
_SALT = 0xC407D


@dataclass(frozen=True, slots=True)
class Others:
    """The tokens that may come besides the listed ones; valid as long as `logits` (n_vocab,) is."""

    logits: Logits
    sampling: Sampling
    leading: NDArray[np.int64]
    """All tokens with a logit above `lowest`, the likeliest first, as far as they may come."""
    n_listed: int
    """So many of them are listed."""
    lowest: float
    beyond: bool
    """Whether tokens that do not lead may come."""
    log_total: float
    """Logarithm of the sum of e^(x / temperature) over the listed ones: their rates add up to 1."""

    def before(self, until: float, seed: int, position: int) -> int | None:
        """The token among them that rings first, where that is before `until`.

        What top-k and top-p leave of them takes a look at all logits, so it is found out only once
        one has rung.
        """
        token = self._first(until, -math.inf, seed, position)
        if token is None:
            return None
        floor = self._floor(token)
        if self.logits[token] >= floor:
            return token
        return self._first(until, floor, seed, position)

    def _first(self, until: float, floor: float, seed: int, position: int) -> int | None:
        """The first to ring among those whose logit is `floor` at least."""
        winner = None
        near = self.leading[self.n_listed :]
        if 0 < len(near) <= FEW:
            tokens: list[int] = near.tolist()
            for token, ring in zip(tokens, few_clocks(seed, position, tokens), strict=True):
                x = float(self.logits[token])
                rate = math.exp(x / self.sampling.temperature - self.log_total)
                if x >= floor and ring < until * rate:
                    winner, until = token, ring / rate
        elif len(near):
            all_x = self.logits[near].astype(np.float64)
            rates = np.exp(all_x / self.sampling.temperature - self.log_total)
            times = clocks(seed, position, near) / np.maximum(rates, NEVER)
            times[all_x < floor] = math.inf
            first = int(times.argmin())
            if times[first] < until:
                winner, until = int(near[first]), float(times[first])
        if self.beyond and floor <= self.lowest:
            far = self._first_beyond(until, floor, seed ^ _SALT, position)
            winner = winner if far is None else far
        return winner

    def _first_beyond(self, until: float, floor: float, seed: int, position: int) -> int | None:
        """The first to ring among those that do not lead."""
        n = len(self.logits)
        rate = n * math.exp(self.lowest / self.sampling.temperature - self.log_total)
        expected = rate * until
        time = few_clocks(seed, position, [0])[0]  # in units of 1 / rate
        if time >= expected:  # the usual case, told at little cost
            return None
        size = int(expected + 3 * math.sqrt(expected)) + 2
        look = self._look_at_few if size <= FEW else self._look_at_many
        start = 0
        while time < expected:
            numbers = crowd(seed, position, start, start + size)
            token, time = look(numbers, time, expected, floor)
            if token is not None:
                return token
            start += size
        return None

    def _look_at_few(
        self, numbers: NDArray[np.float64], time: float, until: float, floor: float
    ) -> tuple[int | None, float]:
        """The token of the first ring that counts, from `time` on and before `until`, or None; and
        the time of the ring after all these `numbers` (n, 3), see `crowd`."""
        n, lowest = len(self.logits), self.lowest
        for whose, level, gap in numbers.tolist():
            if time >= until:
                break
            token = int(whose * n)
            x = float(self.logits[token])
            if floor <= x <= lowest and level < math.exp((x - lowest) / self.sampling.temperature):
                return token, time
            time -= math.log1p(-gap)
        return None, time

    def _look_at_many(
        self, numbers: NDArray[np.float64], time: float, until: float, floor: float
    ) -> tuple[int | None, float]:
        """The same by NumPy."""
        gaps = -np.log1p(-numbers[:, 2])
        times = time + gaps.cumsum()
        tokens = (numbers[:, 0] * len(self.logits)).astype(np.int64)
        x = self.logits[tokens].astype(np.float64)
        chances = np.exp(np.minimum((x - self.lowest) / self.sampling.temperature, 0.0))
        counts = (numbers[:, 1] < chances) & (x <= self.lowest) & (x >= floor)
        hits = counts.nonzero()[0]
        if len(hits) and times[hits[0]] - gaps[hits[0]] < until:
            return int(tokens[hits[0]]), time
        return None, float(times[-1])

    def _floor(self, token: int) -> float:
        """The smallest logit that top-k, top-p and min-p leave, by looking at all of them; or
        something smaller than the logit of `token`, where that is left."""
        s, x = self.sampling, self.logits
        best = x[self.leading[0]]
        floor = float(best) + math.log(s.min_p) if s.min_p > 0 else -math.inf
        if s.top_k == 0 and s.top_p == 1:
            return floor
        above = x[(x > x[token]).nonzero()[0]]
        if 0 < s.top_k <= len(above):
            floor = max(floor, float(np.partition(above, -s.top_k)[-s.top_k]))
        if s.top_p < 1:
            if 0 < s.top_k < len(x):
                x = np.partition(x, -s.top_k)[-s.top_k :]
            enough = s.top_p * float(np.exp(x - best).sum())
            above = np.sort(above)[::-1]
            at = int(np.exp(above - best).cumsum(dtype=np.float64).searchsorted(enough))
            floor = max(floor, float(above[at])) if at < len(above) else floor
        return floor
