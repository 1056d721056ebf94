"""How likely the target keeps a proposal, learned online by confidence, by position and by regime.

A text runs through regimes, in each of which the draft is as good as its word, or only a share α of
that. What α is now is a hidden state on a grid, filtered as in a hidden Markov model: every verdict
weighs the values anew, and a regime may end at any token. Where texts settle is remembered, so that
a text that turns back to what it was is recognised by a few tokens. How long regimes last is not
known either: a filter that expects short ones and one that expects long ones run side by side, and
the one that predicted better has the say.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

EDGES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.96, 0.99)
"""Borders of the bins of the draft's own probability, denser where it is sure of itself."""
_CLAIMED = (0.1, 0.27, 0.42, 0.57, 0.72, 0.85, 0.93, 0.97, 0.99)
"""What a bin is taken for before anything was seen: that the draft is as right as it says."""
_GRID = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.78, 0.85, 0.9, 0.94, 0.97, 1.0)
_REGIME_TOKENS = (50.0, 1000.0)
"""Verdicts that a regime lasts, on average, as the one and the other filter has it."""
_EVIDENCE_MEMORY = 0.99
_SETTLING, _ELSEWHERE = 0.01, 0.2
"""How fast the memory of where texts settle follows, and the share of it that stays spread over
all values."""
_MEMORY = 0.985
_FIRST_MEMORY = 0.95
_PRIOR_WEIGHT = 10.0
_LEAST, _MOST = 0.005, 0.995


class _Factor:
    """How often proposals of a sort were kept over how often it was expected. The prior does not
    fade: what a regime explains is not to be learned here as well."""

    __slots__ = ("_expected", "_kept", "_prior")

    def __init__(self, prior: float) -> None:
        self._prior = prior
        self._kept: float = 0.0
        self._expected: float = 0.0

    def record(self, kept: bool, expected: float) -> None:
        self._kept = self._kept * _MEMORY + kept
        self._expected = self._expected * _MEMORY + expected

    @property
    def value(self) -> float:
        kept = self._kept + _PRIOR_WEIGHT * self._prior
        return kept / (self._expected + _PRIOR_WEIGHT)


class _Filter:
    """What α may be, where regimes last `n_tokens` verdicts on average."""

    __slots__ = ("_n_tokens", "evidence", "now")

    def __init__(self, n_tokens: float, usual: list[float]) -> None:
        self._n_tokens = n_tokens
        self.now = list(usual)
        self.evidence = 1.0

    def step(self, usual: list[float], likelihood: list[float], n: int) -> None:
        """The forward algorithm over `n` verdicts, which have this likelihood at each α."""
        end = min(n / self._n_tokens, 1.0)
        stay = 1 - end
        weights = [
            (stay * w + end * u) * chance
            for w, u, chance in zip(self.now, usual, likelihood, strict=True)
        ]
        total = sum(weights)
        self.now = [w / total for w in weights]
        self.evidence = self.evidence**_EVIDENCE_MEMORY * total


Verdict = tuple[int, float | None, bool]
"""A proposal that was judged after all before it were kept: its position (0: the first), the
draft's probability of it (None: it gave none), and whether it was kept."""


class Acceptance:
    """The record of one drafter."""

    def __init__(self, n_max: int, prior: float = 0.85) -> None:
        """`n_max`: longest draft; `prior`: the chance expected before anything was judged."""
        near = [0.5 ** (abs(alpha - prior) / 0.1) for alpha in _GRID]
        self._usual = [w / sum(near) for w in near]
        self._filters = [_Filter(n, self._usual) for n in _REGIME_TOKENS]
        self.now = list(self._usual)
        """What α is, as weights that add up to 1; for `survivors`."""
        self._bins = [_Factor(claim) for claim in _CLAIMED]
        self._at = [_Factor(1.0) for _ in range(n_max)]
        self._first: list[float] = []

    def record(self, verdicts: Sequence[Verdict]) -> None:
        """Learn from the verdicts of a round."""
        alpha = self._alpha
        likelihood = [1.0] * len(_GRID)
        for position, p, kept in verdicts:
            factor = 1.0
            if p is not None:
                bin_ = self._bins[bisect_right(EDGES, p)]
                factor = bin_.value
                bin_.record(kept, alpha)
            if position < len(self._at):
                self._at[position].record(kept, alpha * factor)
            chances = _chances(factor)
            if kept:
                likelihood = [x * chance for x, chance in zip(likelihood, chances, strict=True)]
            else:
                likelihood = [
                    x * (1 - chance) for x, chance in zip(likelihood, chances, strict=True)
                ]
        if verdicts:
            self._learn(likelihood, len(verdicts))

    def record_first(self, p: float) -> None:
        """The draft's probability of a first proposal, whether it was judged or not."""
        if not self._first:
            self._first = [0.0] * len(_CLAIMED)
        self._first = [weight * _FIRST_MEMORY for weight in self._first]
        self._first[bisect_right(EDGES, p)] += 1

    @property
    def mean(self) -> float:
        """Chance that a first proposal is kept, whatever its confidence."""
        return self._alpha * self._typical

    def chances(self, n: int) -> list[float]:
        """Chance that the k-th of `n` proposals is kept, given that those before it were, whatever
        their confidence."""
        typical = self._typical
        return self._conditional(typical * self._at[k].value for k in range(n))

    def given(self, p: Sequence[float | None]) -> list[float]:
        """The same for proposals to which the draft gives these probabilities (None: none)."""
        return self._conditional(self._factor(k, confidence) for k, confidence in enumerate(p))

    def survivors(self, weights: list[float], position: int, p: float | None) -> list[float]:
        """The weights after the proposal at `position`, of confidence `p`, was kept too; they add
        up to the chance of everything so far."""
        return _after(weights, self._factor(position, p))

    def first_proposals(self) -> list[tuple[float, float]]:
        """How often a first proposal falls into each bin (adds up to 1), and its chance there;
        empty where the drafter gives no probabilities."""
        total, alpha = sum(self._first), self._alpha
        return [
            (weight / total, _chance(alpha * bin_.value))
            for weight, bin_ in zip(self._first, self._bins, strict=False)
        ]

    def _conditional(self, factors: Iterable[float]) -> list[float]:
        """The chance of each of some proposals, given that those before it were kept."""
        weights, joint, chances = self.now, 1.0, []
        for factor in factors:
            weights = _after(weights, factor)
            before, joint = joint, sum(weights)
            chances.append(joint / before)
        return chances

    def _factor(self, position: int, p: float | None) -> float:
        """What confidence and position make of α."""
        factor = 1.0 if p is None else self._bins[bisect_right(EDGES, p)].value
        return factor * self._at[position].value if position < len(self._at) else factor

    @property
    def _alpha(self) -> float:
        return float(sum(w * alpha for w, alpha in zip(self.now, _GRID, strict=True)))

    @property
    def _typical(self) -> float:
        """What a first proposal's confidence is worth, on average."""
        if not self._first:
            return 1.0
        total = 0.0
        for weight, bin_ in zip(self._first, self._bins, strict=True):
            total += weight * bin_.value
        return total / sum(self._first)

    def _learn(self, likelihood: list[float], n: int) -> None:
        for filter_ in self._filters:
            filter_.step(self._usual, likelihood, n)
        short, long = self._filters
        total = short.evidence + long.evidence
        short.evidence, long.evidence = short.evidence / total, long.evidence / total
        a, b = short.evidence, long.evidence
        self.now = [a * x + b * y for x, y in zip(short.now, long.now, strict=True)]
        follow = min(n * _SETTLING, 1.0)
        keep, spread = 1 - follow, follow * _ELSEWHERE / len(_GRID)
        follow *= 1 - _ELSEWHERE
        self._usual = [
            keep * u + follow * w + spread for u, w in zip(self._usual, self.now, strict=True)
        ]


def _after(weights: list[float], factor: float) -> list[float]:
    return [w * chance for w, chance in zip(weights, _chances(factor), strict=True)]


def _chance(x: float) -> float:
    return min(max(x, _LEAST), _MOST)


def _chances(factor: float) -> list[float]:
    """The chance at each α of the grid, to half a hundredth: looked up, because it is asked for
    several times a token."""
    return _TABLE[min(int(factor * 200 + 0.5), len(_TABLE) - 1)]


_TABLE = [[_chance(alpha * i / 200) for alpha in _GRID] for i in range(401)]
