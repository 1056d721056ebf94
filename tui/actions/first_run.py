"""The first start: a screen with pairs to begin with, once, and from the palette at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.demo import DRAFT_PATH, TARGET_PATH
from tui.choices import NONE, model_option
from tui.effects import BUSY
from tui.frame import Frame
from tui.switching import look_up_target

if TYPE_CHECKING:
    from tui.welcoming import Bundled, Local


class FirstRunActions(Frame):
    """Offers pairs to somebody who has none yet."""

    def welcome(self) -> None:
        """After the first frame, on the first start."""
        from tui.welcoming import is_first_start

        if self.given_offer is None and is_first_start(self.settings):
            self.offer_pairs(first=True)

    def action_first_run(self) -> None:
        self.offer_pairs()

    def offer_pairs(self, *, first: bool = False) -> None:
        """The screen with pairs; `first`: the bundled one is loading, and nothing was chosen."""
        from tui.screens.first_run import FirstRunScreen

        screen = FirstRunScreen(self.settings, self.dialogue.state, self.fetcher, first=first)
        self.push_screen(screen, self._pair_chosen)

    def _pair_chosen(self, pair: Local | Bundled | None) -> None:
        from tui.welcoming import Bundled, remember_start

        remember_start()
        if isinstance(pair, Bundled):
            target, draft = str(TARGET_PATH), model_option(str(DRAFT_PATH))
        elif pair is not None:
            target, draft = pair.target, model_option(pair.draft) if pair.draft else NONE
        if pair is None or (target, draft.key) == self._pair_in_use:
            return
        if self.dialogue.busy:
            self.hint(BUSY)
        else:
            self.in_thread(look_up_target, target, draft)

    @property
    def _pair_in_use(self) -> tuple[str, str]:
        return self.dialogue.offer.target, self.dialogue.draft.key
