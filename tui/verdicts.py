"""What a comparison says in the end, in sentences: which draft was the fastest, whether the texts
are the same, and over how much. Nothing is said that was not measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.bench.board import Standing, first_difference, standings, wins
from core.bench.results import BASELINE
from core.models.records import MIN_TOKENS
from core.protocol import Sampling
from tui import figures
from tui.comparison import Comparison
from tui.replies import SEPARATOR
from tui.sanitize import clean_line

SNIPPET = 18
"""Characters of each text that are shown where two part."""
NO_BASELINE = "Nothing to compare: there is no whole reply without a draft yet."
TOO_SHORT = "The replies are too short to say which draft is faster."


@dataclass(frozen=True)
class Verdict:
    """`winner` is the key of the draft to use; empty where that cannot be said."""

    winner: str
    text: str


def ranked(comparison: Comparison) -> tuple[Standing, ...]:
    """The drafts that made whole replies, best first."""
    keys = [contestant.key for contestant in comparison.contestants]
    return tuple(s for s in standings(comparison.samples, keys) if s.n_replies)


def verdict(comparison: Comparison) -> Verdict:
    """Which draft was the fastest, beside the target alone."""
    if comparison.problem:
        return Verdict("", comparison.problem)
    drafts = [s for s in ranked(comparison) if s.variant != BASELINE and s.speedup]
    if not drafts:
        return Verdict("", _nothing(comparison))
    if max(sample.n_tokens for sample in comparison.samples) < MIN_TOKENS:
        return Verdict("", TOO_SHORT)
    best = drafts[0]
    assert best.speedup is not None
    name, gain = _name(comparison, best.variant), figures.speedup(best.speedup)
    if best.speedup <= 1:
        return Verdict(BASELINE, f"No draft is faster here: {name} {gain}.")
    parts = [
        f"{name}: {gain}, {figures.rate(best.tok_s)} tok/s, "
        f"{figures.percent(best.acceptance_rate)} accepted",
        "same text" if best.same_text == 1 else "another text",
    ]
    doubt = _doubt(comparison, drafts)
    return Verdict(best.variant, SEPARATOR.join(parts) + (f"; {doubt}" if doubt else "") + ".")


def _nothing(comparison: Comparison) -> str:
    if any(sample.variant == BASELINE for sample in comparison.samples):
        problems = [c for c in comparison.contestants if c.problem]
        return f"{problems[0].draft.name}: {problems[0].problem}" if problems else TOO_SHORT
    return NO_BASELINE


def _doubt(comparison: Comparison, drafts: Sequence[Standing]) -> str:
    """What keeps the first place from being certain, if anything does. One reply by each is no
    doubt; that it was only one stands beside it."""
    best = drafts[0].variant
    for other in (BASELINE, *(standing.variant for standing in drafts[1:2])):
        n_won, n = wins(comparison.samples, best, other)
        if n_won < n:
            name = "no draft" if other == BASELINE else _name(comparison, other)
            return f"faster than {name} in {n_won} of {n} replies"
    return ""


def basis(comparison: Comparison) -> str:
    """What the figures rest on: how many replies, how long, drawn how; and no more than that."""
    drafts = [s.n_replies for s in ranked(comparison)]
    if not drafts:
        return ""
    low, high = min(drafts), max(drafts)
    n = str(high) if low == high else f"{low} to {high}"
    replies = f"{n} {'reply' if high == 1 else 'replies'} by each"
    n_prompts = len(comparison.plan.prompts)
    of = "this prompt" if n_prompts == 1 else f"these {n_prompts} prompts"
    longest = max(sample.n_tokens for sample in comparison.samples)
    at_most = f"of at most {figures.count(longest, 'token')}"
    how = _drawing(comparison.plan.sampling, comparison.plan.own_seed)
    early = "; stopped early" if comparison.stopped else ""
    return f"{replies} {at_most}, {how}; measured on {of} only{early}."


def _drawing(sampling: Sampling, own_seed: bool) -> str:
    if sampling.temperature == 0:
        return "temperature 0"
    seed = f"seed {sampling.seed}" + (" for all, as none is set" if own_seed else "")
    return f"temperature {sampling.temperature:g}, {seed}"


# ------------------------------------------------------------------ texts


def same_text_expected(sampling: Sampling) -> bool:
    """Whether every draft must give the text of the target alone, token by token."""
    exact = sampling.verify == "exact" or (sampling.verify == "auto" and sampling.seed is not None)
    return sampling.temperature == 0 or exact


def parting(comparison: Comparison, key: str) -> int | None:
    """After how many characters the text that is shown of a draft leaves that of the target alone;
    None where it does not, or where the one or the other is not whole yet."""
    both = comparison.last_two(key)
    return first_difference(both[0].text, both[1].text) if both else None


def texts(comparison: Comparison) -> str:
    """Whether the texts are the same, and what it means where they are not."""
    drafts = [s for s in ranked(comparison) if s.same_text is not None]
    if len(drafts) < 2:
        return ""
    odd = [s for s in drafts if s.same_text != 1]
    expected = same_text_expected(comparison.plan.sampling)
    if not odd:
        return "All texts are the same" + (", as they must be." if expected else ".")
    if not expected:
        return "The texts differ, as they may: rejection sampling draws anew."
    first = next((s for s in odd if parting(comparison, s.variant) is not None), odd[0])
    return (
        f"{_where(comparison, first)} Lossless means the same text: batches of other sizes round "
        "differently, and where two tokens are as good as equally likely the choice may differ."
    )


def _where(comparison: Comparison, standing: Standing) -> str:
    name = (
        "without a draft" if standing.variant == BASELINE else _name(comparison, standing.variant)
    )
    both, at = comparison.last_two(standing.variant), parting(comparison, standing.variant)
    if both is None or at is None:
        return f"{name}: not the same text in every reply."
    own, alone = both
    n_tokens = first_difference(own.tokens, alone.tokens) or 0
    return (
        f"{name}: another text after {figures.count(at, 'character')}, "
        f"{figures.count(n_tokens, 'token')} "
        f"(“{_snippet(own.text, at)}”, alone “{_snippet(alone.text, at)}”)."
    )


def _snippet(text: str, at: int) -> str:
    return clean_line(text[at : at + SNIPPET]) or "its end"


def _name(comparison: Comparison, key: str) -> str:
    return comparison.contestant(key).draft.name
