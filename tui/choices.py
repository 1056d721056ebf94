"""Which target and drafts the app offers. Pure decisions; GGUF files are read only by `scan`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from core.demo import DRAFT_PATH, TARGET_PATH
from core.models.names import name_of
from core.protocol import DraftChoice, DrafterInfo, DrafterKind
from core.settings import Settings
from tui.sanitize import clean_line


@dataclass(frozen=True)
class DraftOption:
    """One row of the list of drafts. `reason` says why it cannot be used, where it cannot."""

    kind: DrafterKind
    name: str
    path: str = ""
    reason: str = ""

    @property
    def key(self) -> str:
        return self.path or self.kind

    @property
    def usable(self) -> bool:
        return not self.reason

    def choice(self, settings: Settings) -> DraftChoice:
        return settings.draft_choice(self.kind, self.path or None)


@dataclass(frozen=True)
class Offer:
    """The target to load, the drafts to choose from, and the one to begin with."""

    target: str
    drafts: tuple[DraftOption, ...]
    initial: DraftOption

    def next_after(self, key: str) -> DraftOption:
        """The usable draft that follows `key` in the list, around its end."""
        usable = [draft for draft in self.drafts if draft.usable]
        keys = [draft.key for draft in usable]
        position = keys.index(key) + 1 if key in keys else 0
        return usable[position % len(usable)]

    def get(self, key: str) -> DraftOption | None:
        return next((draft for draft in self.drafts if draft.key == key), None)

    def name_of(self, key: str) -> str:
        """What the draft with this key is called, also where it is not in the list any more."""
        draft = self.get(key)
        if draft is not None:
            return "no draft" if draft.kind == "none" else draft.name
        return model_name(key)

    def with_draft(self, draft: DraftOption) -> Offer:
        """The offer with `draft` in it, in place of one of the same key."""
        others = tuple(known for known in self.drafts if known.key != draft.key)
        return replace(self, drafts=(*others, draft))


NONE = DraftOption("none", "none")
LOOKUP = DraftOption("lookup", "prompt lookup")
MOST_DRAFTS = 9
"""So that each has a digit of its own."""


def model_name(path: str) -> str:
    """A model's name as a label."""
    return clean_line(name_of(Path(path)), 60)


def draft_key(drafter: DrafterInfo) -> str:
    """The key of the option that this drafter is."""
    return drafter.model.path if drafter.model else drafter.kind


def model_option(path: str) -> DraftOption:
    return DraftOption("model", model_name(path), path)


def first_offer(settings: Settings) -> Offer:
    """What the settings seem to mean, for the first frame; nothing is read from the disk."""
    target, wanted = settings.pair()
    if wanted == "auto":
        wanted = "none" if target else str(DRAFT_PATH)
    target = target or str(TARGET_PATH)
    fixed = {"none": NONE, "lookup": LOOKUP}
    return _offer(target, fixed.get(wanted) or model_option(wanted))


def chosen_offer(settings: Settings) -> Offer:
    """What the settings mean, by the rules of the command line. Reads GGUF headers.

    Raises SpecdecError saying why the target or the draft cannot be used.
    """
    from core.models.choose import choose_pair

    target, draft = choose_pair(settings)
    fixed = {"none": NONE, "lookup": LOOKUP}
    return _offer(str(target), fixed.get(draft.kind) or model_option(draft.path or ""))


def with_drafts_found(offer: Offer, settings: Settings) -> Offer:
    """`offer` with the drafts for its target that are on this machine, the most promising first.
    Reads the GGUF headers that the index does not know.

    Only language models smaller than the target count. Those that do not fit come last, with the
    reason, and only from the target's own folder: elsewhere they mean nothing to this target.
    """
    from core.models.survey import survey

    if offer.target == str(TARGET_PATH):
        return offer
    target = Path(offer.target)
    draft_options = settings.draft_choice("model", "").options
    # Without devices: how much memory is free is another question than which drafts there are.
    found = survey(target, settings.models_dirs, [], settings.target_options(), draft_options)
    fitting, unfit = [], []
    for advice in found.drafts:
        model, fit = advice.candidate.model, advice.candidate.compatibility
        if model.n_params >= found.target.model.n_params or offer.get(str(model.path)):
            continue
        option = DraftOption("model", clean_line(model.name, 60), str(model.path))
        if fit.verdict != "no":
            fitting.append(option)
        elif model.path.parent == target.parent:
            unfit.append(replace(option, reason=clean_line(fit.cause)))
    return replace(offer, drafts=(*offer.drafts, *fitting, *unfit)[:MOST_DRAFTS])


def _offer(target: str, initial: DraftOption) -> Offer:
    drafts = [NONE, LOOKUP]
    if initial.kind == "model":
        drafts.append(initial)
    if target == str(TARGET_PATH) and initial.path != str(DRAFT_PATH):
        drafts.append(model_option(str(DRAFT_PATH)))
    return Offer(target, tuple(drafts), initial)
