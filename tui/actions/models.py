"""Targets and drafts: finding them at the start, exchanging them, the browser, the downloads."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from textual import on

from core.errors import SpecdecError
from tui.choices import DraftOption, chosen_offer, with_drafts_found
from tui.effects import Notice
from tui.frame import Frame
from tui.messages import Fetched, Judged, OfferFound
from tui.sanitize import clean_line
from tui.switching import TargetFound, look_up_arrived, look_up_target

if TYPE_CHECKING:
    from tui.screens.models import Use

NOT_LOOKED = "The models could not be looked for."


class ModelActions(Frame):
    """What is done with models."""

    def look_for_models(self) -> None:
        """On a thread: what the settings mean, then which drafts there are."""
        try:
            offer = self.given_offer or chosen_offer(self.settings)
        except Exception as error:  # nor may a defect leave the app waiting for its models
            said = error.message if isinstance(error, SpecdecError) else NOT_LOOKED
            self.post_message(OfferFound(None, clean_line(said, 400)))
            if isinstance(error, SpecdecError):
                return
            raise
        self.post_message(OfferFound(offer))
        if self.given_offer is None:
            with suppress(SpecdecError):  # a file that vanished meanwhile is no draft
                self.post_message(OfferFound(with_drafts_found(offer, self.settings)))

    # -------------------------------------------------------------- drafts

    def action_next_draft(self) -> None:
        self.divider.say(f"draft: {self.dialogue.next_draft().name}")
        self.show_state()

    def action_drafts(self) -> None:
        from tui.screens.drafts import DraftsScreen

        self.push_screen(DraftsScreen(self.settings, self.dialogue), self._draft_chosen)

    def _draft_chosen(self, draft: DraftOption | None) -> None:
        if draft is not None:
            if self.dialogue.offer.get(draft.key) is None:
                draft = self.dialogue.offered(draft.path)
            self.take_draft(draft)

    # -------------------------------------------------------------- the browser

    def action_models(self) -> None:
        from tui.screens.models import ModelsScreen

        screen = ModelsScreen(self.settings, self.dialogue, self.fetcher, self.browser)
        self.push_screen(screen, self._model_chosen)

    def _model_chosen(self, use: Use | None) -> None:
        if use is not None and use.role == "draft":
            self._draft_chosen(self.dialogue.offered(use.path))
        elif use is not None:
            self.in_thread(look_up_target, use.path, self.dialogue.draft)

    @on(TargetFound)
    def _target_found(self, message: TargetFound) -> None:
        if message.offer is None:
            self.tell(Notice(message.problem, "error"))
        else:
            self.dialogue.switch(message.offer)
        self.show_state()

    # -------------------------------------------------------------- downloads

    def action_downloads(self) -> None:
        from tui.screens.downloads import DownloadsScreen

        self.push_screen(DownloadsScreen(self.fetcher))

    @on(Fetched)
    @on(Judged)
    def _take_news(self, message: Fetched | Judged) -> None:
        from tui.downloads import arrival

        if item := self.fetcher.take(message):
            said = arrival(item, self.shortcuts.named)
            self.tell(Notice(said, "error" if item.note else "information"))
            if item.path:
                wanted = bool(item.request.draft_for)
                self.in_thread(look_up_arrived, item.path, wanted, self.dialogue.offer)
