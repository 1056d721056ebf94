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
        if len(near):
            x = self.logits[near].astype(np.float64)
            rates = np.exp(x / self.sampling.temperature - self.log_total)
            times = clocks(seed, position, near) / rates
            times[x < floor] = math.inf
            first = int(times.argmin())
            if times[first] < until:
                winner, until = int(near[first]), float(times[first])
        if self.beyond and floor <= self.lowest:
            far = self._first_beyond(until, floor, seed ^ _SALT, position)
            winner = winner if far is None else far
        return winner

    def _first_beyond(self, until: float, floor: float, seed: int, position: int) -> int | None:
        """The first to ring among those that do not lead."""
        n, temperature = len(self.logits), self.sampling.temperature
        rate = n * math.exp(self.lowest / temperature - self.log_total)
        expected = rate * until
        first_gap = few_clocks(seed, position, [0])[0]
        if first_gap >= expected:  # the usual case, told at little cost
            return None
        size = int(expected + 3 * math.sqrt(expected)) + 2
        start, time = 0, 0.0
        while True:
            gaps, whose, levels = crowd(seed, position, start, start + size)
            if start == 0:
                gaps[0] = first_gap
            times = time + gaps.cumsum() / rate
            tokens = (whose * n).astype(np.int64)
            x = self.logits[tokens].astype(np.float64)
            chances = np.exp(np.minimum((x - self.lowest) / temperature, 0.0))
            hits = ((levels < chances) & (x <= self.lowest) & (x >= floor)).nonzero()[0]
            if len(hits):
                return int(tokens[hits[0]]) if times[hits[0]] < until else None
            time = float(times[-1])
            if time >= until:
                return None
            start += size

    def _floor(self, token: int) -> float:
        """The smallest logit that top-k, top-p and min-p leave, by looking at all of them; or
        something smaller than the logit of `token`, where that is left."""
        s, x = self.sampling, self.logits
        best = x[self.leading[0]]
        above = x[(x > x[token]).nonzero()[0]]
        floor = float(best) + math.log(s.min_p) if s.min_p > 0 else -math.inf
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
