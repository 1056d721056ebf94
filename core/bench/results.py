"""What was measured, as values: one sample a reply, and the medians and ratios made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from core.protocol import DrafterInfo, ModelInfo

BASELINE = "none"
"""The variant without a draft."""
SERVER = "server"
"""The variant that ran on a llama-server."""


@dataclass(frozen=True)
class Sample:
    """One reply. `variant`: BASELINE, SERVER, `auto` or a fixed draft length in digits.

    `tok_s` counts tokens after the first round over the time after it (or after as many tokens as
    were to be skipped); None for a reply too short to say. `wall_s` is the whole of it.
    """

    variant: str
    kind: str
    prompt: int
    repeat: int
    n_tokens: int
    n_rounds: int
    n_drafted: int
    n_accepted: int
    tok_s: float | None
    wall_s: float
    text: str


@dataclass(frozen=True)
class Figures:
    """A variant in figures, over some samples; None where nothing was measured.

    `tok_s` and `wall_s` are medians; `speedup` is the median over replies of this variant's tok/s
    over the baseline's for the same prompt in the same repeat.
    """

    n_replies: int
    n_tokens: int
    tok_s: float | None
    wall_s: float | None
    speedup: float | None
    acceptance_rate: float | None
    tokens_per_round: float | None


@dataclass(frozen=True)
class BenchResult:
    """All samples of a run, in the order in which they were taken."""

    target: ModelInfo
    drafter: DrafterInfo
    variants: tuple[str, ...]
    kinds: tuple[str, ...]
    samples: tuple[Sample, ...]

    @property
    def speculative(self) -> str | None:
        """The variant that the draft is judged by: the first of ours that drafts."""
        return next((v for v in self.variants if v not in (BASELINE, SERVER)), None)

    @property
    def fixed_lengths(self) -> tuple[str, ...]:
        """The variants of a fixed draft length, shortest first; the baseline is length 0."""
        return tuple(sorted(filter(str.isdigit, self.variants), key=int))

    def figures(self, variant: str, kind: str | None = None) -> Figures:
        """The figures of a variant over one kind of prompt, or all."""
        chosen = list(self._chosen(variant, kind))
        n_tokens, n_rounds, n_drafted, n_accepted = (
            sum(getattr(sample, name) for sample in chosen)
            for name in ("n_tokens", "n_rounds", "n_drafted", "n_accepted")
        )
        return Figures(
            n_replies=len(chosen),
            n_tokens=n_tokens,
            tok_s=_median(s.tok_s for s in chosen),
            wall_s=_median(s.wall_s for s in chosen),
            speedup=self.ratio(variant, BASELINE, kind),
            acceptance_rate=n_accepted / n_drafted if n_drafted else None,
            tokens_per_round=n_tokens / n_rounds if n_rounds else None,
        )

    def ratio(self, of: str, to: str, kind: str | None = None) -> float | None:
        """The median of tok/s `of` one variant over that of another, each pair taken from the same
        prompt in the same repeat."""
        others = {(s.kind, s.prompt, s.repeat): s.tok_s for s in self._chosen(to, kind)}
        pairs = (
            (s.tok_s, others.get((s.kind, s.prompt, s.repeat))) for s in self._chosen(of, kind)
        )
        return _median(a / b for a, b in pairs if a and b)

    def best_fixed(self, kind: str | None = None) -> str | None:
        """The fixed length (the baseline counts as one) with the highest median tok/s."""
        rates = {v: self.figures(v, kind).tok_s for v in (BASELINE, *self.fixed_lengths)}
        known = {variant: rate for variant, rate in rates.items() if rate is not None}
        return max(known, key=known.__getitem__, default=None)

    def same_text(self, a: str, b: str) -> float | None:
        """Share of replies in which two variants gave the same text; None where none were paired.

        At temperature 0 it falls below 1 only where two logits are near a tie, or where a server
        renders the prompt in another way.
        """
        texts = {(s.kind, s.prompt, s.repeat): s.text for s in self._chosen(b, None)}
        same = [
            s.text == texts[s.kind, s.prompt, s.repeat]
            for s in self._chosen(a, None)
            if (s.kind, s.prompt, s.repeat) in texts
        ]
        return sum(same) / len(same) if same else None

    def _chosen(self, variant: str, kind: str | None) -> Iterator[Sample]:
        return (s for s in self.samples if s.variant == variant and kind in (None, s.kind))


def _median(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
