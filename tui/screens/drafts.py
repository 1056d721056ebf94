"""The list of drafts: choose one by its number or with Enter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.choices import DraftOption
from tui.state import EngineState
from tui.widgets.draft_list import score_texts
from tui.widgets.options import Options

NAME_CELLS = 34
OTHER_CELLS = 34
"""Of a row: number, mark, figures, and the frame around it."""


class DraftsScreen(ModalScreen[DraftOption | None]):
    """Closes with the option chosen, or None."""

    DEFAULT_CSS = """
    DraftsScreen {
        & > OptionList {
            width: 66;
            max-width: 100%;
            height: auto;
            max-height: 80%;
            background: $surface;
            border: round $primary;
            border-title-color: $foreground;
            border-subtitle-color: $muted;
            padding: 1 1;
        }
        & > OptionList:focus { border: round $primary; }
        & > OptionList > .option-list--option-disabled { color: $muted; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "close"),
        Binding("f3", "dismiss(None)", "close", id="drafts"),
    ]

    def __init__(self, drafts: Sequence[DraftOption], state: EngineState) -> None:
        super().__init__()
        self._drafts, self._state = list(drafts), state

    def compose(self) -> ComposeResult:
        options = [
            Option(self._prompt(number, draft), id=str(number), disabled=not draft.usable)
            for number, draft in enumerate(self._drafts, start=1)
        ]
        chooser = Options(*options, markup=False)
        chooser.border_title = "draft"
        chooser.border_subtitle = "number or Enter chooses · Esc closes"
        keys = [draft.key for draft in self._drafts]
        if self._state.draft_in_use in keys:
            chooser.highlighted = keys.index(self._state.draft_in_use)
        yield chooser

    def _prompt(self, number: int, draft: DraftOption) -> Content:
        if not draft.usable:
            return Content(f" –  {draft.name}: {draft.reason}")
        in_use = draft.key == self._state.draft_in_use and self._state.drafter is not None
        rate, speedup, speedup_style = score_texts(self._state.scores, draft)
        name_cells = max(6, min(NAME_CELLS, self.app.size.width - OTHER_CELLS))
        name = Content(draft.name).truncate(name_cells, ellipsis=True)
        return Content.assemble(
            (f"{number:>2}  ", "$muted"),
            name.pad_right(name_cells - name.cell_length),
            (" ●" if in_use else "  ", "$accepted"),
            f"{rate:>6}" + (" tok/s" if rate else "      "),
            (f"{speedup:>7}", speedup_style),
        )

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._drafts[event.option_index])

    def on_key(self, event: events.Key) -> None:
        if event.key.isdecimal() and 0 < int(event.key) <= len(self._drafts):
            draft = self._drafts[int(event.key) - 1]
            event.stop()
            if draft.usable:
                self.dismiss(draft)
