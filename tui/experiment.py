"""What exchanging the draft has brought, once enough tokens were measured to say so. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tui import figures
from tui.scores import Score, Scores

ENOUGH = 48
"""Tokens of either draft; fewer say little."""


@dataclass(frozen=True)
class Experiment:
    """The draft was exchanged: `after` took the place of `before` (keys), when it had been credited
    with `n_credited` tokens already."""

    before: str
    after: str
    n_credited: int = 0

    def result(self, scores: Scores) -> Result | None:
        """What both reached in this conversation; None as long as that is not known well enough."""
        before, after = (scores.by_draft.get(key) for key in (self.before, self.after))
        if before is None or after is None or before.n_tokens < ENOUGH:
            return None
        if after.n_tokens - self.n_credited < ENOUGH:
            return None
        return Result(self.before, before, self.after, after)


def begin(scores: Scores, before: str, after: str) -> Experiment:
    """The draft is exchanged now."""
    known = scores.by_draft.get(after)
    return Experiment(before, after, known.n_tokens if known else 0)


@dataclass(frozen=True)
class Result:
    """The draft before and the one after, with their scores."""

    before: str
    score_before: Score
    after: str
    score_after: Score

    @property
    def gain(self) -> float | None:
        """The share by which the rate of tokens has grown; below 0 where it has shrunk."""
        old, new = self.score_before.tok_s, self.score_after.tok_s
        return new / old - 1 if old and new else None

    def sentence(self, name: Callable[[str], str]) -> str:
        """`demo-draft 142 tok/s (2.31×) · before: prompt lookup 63 (1.03×)`."""
        after = f"{name(self.after)} {figures.rate(self.score_after.tok_s)} tok/s"
        before = f"{name(self.before)} {figures.rate(self.score_before.tok_s)}"
        now, then = _factor(self.after, self.score_after), _factor(self.before, self.score_before)
        return f"{after}{now} · before: {before}{then}"

    def short(self, name: Callable[[str], str]) -> str:
        """`125% more tok/s than prompt lookup`."""
        if self.gain is None:
            return ""
        more = "more" if self.gain >= 0 else "fewer"
        return f"{abs(self.gain) * 100:.0f}% {more} tok/s than {name(self.before)}"


def _factor(draft: str, score: Score) -> str:
    """Nothing without a draft: the target alone is what all factors are measured against."""
    if draft == "none" or score.speedup is None:
        return ""
    return f" ({figures.speedup(score.speedup)})"
