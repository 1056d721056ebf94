"""Comparing drafts on a prompt: choose them, watch them answer in turn, use the fastest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import ModalScreen

from tui.choices import DraftOption
from tui.comparison import BUDGET_S, Comparison
from tui.lineup import MOST_TOKENS, Lineup, Question
from tui.sanitize import clean_line
from tui.state import EngineState
from tui.verdicts import basis, texts, verdict
from tui.widgets.compare_board import CompareBoard
from tui.widgets.key_hints import Hint, KeyHints
from tui.widgets.lines import Lines
from tui.widgets.lineup_list import LineupList
from tui.widgets.pick_list import PickList

LOOK_AGAIN_S = 0.1
WORDS, WORDS_OF_SEVERAL, MOST_SHOWN = 220, 74, 3
"""Characters of a prompt that are shown, alone and beside others, and how many prompts are."""
ONE_DRAFT = "choose at least one draft: Space does"
Begin = Callable[[Question, Sequence[DraftOption]], Comparison | None]
"""Starts a comparison; None where the engine is not free."""


class CompareScreen(ModalScreen[DraftOption | None]):
    """Closes with the draft to use, or None."""

    CSS = """
    CompareScreen.page { background: $background; align: left top; }
    """
    DEFAULT_CSS = """
    CompareScreen {
        & #page { width: 100%; height: 100%; }
        & #asked { height: auto; max-height: 4; background: $panel; padding: 0 1; }
        & #said { height: auto; max-height: 8; padding: 0 1; }
        & LineupList, & CompareBoard { margin-top: 1; }
        &.-short LineupList, &.-short CompareBoard { margin-top: 0; }
        &.-short #asked { max-height: 1; }
        &.-short #said { max-height: 2; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back"),
        Binding("f9", "leave", "close", id="compare"),
        Binding("space", "put_in_or_out", "put in or take out"),
        Binding("p", "next_question", "other prompts"),
        Binding("enter,u", "use", "use"),
        Binding("r", "again", "again"),
    ]

    def __init__(
        self, questions: Sequence[Question], lineup: Lineup, state: EngineState, begin: Begin
    ) -> None:
        super().__init__(classes="page")
        self._questions, self._lineup, self._begin = list(questions), lineup, begin
        self._comparison: Comparison | None = None
        self._judged = False
        self._asked, self._said = Paragraphs(id="asked"), Paragraphs(id="said")
        self._list, self._board = LineupList(lineup, state), CompareBoard()
        self._hints = KeyHints()

    def compose(self) -> ComposeResult:
        with Container(id="page"):
            yield self._asked
            yield self._list
            yield self._board
            yield self._said
            yield self._hints

    def on_mount(self) -> None:
        self._board.display = False
        self._list.focus()
        self._show()
        self.set_interval(LOOK_AGAIN_S, self._follow)

    # -------------------------------------------------------------- painting

    def _show(self) -> None:
        self._asked.show(_asked(self._questions[0]))
        comparison = self._comparison
        if comparison is None:
            self._said.show([Content.styled(_promise(self._questions[0]), "$muted")])
            self._hints.show(self._hints_before())
            return
        self._board.show(comparison)
        self._said.show(_said(comparison))
        self._hints.show(_hints_with(comparison))
        if comparison.over and not self._judged:
            self._judged = True
            self._board.move_to(verdict(comparison).winner)
            self._board.show_beginning()

    def _follow(self) -> None:
        if self._comparison and not self._judged:
            self._show()

    def _hints_before(self) -> list[Hint]:
        hints: list[Hint] = [("{list_choose}", "compare"), ("Space", "in or out")]
        if len(self._questions) > 1:
            hints.append(("p", f"instead: {self._questions[1].where}"))
        return [*hints, ("Esc", "close")]

    # -------------------------------------------------------------- what the user does

    @on(PickList.Moved)
    def _moved(self) -> None:
        self._hints.say("")

    @on(PickList.Picked)
    def action_again(self) -> None:
        """Begin, or begin again."""
        if self._comparison and not self._comparison.over:
            return
        chosen = self._lineup.chosen
        if len(chosen) < 2:
            self._hints.say(ONE_DRAFT, "$notice")
            return
        comparison = self._begin(self._questions[0], chosen)
        if comparison is None:
            self._hints.say("the engine is not free yet; try again in a moment", "$notice")
            return
        self._comparison, self._judged = comparison, False
        self._list.display, self._board.display = False, True
        self._hints.say("")
        self._board.focus()
        self._show()

    def action_put_in_or_out(self) -> None:
        if self._comparison is None:
            self._hints.say(self._lineup.toggle(self._list.highlighted.key), "$notice")
            self._list.changed()

    def action_next_question(self) -> None:
        if self._comparison is None:
            self._questions.append(self._questions.pop(0))
            self._show()

    def action_use(self) -> None:
        """Close with the draft under the cursor, once all have had their turn."""
        chosen = self._board.highlighted
        if self._comparison and self._comparison.over and chosen and not chosen.problem:
            self.dismiss(chosen.draft)

    def action_back(self) -> None:
        """Stop what runs; close where nothing does."""
        if self._comparison and self._comparison.phase == "running":
            self._comparison.stop()
            self._show()
        else:
            self.dismiss(None)

    def action_leave(self) -> None:
        if self._comparison:
            self._comparison.stop()
        self.dismiss(None)


class Paragraphs(Lines):
    """Lines of text, wrapped."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._paragraphs: tuple[Content, ...] = ()

    def show(self, paragraphs: Sequence[Content]) -> None:
        if list(paragraphs) != list(self._paragraphs):
            self._paragraphs = tuple(paragraphs)
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        return [line for paragraph in self._paragraphs for line in paragraph.wrap(max(8, width))]


def _asked(question: Question) -> list[Content]:
    """The prompts in a few words each."""
    lines = [Content.assemble(("compare on  ", "$muted"), (question.where, "$primary"))]
    cells = WORDS if len(question.texts) == 1 else WORDS_OF_SEVERAL
    lines += [Content(clean_line(text, cells)) for text in question.texts[:MOST_SHOWN]]
    if (more := len(question.texts) - MOST_SHOWN) > 0:
        lines[0] += Content.styled(f", {more} more than these", "$muted")
    return lines


def _promise(question: Question) -> str:
    """What is going to happen."""
    n = len(question.prompts)
    time = f"about {BUDGET_S * max(1, n / 2):.0f} seconds"
    return (
        f"All answer in turn, at most {MOST_TOKENS} tokens each time, for {time} at most. "
        "The chat stays as it is."
    )


def _said(comparison: Comparison) -> list[Content]:
    """The verdict and what it rests on; while it runs, how far it is."""
    if not comparison.over:
        return [Content.styled(_progress(comparison), "$muted")]
    found = verdict(comparison)
    style = "$failure" if comparison.problem else "bold"
    lines = [(found.text, style), (texts(comparison), "$foreground"), (basis(comparison), "$muted")]
    lines += [(note, "$notice") for note in comparison.notes]
    return [Content.styled(text, style) for text, style in lines if text]


def _progress(comparison: Comparison) -> str:
    turn = comparison.turn
    if comparison.phase != "running" or turn is None:
        return "ending; the draft of the chat comes back into use"
    n_prompts = len(comparison.plan.prompts)
    prompt = f", prompt {turn.prompt + 1} of {n_prompts}" if n_prompts > 1 else ""
    return f"run {turn.repeat + 1}{prompt}: {turn.by.draft.name}"


def _hints_with(comparison: Comparison) -> list[Hint]:
    if comparison.phase == "running":
        return [("PgUp PgDn", "scroll"), ("Esc", "stop")]
    if not comparison.over:
        return [("Esc", "close")]
    moves: list[Hint] = [("← →", "choose"), ("PgUp PgDn", "scroll")]
    return [("Enter", "use this draft"), *moves, ("r", "again"), ("Esc", "close")]
