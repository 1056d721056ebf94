"""How likely the target keeps a proposal, learned online by position and by confidence.

A long memory, so that a steady text gives steady figures, and a short one beside it: where the two
disagree by more than chance allows, the text has changed its character and the past is dropped.
"""

from __future__ import annotations

from bisect import bisect_right

EDGES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.96, 0.99)
"""Borders of the bins of the draft's own probability, denser where it is sure of itself."""
_PRIOR = (0.1, 0.27, 0.42, 0.57, 0.72, 0.85, 0.93, 0.97, 0.99)
"""What a bin is taken for before anything was seen: that the draft is as right as it says."""
_PRIOR_WEIGHT = 2.0
_LONG, _SHORT = 0.985, 0.9
_SURPRISE = 2.2
"""Standard deviations between the two memories that count as a change of the text."""
_KEPT_ON_CHANGE = 0.1


class _Share:
    """A share of successes with exponential forgetting."""

    __slots__ = ("kept", "seen")

    def __init__(self, seen: float = 0.0, share: float = 0.0) -> None:
        self.seen, self.kept = seen, seen * share

    def record(self, kept: bool, memory: float) -> None:
        self.seen = self.seen * memory + 1
        self.kept = self.kept * memory + kept

    def toward(self, prior: float, weight: float) -> float:
        return (self.kept + weight * prior) / (self.seen + weight)

    def fade(self, factor: float) -> None:
        self.seen *= factor
        self.kept *= factor


class Acceptance:
    """The record of one drafter."""

    def __init__(self, n_max: int, prior: float = 0.85) -> None:
        self._long, self._short = _Share(3.0, prior), _Share(3.0, prior)
        self._bins = [_Share() for _ in _PRIOR]
        self._at = [_Share() for _ in range(n_max)]
        self._first = [_PRIOR_WEIGHT / len(_PRIOR) for _ in _PRIOR]

    def record(self, position: int, p: float | None, kept: bool) -> None:
        """The proposal at `position` (0: the first), to which the draft gave probability `p`, was
        judged after all before it were kept."""
        self._long.record(kept, _LONG)
        self._short.record(kept, _SHORT)
        if position < len(self._at):
            self._at[position].record(kept, _LONG)
        if p is not None:
            self._bins[bisect_right(EDGES, p)].record(kept, _LONG)
        if self._text_changed():
            for share in (self._long, *self._bins, *self._at):
                share.fade(_KEPT_ON_CHANGE)

    def record_first(self, p: float) -> None:
        """The draft's probability of a first proposal, whether it was judged or not."""
        self._first = [weight * _LONG for weight in self._first]
        self._first[bisect_right(EDGES, p)] += 1

    @property
    def mean(self) -> float:
        """Chance that a proposal is kept, given that those before it were."""
        return self._long.toward(self._short.toward(0.5, 0.5), 2.0)

    def at(self, position: int) -> float:
        """The same at a position, drawn to the mean where little was seen there."""
        return self._at[position].toward(self.mean, 8.0)

    def given(self, p: float | None) -> float:
        """Chance that a proposal is kept to which the draft gives probability `p` (None: mean)."""
        return self.mean if p is None else self._of_bin(bisect_right(EDGES, p))

    def first_proposals(self) -> list[tuple[float, float]]:
        """How often a first proposal falls into each bin (adds up to 1), and its chance there;
        empty where the drafter gives no probabilities."""
        total = sum(self._first)
        if not any(share.seen for share in self._bins):
            return []
        return [(weight / total, self._of_bin(i)) for i, weight in enumerate(self._first)]

    def _of_bin(self, bin_: int) -> float:
        return self._bins[bin_].toward(_PRIOR[bin_], _PRIOR_WEIGHT)

    def _text_changed(self) -> bool:
        long, short = self._long.toward(0.5, 1.0), self._short.toward(0.5, 1.0)
        n = min(self._short.seen, 1 / (1 - _SHORT))
        deviation = (long * (1 - long) / max(n, 1.0)) ** 0.5
        return self._long.seen > 1.5 * n and abs(short - long) > _SURPRISE * deviation
