"""Drafts by their numbers, and what exchanging one has brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.alt_digits import read_as_keys
from tui.frame import Frame

if TYPE_CHECKING:
    from tui.experiment import Experiment

RESULT_S = 15.0
"""How long a result stands on the line above the composer; in the panel it stays."""


class DraftActions(Frame):
    """Takes a draft by its number in the list."""

    _told: Experiment | None = None
    """The experiment whose result was said."""

    def on_load(self) -> None:
        read_as_keys()

    def action_pick_draft(self, number: int) -> None:
        drafts = self.dialogue.offer.drafts
        if number > len(drafts):
            self.hint(f"there is no draft {number}; {{drafts}} lists them")
        else:
            self.take_draft(drafts[number - 1])

    def show_state(self) -> None:
        super().show_state()
        experiment = self.dialogue.state.experiment
        if experiment is None or experiment is self._told:
            return
        if result := experiment.result(self.dialogue.state.scores):
            self._told = experiment
            self.divider.say(result.sentence(self.dialogue.offer.name_of), RESULT_S)
