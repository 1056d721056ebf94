"""The list of drafts: each judged, with what it did in this chat; a number or Enter chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from core.settings import Settings
from tui.choices import DraftOption
from tui.defects import SaysDefects
from tui.dialogue import Dialogue
from tui.judging import DraftRow, Judgement, facts, judge, rows, title
from tui.widgets.draft_table import DraftHeadings, DraftTable, number_chosen
from tui.widgets.key_hints import KeyHints
from tui.widgets.lines import Lines
from tui.widgets.model_details import wrapped_fact
from tui.widgets.pick_list import PickList

LOOK_AGAIN_S = 0.5
JUDGING = "judging what is on this machine …"


@dataclass
class Judged(Message):
    """A thread has judged the drafts."""

    judgement: Judgement


class DraftDetails(Lines):
    """What is known of the row under the cursor."""

    DEFAULT_CSS = """
    DraftDetails { height: 7; border-top: solid $faint; padding: 0 1; color: $foreground; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._row: DraftRow | None = None
        self._judgement: Judgement | None = None

    def show(self, row: DraftRow | None, judgement: Judgement | None) -> None:
        if row is not self._row or judgement is not self._judgement:
            self._row, self._judgement = row, judgement
            self.changed()

    def build(self, width: int) -> Sequence[Content]:
        if self._row is None:
            return []
        lines = [Content.styled(self._row.option.name, "bold").truncate(width, ellipsis=True)]
        for label, value, style in facts(self._row, self._judgement):
            lines += wrapped_fact(label, value, style, width)
        return lines


class DraftsScreen(SaysDefects, ModalScreen[DraftOption | None]):
    """Closes with the option chosen, or None."""

    CSS = """
    DraftsScreen.page { background: $background; align: left top; }
    """
    DEFAULT_CSS = """
    DraftsScreen {
        & #page { width: 100%; height: 100%; }
        & #title { height: 1; background: $panel; padding: 0 1; color: $foreground; }
        & #warning { height: auto; padding: 0 1; color: $notice; display: none; }
        & DraftHeadings { margin-top: 1; }
        &.-short DraftDetails { display: none; }
        &.-short DraftHeadings { margin-top: 0; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "close"),
        Binding("f3", "dismiss(None)", "close", id="drafts"),
        Binding("f5", "app.models", "models", id="models"),
    ]

    def __init__(self, settings: Settings, dialogue: Dialogue) -> None:
        super().__init__(classes="page")
        self._settings, self._dialogue = settings, dialogue
        self._judgement: Judgement | None = None
        self._rows: tuple[DraftRow, ...] = ()
        self._table, self._details, self._hints = DraftTable(), DraftDetails(), KeyHints()
        self._warning = Static("", id="warning", markup=False)

    def compose(self) -> ComposeResult:
        with Container(id="page"):
            yield Static(title(self._dialogue.offer), id="title", markup=False)
            yield self._warning
            yield DraftHeadings()
            yield self._table
            yield self._details
            yield self._hints

    def on_mount(self) -> None:
        self._table.focus()
        self._hints.show([("1–9", "choose"), ("{list_choose}", "choose"), ("Esc", "close")])
        self._hints.say(JUDGING)
        self._show()
        self.set_interval(LOOK_AGAIN_S, self._show)
        self._judge()

    def _judge(self) -> None:
        """On a thread; the list can be used meanwhile."""
        state, target = self._dialogue.state, self._dialogue.offer.target
        draft = state.drafter.model.path if state.drafter and state.drafter.model else ""
        memory, settings = list(state.memory) if state.target else [], self._settings

        def work() -> None:
            self.post_message(Judged(judge(target, draft, memory, settings)))

        self.run_worker(work, thread=True, exit_on_error=False)

    @on(Judged)
    def _take_judgement(self, message: Judged) -> None:
        self._judgement = message.judgement
        self._hints.say(message.judgement.problem, "$failure")
        self._warning.update(message.judgement.warning)
        self._warning.display = bool(message.judgement.warning)
        self._show()

    def _show(self) -> None:
        """Paint what is known; replies go on behind this screen."""
        state = self._dialogue.state
        self._rows = rows(self._dialogue.offer, self._judgement)
        in_use = state.draft_in_use if state.drafter else ""
        self._table.show(self._rows, state.scores, in_use, state.wanted_draft)
        self._show_row()

    @on(PickList.Moved)
    def _show_row(self) -> None:
        self._details.show(self._table.highlighted, self._judgement)

    @on(PickList.Picked)
    def _picked(self) -> None:
        if row := self._table.highlighted:
            self._choose(row.option)

    def on_key(self, event: events.Key) -> None:
        if event.key.isdecimal() and (option := number_chosen(self._rows, int(event.key))):
            event.stop()
            self._choose(option)

    def _choose(self, option: DraftOption) -> None:
        if option.usable:
            self.dismiss(option)
        else:
            self._hints.say(f"{option.name} does not fit: {option.reason}", "$notice")
