"""What another target, or a model that has just arrived, means for the drafts on offer.

Reads headers, so it runs on threads and answers with messages; the dialogue does what follows.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from textual.message import Message

from core.demo import DRAFT_PATH, TARGET_PATH
from core.errors import SpecdecError
from core.settings import Settings
from tui.choices import DraftOption, Offer, first_offer, model_option, with_drafts_found
from tui.messages import OfferFound
from tui.sanitize import clean_line

Post = Callable[[Message], object]


@dataclass
class TargetFound(Message):
    """Another target was chosen: what to load with it, or why it cannot be used."""

    offer: Offer | None
    problem: str = ""


def look_up_target(path: str, draft: DraftOption, settings: Settings, post: Post) -> None:
    """Post what to load for the target at `path`, `draft` being in use now; then, as that takes
    longer, which drafts there are for it."""
    try:
        offer = offer_for(path, draft, settings)
    except SpecdecError as error:
        post(TargetFound(None, clean_line(error.message, 400)))
        return
    post(TargetFound(offer))
    with suppress(SpecdecError):  # a file that vanished meanwhile is no draft
        post(OfferFound(with_drafts_found(offer, settings)))


def offer_for(path: str, draft: DraftOption, settings: Settings) -> Offer:
    """The target at `path` with the draft in use, where that fits it; else with the bundled draft
    for the bundled target, and with none for another.

    Raises SpecdecError saying why the target cannot be used.
    """
    from core.models.choose import checked_header, require_compatible

    header = checked_header(Path(path))
    wanted = draft.path or draft.kind
    if draft.path:
        try:
            fits = Path(draft.path) != Path(path)
            require_compatible(header, checked_header(Path(draft.path)))
        except SpecdecError:
            fits = False
        if not fits:
            wanted = str(DRAFT_PATH) if path == str(TARGET_PATH) else "none"
    return first_offer(replace(settings, target=path, draft=wanted, demo=False))


def look_up_arrived(path: str, wanted: bool, offer: Offer, settings: Settings, post: Post) -> None:
    """Post the drafts that there are now that a model has arrived at `path`; with it among them
    wherever it was `wanted` as one."""
    with suppress(SpecdecError):
        found = with_drafts_found(offer, settings)
        if wanted and found.get(path) is None:
            found = found.with_draft(model_option(path))
        post(OfferFound(found))
