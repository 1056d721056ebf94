"""The drafts that can be chosen, the one in use marked, with what each reached in this chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
RATE_CELLS, SPEEDUP_CELLS, SHARE_CELLS = 6, 7, 6
WIDE_CELLS, WIDE_SHARE_CELLS = 50, 10
"""From this width on the last column has room for its whole name."""


@dataclass(frozen=True)
class Listed:
    """Everything that the list shows."""

    drafts: tuple[DraftOption, ...]
    in_use: str = ""
    wanted: str = ""
    scores: dict[str, ScoreTexts] = field(default_factory=dict)
    shares: dict[str, str] = field(default_factory=dict)
    note: str = ""
    """Why nothing is drafted."""
    result: str = ""
    """What the last exchange has brought."""


class DraftList(Lines):
    DEFAULT_CSS = """
    DraftList { height: auto; }
    """

    jump_action = "drafts"

    def __init__(self, drafts: Sequence[DraftOption]) -> None:
        super().__init__()
        self._shown = Listed(tuple(drafts))

    def show(self, drafts: Sequence[DraftOption], state: EngineState, result: str = "") -> None:
        """Take over the drafts, their scores, and in a few words what the last exchange brought."""
        shown = Listed(
            drafts=tuple(drafts),
            in_use=state.draft_in_use if state.drafter else "",
            wanted=state.wanted_draft,
            scores={draft.key: score_texts(state.scores, draft) for draft in drafts},
            shares={draft.key: share_text(state.scores, draft) for draft in drafts},
            note=state.reason if state.paused else "",
            result=result,
        )
        if shown != self._shown:
            self._shown = shown
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        last, cells = (
            ("accepted", WIDE_SHARE_CELLS) if width >= WIDE_CELLS else ("acc.", SHARE_CELLS)
        )
        columns = f"{'tok/s':>{RATE_CELLS}}{'speed-up':>{SPEEDUP_CELLS + 2}}{last:>{cells}}"
        title = "draft" + columns.rjust(width - 5)
        lines = [Content.assemble((title[:5], "bold $muted"), (title[5:], "$muted"))]
        for number, draft in enumerate(self._shown.drafts, start=1):
            lines.append(self._row(number, draft, width, cells))
        # These lines are there with and without a text, so that nothing below them moves.
        lines.append(Content.styled(self._shown.result, "$foreground"))
        lines.append(Content.styled(self._shown.note, "$notice"))
        return [line.truncate(width, ellipsis=True) for line in lines]

    def _row(self, number: int, draft: DraftOption, width: int, share_cells: int) -> Content:
        shown = self._shown
        mark = IN_USE if draft.key == shown.in_use else " "
        if draft.key == shown.wanted and draft.key != shown.in_use:
            mark = WANTED
        rate, speedup, speedup_style = shown.scores.get(draft.key, NO_SCORE)
        share = shown.shares.get(draft.key, "")
        figures_text: list[tuple[str, str]] = [
            (rate.rjust(RATE_CELLS), "$foreground"),
            (speedup.rjust(SPEEDUP_CELLS), speedup_style),
            (share.rjust(share_cells), "$foreground"),
        ]
        style = "bold $foreground" if mark == IN_USE else "$foreground"
        if not draft.usable:
            style, figures_text = "$muted", [(UNFIT, "$muted")]
        room = width - 3 - 3 - sum(len(text) for text, _ in figures_text)
        name = Content(draft.name).truncate(max(1, room), ellipsis=True)
        key = str(number) if draft.usable else "–"
        return Content.assemble(
            (f"{key:>2} ", "$muted"),
            name.stylize_before(style),
            " " * max(0, room - name.cell_length),
            (f" {mark} ", "$accepted" if mark == IN_USE else "$notice"),
            *figures_text,
        )


def score_texts(scores: Scores, draft: DraftOption) -> ScoreTexts:
    """What a draft reached: tok/s, speed-up and its style; empty where it was not used yet."""
    score = scores.by_draft.get(draft.key, Score())
    if score.tok_s is None:
        return NO_SCORE
    if draft.kind == "none":
        return figures.rate(score.tok_s), "", ""
    style = figures.speedup_style(score.speedup)
    return figures.rate(score.tok_s), figures.speedup(score.speedup), style


def share_text(scores: Scores, draft: DraftOption) -> str:
    """How much of what a draft proposed was accepted; empty where it proposed nothing yet."""
    share = scores.by_draft.get(draft.key, Score()).acceptance_rate
    return "" if share is None else figures.percent(share)
