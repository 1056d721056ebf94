"""The drafts to choose for a comparison, with what each reached in this chat."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.choices import DraftOption
from tui.lineup import Lineup
from tui.state import EngineState
from tui.widgets.draft_list import IN_USE, score_texts
from tui.widgets.pick_list import PickList

NAME_CELLS = 40
SCORE_CELLS = 19
CHOSEN, NOT_CHOSEN = "[x]", "[ ]"


class LineupList(PickList):
    """Rows with a box each; what Space and Enter do is the screen's to say."""

    DEFAULT_CSS = """
    LineupList { padding: 0 1; }
    """

    def __init__(self, lineup: Lineup, state: EngineState) -> None:
        super().__init__(id="lineup")
        self._lineup, self._state = lineup, state
        self.cursor = 0

    @property
    def highlighted(self) -> DraftOption:
        return self._lineup.options[self.cursor]

    def count(self) -> int:
        return len(self._lineup.options)

    def row(self, index: int, width: int) -> Sequence[Content]:
        draft = self._lineup.options[index]
        chosen = draft in self._lineup.chosen
        in_use = self._state.drafter is not None and draft.key == self._state.draft_in_use
        rate, speedup, style = score_texts(self._state.scores, draft)
        cells = max(6, min(NAME_CELLS, width - SCORE_CELLS - 7))
        name = Content(draft.name).truncate(cells, ellipsis=True)
        return [
            Content.assemble(
                (CHOSEN if chosen else NOT_CHOSEN, "$primary" if chosen else "$muted"),
                " ",
                name.stylize_before("$foreground" if chosen else "$muted"),
                " " * (cells - name.cell_length),
                (f" {IN_USE} " if in_use else "   ", "$accepted"),
                (f"{rate:>6} tok/s" if rate else "", "$muted"),
                (f"{speedup:>7}", style),
            )
        ]
