"""Drafts ranked by what they brought on the same prompts, and how two texts differ.

Pure arithmetic over samples, apart from who takes them: the command line through the runner, the
app through the engine that it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from core.bench.results import BASELINE, Sample


@dataclass(frozen=True)
class Standing:
    """One draft over its replies, each of which stands beside one without a draft to the same
    prompt in the same repeat; None where nothing was measured.

    `variant` is as the samples name it. `tok_s` is a median; `speedup` is the median over replies
    of tok/s over that of the one beside it, `low` and `high` are the least and the most of these.
    `same_text`: the share of replies with the text of the first one without a draft to the prompt.
    """

    variant: str
    n_prompts: int
    n_replies: int
    tok_s: float | None
    speedup: float | None
    low: float | None
    high: float | None
    n_faster: int
    """Replies that were faster than those beside them."""
    acceptance_rate: float | None
    tokens_per_round: float | None
    same_text: float | None


def standings(samples: Sequence[Sample], variants: Iterable[str]) -> tuple[Standing, ...]:
    """The variants, the one with the highest speed-up first and what was not measured last. The
    baseline is among them at 1: what stands below it is slower than no draft."""
    ranked = [_standing(samples, variant) for variant in variants]
    return tuple(sorted(ranked, key=lambda s: s.speedup or 0.0, reverse=True))


def wins(samples: Sequence[Sample], of: str, over: str) -> tuple[int, int]:
    """How often one variant was faster than another, of the times that both answered the same
    prompt in the same repeat."""
    others = {_place(sample): sample.tok_s for sample in samples if sample.variant == over}
    pairs = [(s.tok_s, others.get(_place(s))) for s in samples if s.variant == of]
    known = [(a, b) for a, b in pairs if a and b]
    return sum(a > b for a, b in known), len(known)


def first_difference(text: Sequence[object], other: Sequence[object]) -> int | None:
    """How many characters (or tokens, where they are given) two texts have in common from their
    beginning on; None where they are the same."""
    if text == other:
        return None
    pairs = enumerate(zip(text, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(text), len(other)))


def _standing(samples: Sequence[Sample], variant: str) -> Standing:
    beside = {_place(sample): sample for sample in samples if sample.variant == BASELINE}
    chosen = [s for s in samples if s.variant == variant and _place(s) in beside]
    pairs = [(sample.tok_s, beside[_place(sample)].tok_s) for sample in chosen]
    ratios = [tok_s / alone for tok_s, alone in pairs if tok_s and alone]
    rates = [sample.tok_s for sample in chosen if sample.tok_s]
    n_drafted, n_rounds = sum(s.n_drafted for s in chosen), sum(s.n_rounds for s in chosen)
    return Standing(
        variant=variant,
        n_prompts=len({(sample.kind, sample.prompt) for sample in chosen}),
        n_replies=len(chosen),
        tok_s=median(rates) if rates else None,
        speedup=median(ratios) if ratios else None,
        low=min(ratios, default=None),
        high=max(ratios, default=None),
        n_faster=sum(ratio > 1 for ratio in ratios),
        acceptance_rate=sum(s.n_accepted for s in chosen) / n_drafted if n_drafted else None,
        tokens_per_round=sum(s.n_tokens for s in chosen) / n_rounds if n_rounds else None,
        same_text=_same_text(samples, chosen),
    )


def _place(sample: Sample) -> tuple[str, int, int]:
    return sample.kind, sample.prompt, sample.repeat


def _same_text(samples: Sequence[Sample], chosen: Sequence[Sample]) -> float | None:
    alone: dict[tuple[str, int], str] = {}
    for sample in samples:
        if sample.variant == BASELINE:
            alone.setdefault((sample.kind, sample.prompt), sample.text)
    same = [sample.text == alone[sample.kind, sample.prompt] for sample in chosen]
    return sum(same) / len(same) if same else None
