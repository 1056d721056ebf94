"""What is to be said of every draft on this machine for the target in use: the advisor's judgement,
joined with the drafts on offer. Looked up on a thread, as files are read; no Textual here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import SpecdecError
from core.protocol import DeviceMemory
from core.settings import Settings
from tui import figures
from tui.choices import DraftOption, Offer, model_name
from tui.model_shelf import real_path
from tui.sanitize import clean_line

if TYPE_CHECKING:
    from core.models.advisor import Advice, Prediction
    from core.models.memory import Device
    from core.models.records import Record

MEASURED, PREDICTED = "measured", "predicted"
MAIN = "CPU"


@dataclass(frozen=True)
class Judgement:
    """What the advisor says of the drafts, the best first, by their real paths; what prompt lookup
    achieved; and what the target itself speaks against, if anything. `problem`: why there is no
    judgement."""

    advice: Mapping[str, Advice] = field(default_factory=dict)
    lookup: Record | None = None
    warning: str = ""
    problem: str = ""


@dataclass(frozen=True)
class DraftRow:
    """One row of the list. `number`: the key that chooses it, 0 where there is none."""

    option: DraftOption
    number: int = 0
    advice: Advice | None = None
    record: Record | None = None

    @property
    def usable(self) -> bool:
        return self.option.usable


def judge(target: str, draft: str, memory: Sequence[DeviceMemory], settings: Settings) -> Judgement:
    """On a thread: judge all drafts for `target`, which is loaded with `draft` (empty: no model) if
    the engine has said anything of its memory."""
    from core.models.advisor import warning
    from core.models.survey import survey

    loaded = [Path(path) for path in (target, draft) if path] if memory else []
    options = settings.target_options()
    draft_options = settings.draft_choice("model", "").options
    try:
        found = survey(
            Path(target),
            settings.models_dirs,
            devices_now(memory),
            options,
            draft_options,
            loaded=loaded,
        )
    except SpecdecError as error:
        return Judgement(problem=clean_line(error.message, 400))
    advice = {real_path(str(a.candidate.model.path)): a for a in found.drafts}
    return Judgement(advice, found.lookup, warning(found.target, found.drafts))


def devices_now(memory: Sequence[DeviceMemory]) -> list[Device]:
    """The devices, from what the engine last said of them; main memory as it is now."""
    from core.models.machine import main_memory
    from core.models.memory import Device

    gpus = [
        Device(d.name, "GPU", d.total - d.used if d.total else None, d.total)
        for d in memory
        if d.name != MAIN
    ]
    return [main_memory(), *gpus]


def rows(offer: Offer, judgement: Judgement | None) -> tuple[DraftRow, ...]:
    """The drafts on offer under their numbers, then others that fit, and last what does not."""
    known = judgement or Judgement()
    able: list[DraftRow] = []
    unfit: list[DraftRow] = []
    seen = {real_path(offer.target)}
    for number, option in enumerate(offer.drafts, start=1):
        advice = known.advice.get(real_path(option.path)) if option.path else None
        record = advice.candidate.record if advice else None
        if option.kind == "lookup":
            record = known.lookup
        row = DraftRow(option, number if option.usable else 0, advice, record)
        (able if row.usable else unfit).append(row)
        seen.add(real_path(option.path) if option.path else "")
    for path, advice in known.advice.items():
        if path not in seen:
            row = DraftRow(_option(advice), 0, advice, advice.candidate.record)
            (able if row.usable else unfit).append(row)
    return (*able, *unfit)


def _option(advice: Advice) -> DraftOption:
    model, fit = advice.candidate.model, advice.candidate.compatibility
    reason = clean_line(fit.cause, 200) if fit.verdict == "no" else ""
    return DraftOption("model", clean_line(model.name, 60), str(model.path), reason)


def expected(record: Record | None, prediction: Prediction | None) -> tuple[str, str]:
    """The speed-up to expect, and whether it was measured on this machine or predicted."""
    if record:
        return figures.speedup(record.speedup), MEASURED
    if prediction is None:
        return "", ""
    low, high = f"{prediction.low:.1f}", f"{prediction.high:.1f}"
    return f"{low if low == high else f'{low}–{high}'}×", PREDICTED


Fact = tuple[str, str, str]
"""A label, its value and the value's style; empty values are left out."""


def facts(row: DraftRow, judgement: Judgement | None) -> Iterator[Fact]:
    """What is known of a draft, in sentences, the most telling first."""
    advice, option = row.advice, row.option
    if advice:
        style = "$foreground" if advice.usable else "$notice"
        yield "verdict", advice.verdict, style
    elif option.reason:
        yield "verdict", f"does not fit: {option.reason}", "$notice"
    elif option.kind == "none":
        yield "verdict", "the target alone; what all speed-ups are measured against", ""
    elif option.kind == "lookup":
        yield "verdict", _lookup(row.record), ""
    elif judgement is not None:
        yield "verdict", judgement.problem or "not among the models that were found", "$notice"
    if advice and advice.candidate.memory and advice.usable:  # else the verdict has said it
        yield "memory", f"{advice.candidate.memory.sentence}, the target included", ""
    if advice:
        model = advice.candidate.model
        yield "file", f"{model.quantisation}  {figures.size(model.size_bytes)}  {model.path}", ""
    elif option.path:
        yield "file", option.path, ""


def _lookup(record: Record | None) -> str:
    text = "takes what followed where the end of the text stood before; costs nothing"
    if record is None:
        return text
    replies = f"{record.n_replies:,} {'reply' if record.n_replies == 1 else 'replies'}"
    return f"measured here: {record.speedup:.2f}× over {replies}; {text}"


def title(offer: Offer) -> str:
    return f"drafts for {model_name(offer.target)}"
