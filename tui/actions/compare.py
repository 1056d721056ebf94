"""The comparison of drafts: opening it, letting it have the engine, using what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.protocol import ReplyStats
from core.settings import Settings
from tui.choices import DraftOption
from tui.effects import BUSY
from tui.frame import LIST_CELLS, Frame

if TYPE_CHECKING:
    from tui.comparison import Comparison
    from tui.experiment import Experiment
    from tui.lineup import Question

NOTHING_ASKED = "write a message first: it is what the drafts are compared on"
NOT_READY = "the models are not ready yet"


class CompareActions(Frame):
    """What is done to compare drafts."""

    _experiment: Experiment | None = None
    """The chat's own, which exchanging drafts here is not to end."""

    def action_compare(self) -> None:
        from tui.lineup import Lineup, questions
        from tui.screens.compare import CompareScreen

        asked = questions(self.dialogue.conversation, self.composer.text)
        if refusal := self._why_not() or ("" if asked else NOTHING_ASKED):
            self.hint(refusal)
        elif self.size.width >= LIST_CELLS:
            state = self.dialogue.state
            lineup = Lineup(self.dialogue.offer.drafts, state.draft_in_use)
            screen = CompareScreen(asked, lineup, state, self._begin_comparison)
            self.push_screen(screen, self._compared)

    def _why_not(self) -> str:
        """What keeps the engine from being used for a comparison now."""
        state = self.dialogue.state
        if self.dialogue.busy or state.replying:
            return BUSY
        ready = state.target is not None and not (state.stage or state.wanted_draft)
        free = self.comparison is None or self.comparison.over
        return "" if ready and free else NOT_READY

    def _begin_comparison(
        self, question: Question, drafts: Sequence[DraftOption]
    ) -> Comparison | None:
        from tui.comparison import Comparison
        from tui.lineup import plan_for

        if self._why_not():
            return None
        self._experiment = self.dialogue.state.experiment
        self.comparison = Comparison(
            plan_for(self.settings, question.prompts, drafts),
            self.settings,
            self.engine.send,
            chats_draft=lambda: self.dialogue.draft,
            in_use=self.dialogue.state.draft_in_use,
            when_over=lambda: self.call_later(self._comparison_over),
        )
        self.comparison.start()
        return self.comparison

    def _comparison_over(self) -> None:
        """Keep what was measured; begin anew where the engine has died."""
        comparison, target = self.comparison, self.dialogue.state.target
        if comparison is None or target is None:
            return
        self.dialogue.state.experiment = self._experiment
        if comparison.died:
            self.dialogue.open(self.dialogue.offer)
        if self.settings.draft_len == "auto":
            self.in_thread(_record, target.path, tuple(comparison.measured))
        self.show_state()

    def _compared(self, draft: DraftOption | None) -> None:
        if draft is not None and draft.key != self.dialogue.draft.key:
            self.take_draft(draft)
        self.show_state()


def _record(
    target: str,
    measured: Sequence[tuple[DraftOption, ReplyStats]],
    _settings: Settings,
    _post: Callable[..., object],
) -> None:
    """On a thread: what each draft reached, for the advice that is given on drafts."""
    from core.models.records import LOOKUP, record_reply

    for draft, stats in measured:
        record_reply(Path(target), draft.path or LOOKUP, stats)
