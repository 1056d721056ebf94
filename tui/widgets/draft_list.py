"""The drafts that can be chosen, the one in use marked, with what each reached in this chat."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui import figures
from tui.choices import DraftOption
from tui.scores import Score, Scores
from tui.state import EngineState
from tui.widgets.lines import Lines

IN_USE, WANTED = "●", "○"
ScoreTexts = tuple[str, str, str]
NO_SCORE: ScoreTexts = ("", "", "")
UNFIT = "does not fit"
RATE_CELLS, SPEEDUP_CELLS = 6, 7


class DraftList(Lines):
    DEFAULT_CSS = """
    DraftList { height: auto; }
    """

    jump_action = "drafts"

    def __init__(self, drafts: Sequence[DraftOption]) -> None:
        super().__init__()
        self._drafts = tuple(drafts)
        self._in_use = ""
        self._wanted = ""
        self._note = ""
        self._scores: dict[str, ScoreTexts] = {}

    def show(self, drafts: Sequence[DraftOption], state: EngineState) -> None:
        """Take over the drafts and their scores."""
        in_use = state.draft_in_use if state.drafter else ""
        scores = {draft.key: score_texts(state.scores, draft) for draft in drafts}
        note = state.reason if state.paused else ""
        shown = (tuple(drafts), in_use, state.wanted_draft, scores, note)
        if shown != (self._drafts, self._in_use, self._wanted, self._scores, self._note):
            self._drafts, self._in_use, self._wanted, self._scores, self._note = shown
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        columns = f"{'tok/s':>{RATE_CELLS}}{'speed-up':>{SPEEDUP_CELLS + 2}}"
        title = "draft" + columns.rjust(width - 5)
        lines = [Content.assemble((title[:5], "bold $muted"), (title[5:], "$muted"))]
        for number, draft in enumerate(self._drafts, start=1):
            lines.append(self._row(number, draft, width))
        # The line is there with and without a note, so that nothing below it moves.
        lines.append(Content.styled(self._note, "$notice").truncate(width, ellipsis=True))
        return lines

    def _row(self, number: int, draft: DraftOption, width: int) -> Content:
        mark = IN_USE if draft.key == self._in_use else " "
        if draft.key == self._wanted and draft.key != self._in_use:
            mark = WANTED
        rate, speedup, speedup_style = self._scores.get(draft.key, NO_SCORE)
        figures_text = f"{rate:>{RATE_CELLS}}{speedup:>{SPEEDUP_CELLS}}"
        room = width - 4 - 2 - len(figures_text)
        style = "bold $foreground" if mark == IN_USE else "$foreground"
        if not draft.usable:
            style, figures_text = "$muted", UNFIT
            room = width - 4 - 2 - len(figures_text)
        name = Content(draft.name).truncate(max(1, room), ellipsis=True)
        key = str(number) if draft.usable else "–"
        return Content.assemble(
            (f"{key:>2} ", "$muted"),
            name.stylize_before(style),
            " " * max(0, room - name.cell_length),
            (f" {mark} ", "$accepted" if mark == IN_USE else "$notice"),
            (rate.rjust(RATE_CELLS), "$foreground") if draft.usable else "",
            (speedup.rjust(SPEEDUP_CELLS), speedup_style) if draft.usable else "",
            "" if draft.usable else (UNFIT, "$muted"),
        ).truncate(width)


def score_texts(scores: Scores, draft: DraftOption) -> ScoreTexts:
    """What a draft reached: tok/s, speed-up and its style; empty where it was not used yet."""
    score = scores.by_draft.get(draft.key, Score())
    if score.tok_s is None:
        return NO_SCORE
    if draft.kind == "none":
        return figures.rate(score.tok_s), "", ""
    style = figures.speedup_style(score.speedup)
    return figures.rate(score.tok_s), figures.speedup(score.speedup), style
