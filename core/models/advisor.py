"""Which draft for this target: judged, put into words and ranked, from values alone.

What was measured on this machine counts first and is called measured. Where nothing was, a
speed-up is predicted from what batches cost here, or else from the bytes that a token has to be
computed from, and is always called predicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.models.catalog import ModelFile
from core.models.compat import Compatibility
from core.models.memory import Plan
from core.models.records import Record
from core.models.shape import Footprint

ASSUMED_ACCEPTANCE = (0.5, 0.8)
"""Chance that a proposal is kept where nothing was measured: on stories, and on code or formulas.
With the slopes below, they come to the speed-ups that pairs of one family are published to reach:
about 1.3 and 2.0 on a GPU."""
SLOPE_CPU, SLOPE_GPU = 0.35, 0.1
"""What a further token in a batch adds to its cost, in single tokens. On two CPU cores eight tokens
of a 1.1B model took 3.4 times as long as one."""
LEAST_STEP = 0.01
"""A draft step costs at least so much of a target's: launching it takes time, too."""
MAX_LENGTH = 16
GAIN = 1.05
"""Less is no gain that anyone would notice."""

# The published rule of thumb: none for a target of 3B, at most 1B for 7B, 3B for 14B, 7B for 32B.
_RULE = ((5e9, 0.0, ""), (10.5e9, 1e9, "1B"), (23e9, 3e9, "3B"), (float("inf"), 7e9, "7B"))
_ROUNDED = 1.35
"""A model called 1B may have 1.3 billion parameters."""


@dataclass(frozen=True)
class Subject:
    """The target: its file, what its memory depends on (None: not known), and the seconds that
    batches of so many tokens take on it here (empty: not measured)."""

    model: ModelFile
    footprint: Footprint | None = None
    costs: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """A draft that is considered, the same of it, and how it goes with the target: whether its
    vocabulary fits, how both fit into memory, and what it achieved so far."""

    model: ModelFile
    compatibility: Compatibility
    footprint: Footprint | None = None
    costs: Mapping[int, float] = field(default_factory=dict)
    memory: Plan | None = None
    record: Record | None = None


@dataclass(frozen=True)
class Prediction:
    """The speed-up expected on text that is hard and on text that is easy to predict, at the draft
    length that suits each. `from_costs`: both models' costs were measured on this machine."""

    low: float
    high: float
    from_costs: bool


@dataclass(frozen=True)
class Advice:
    """A candidate with its verdict, a sentence for people. `prediction` is None where there is
    nothing to predict from, or nothing to expect."""

    candidate: Candidate
    prediction: Prediction | None
    verdict: str

    @property
    def usable(self) -> bool:
        """Whether the engine would take it: the vocabulary fits, and so does the memory."""
        memory = self.candidate.memory
        return self.candidate.compatibility.verdict != "no" and (memory is None or memory.fits)

    @property
    def expected(self) -> float:
        """The speed-up to rank by, measured or predicted."""
        if self.candidate.record:
            return self.candidate.record.speedup
        return (self.prediction.low + self.prediction.high) / 2 if self.prediction else 1.0


def advise(target: Subject, candidates: Sequence[Candidate], *, on_gpu: bool) -> list[Advice]:
    """All candidates, the best first: those that fit, by what is to be expected of them, the
    smaller first among equals; then those for which the memory does not suffice; then those that
    do not fit, with the exact cause."""
    return sorted((_advice(target, candidate, on_gpu) for candidate in candidates), key=_rank)


def warning(target: Subject, drafts: Sequence[Advice]) -> str:
    """What speaks against any draft for this target, as far as nothing measured here speaks for
    one; empty where nothing does."""
    if any(a.candidate.record and a.candidate.record.speedup > 1 for a in drafts):
        return ""
    if _is_mixture(target):
        return "The target is a mixture of experts, which a draft often makes slower."
    if 1 not in target.costs and _active_params(target) < _RULE[0][0]:
        return "A target this small seldom gains from a draft."
    return ""


def _rank(advice: Advice) -> tuple[bool, bool, float, int]:
    candidate = advice.candidate
    unfit = candidate.compatibility.verdict == "no"
    return unfit, not advice.usable, -advice.expected, candidate.model.size_bytes


def _advice(target: Subject, draft: Candidate, on_gpu: bool) -> Advice:
    if draft.compatibility.verdict == "no":
        return Advice(draft, None, f"does not fit: {draft.compatibility.cause}")
    prediction = predict(target, draft, on_gpu=on_gpu)
    if draft.memory and not draft.memory.fits:
        lack = draft.memory.sentence.removeprefix("does not fit: ")
        verdict = f"the vocabulary fits, the memory does not: with the target {lack}"
    elif draft.record:
        verdict = _measured(draft.record)
    else:
        verdict = f"fits; {_expectation(target, draft, prediction)}"
    return Advice(draft, prediction, "; ".join([verdict, *_notes(target, draft)]))


def _measured(record: Record) -> str:
    replies = f"{record.n_replies:,} {'reply' if record.n_replies == 1 else 'replies'}"
    text = f"measured here: {record.speedup:.2f}× over {replies}"
    if record.acceptance_rate is not None:
        text += f", {record.acceptance_rate:.0%} accepted"
    return text + (", slower than without it" if record.speedup < 1 else "")


def _expectation(target: Subject, draft: Candidate, prediction: Prediction | None) -> str:
    size = relative_size(target.model.n_params, draft.model.n_params)
    if prediction is None or not prediction.from_costs:
        warning = _rule_of_thumb(target, draft)
        if warning:
            return f"{size}, {warning}"
    if prediction is None:
        return size
    if prediction.high < GAIN:
        return f"{size}, no gain to be expected"
    text = " on predictable text" if prediction.low < GAIN else ""
    return f"{size}, expect a gain{text}"


def _rule_of_thumb(target: Subject, draft: Candidate) -> str:
    """What speaks against trying, by sizes; empty where nothing does."""
    active = _active_params(target)
    if draft.model.n_params >= active:
        return "too large to make it faster"
    if _is_mixture(target):
        return "and the target is a mixture of experts, which a draft often makes slower"
    largest, name = next((most, name) for limit, most, name in _RULE if active < limit)
    if not largest:
        return "and a target this small seldom gains from a draft"
    if draft.model.n_params > largest * _ROUNDED:
        return f"larger than is worth trying here (at most {name})"
    return ""


def _notes(target: Subject, draft: Candidate) -> Iterator[str]:
    if draft.compatibility.verdict == "yes-but":
        yield draft.compatibility.cause
    if target.footprint and target.footprint.shape.is_recurrent:
        yield "the target keeps a recurrent state, so a rejected draft costs more"
    elif draft.footprint and draft.footprint.shape.is_recurrent:
        yield "the draft keeps a recurrent state, so a rejected draft costs more"
    if draft.memory and draft.memory.fits and draft.memory.sentence.startswith("fits with "):
        yield "it " + draft.memory.sentence.partition(":")[0]


_FRACTIONS = {
    **{2: "half", 3: "a third", 4: "a quarter", 5: "a fifth", 6: "a sixth", 7: "a seventh"},
    **{8: "an eighth", 9: "a ninth", 10: "a tenth", 12: "a twelfth", 16: "a sixteenth"},
    **{20: "a twentieth", 30: "a thirtieth", 40: "a fortieth", 50: "a fiftieth"},
    **{70: "a seventieth", 100: "a hundredth"},
}


def relative_size(target: int, draft: int) -> str:
    """Such as "about a sixteenth of the target's size"; numbers of parameters are given."""
    if draft >= target or draft <= 0:
        return "as large as the target" if draft else "of unknown size"
    ratio = target / draft
    if ratio < 1.5:
        return "nearly as large as the target"
    if ratio > 150:
        return "less than a hundredth of the target's size"
    nearest = min(_FRACTIONS, key=lambda n: abs(ratio - n))
    return f"about {_FRACTIONS[nearest]} {'' if nearest == 2 else 'of '}the target's size"


# ------------------------------------------------------------------ prediction


def predict(target: Subject, draft: Candidate, *, on_gpu: bool) -> Prediction | None:
    """What speed-up to expect; None where the models' sizes are not known.

    Speed-up of drafting γ tokens (Leviathan et al. 2023): (1 − α^(γ+1)) / (1 − α) tokens in the
    time v(γ+1) + γ·c, the target's single token being 1; the best γ is taken, none among them.
    """
    if target.footprint is None or draft.footprint is None:
        return None
    from_costs = 1 in target.costs and 1 in draft.costs
    step = _bytes_read(draft.footprint, 1) / max(_bytes_read(target.footprint, 1), 1)
    if from_costs:
        step = draft.costs[1] / target.costs[1]
    v = _batch_costs(target, on_gpu)
    low, high = (_speedup(v, max(step, LEAST_STEP), alpha) for alpha in ASSUMED_ACCEPTANCE)
    return Prediction(low, high, from_costs)


def _speedup(v: Mapping[int, float], step: float, alpha: float) -> float:
    return max((1 - alpha**n) / (1 - alpha) / (cost + (n - 1) * step) for n, cost in v.items())


def _batch_costs(target: Subject, on_gpu: bool) -> dict[int, float]:
    """What batches of n tokens cost, the single token, which is always among them, being 1."""
    if 1 in target.costs:
        return {n: s / target.costs[1] for n, s in target.costs.items() if n <= MAX_LENGTH + 1}
    assert target.footprint is not None  # asked before
    slope = SLOPE_GPU if on_gpu else SLOPE_CPU
    single = max(_bytes_read(target.footprint, 1), 1)
    return {
        n: max(_bytes_read(target.footprint, n), single) / single + slope * (n - 1)
        for n in range(1, MAX_LENGTH + 2)
    }


def _bytes_read(footprint: Footprint, n: int) -> float:
    """Bytes of the weights that a batch of `n` tokens is computed from. Of a mixture, each token
    chooses its experts, as if by chance: a batch needs most of them soon."""
    shape, weights = footprint.shape, footprint.weights
    every = weights.total - weights.experts - (weights.input if weights.head else 0)
    if not shape.n_expert:
        return every + weights.experts
    share = 1 - (1 - min(shape.n_expert_used / shape.n_expert, 1)) ** n
    return every + weights.experts * share


def _is_mixture(subject: Subject) -> bool:
    return subject.footprint is not None and subject.footprint.weights.experts > 0


def _active_params(subject: Subject) -> float:
    """Parameters that a token is computed from."""
    if subject.footprint is None or not subject.footprint.weights.total:
        return subject.model.n_params
    whole = subject.footprint.weights.total
    idle = subject.footprint.weights.experts
    shape = subject.footprint.shape
    used = min(shape.n_expert_used / shape.n_expert, 1) if shape.n_expert else 1
    return subject.model.n_params * (whole - idle * (1 - used)) / whole
