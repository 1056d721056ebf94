"""The first start: a screen with pairs to begin with, once, and from the palette at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.choices import NONE, model_option
from tui.frame import Frame
from tui.switching import look_up_target

if TYPE_CHECKING:
    from tui.welcoming import Local


class FirstRunActions(Frame):
    """Offers pairs to somebody who has none yet."""

    def welcome(self) -> None:
        """After the first frame, on the first start."""
        from tui.welcoming import is_first_start

        if self.given_offer is None and is_first_start(self.settings):
            self.action_first_run()

    def action_first_run(self) -> None:
        from tui.screens.first_run import FirstRunScreen

        screen = FirstRunScreen(self.settings, self.dialogue.state, self.fetcher)
        self.push_screen(screen, self._pair_chosen)

    def _pair_chosen(self, pair: Local | None) -> None:
        from tui.welcoming import remember_start

        remember_start()
        if pair is not None:
            draft = model_option(pair.draft) if pair.draft else NONE
            self.in_thread(look_up_target, pair.target, draft)
