"""The code blocks of the chat: one is copied, or saved under a name that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from core.errors import SpecdecError
from tui import figures
from tui.code_blocks import CodeBlock, save
from tui.widgets.key_hints import shortcuts_of
from tui.widgets.options import Options
from tui.widgets.problem import Problem

NUMBER_CELLS, LANGUAGE_CELLS, LINES_CELLS = 4, 12, 12
HINTS = {
    "choose": "{list_choose} or number copies · s saves · Esc closes",
    "name": "Enter saves · Esc goes back",
}


@dataclass(frozen=True)
class Taken:
    """What was done: a block to copy, or one that was saved at `path`."""

    block: CodeBlock
    path: str = ""


class CodeScreen(ModalScreen[Taken | None]):
    """Closes with what was done, or None. The newest block stands first."""

    DEFAULT_CSS = """
    CodeScreen {
        & > Vertical {
            width: 76;
            max-width: 100%;
            height: auto;
            max-height: 80%;
            background: $surface;
            border: round $primary;
            border-title-color: $foreground;
            border-subtitle-color: $muted;
            padding: 1 1;
        }
        & OptionList, & OptionList:focus {
            height: auto;
            max-height: 100%;
            border: none;
            background: $surface;
            padding: 0;
            scrollbar-size-vertical: 1;
        }
        & Input, & Input:focus {
            display: none;
            height: 1;
            border: none;
            padding: 0;
            margin-top: 1;
            background: $panel;
        }
        & .-naming Input { display: block; }
        & OptionList > .option-list--option-highlighted { background: $panel; }
        & OptionList:focus > .option-list--option-highlighted {
            background: $block-cursor-background;
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "back", "close"),
        ("s", "name", "save"),
        Binding("alt+c", "dismiss(None)", "close", id="code"),
    ]

    def __init__(self, blocks: Sequence[CodeBlock]) -> None:
        super().__init__()
        self._blocks = list(blocks)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            yield Options(*(self._row(n, b) for n, b in enumerate(self._blocks)), markup=False)
            yield Input(placeholder="File name, such as ~/example.py", select_on_focus=False)
            yield Problem()
        box.border_title = "code blocks, the newest first"
        self._hint("choose", box)

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = 0

    def _hint(self, stage: Literal["choose", "name"], box: Vertical | None = None) -> None:
        box = box or self.query_one(Vertical)
        box.border_subtitle = Content(shortcuts_of(self.app).named(HINTS[stage]))
        box.set_class(stage == "name", "-naming")

    def _row(self, number: int, block: CodeBlock) -> Option:
        room = max(
            8, min(76, self.app.size.width) - 6 - NUMBER_CELLS - LANGUAGE_CELLS - LINES_CELLS
        )
        first = next((line for line in block.code.split("\n") if line.strip()), "")
        text = Content(first.strip()).expand_tabs(4).truncate(room, ellipsis=True)
        return Option(
            Content.assemble(
                (f"{number + 1:>2}  ", "$muted"),
                (block.language[: LANGUAGE_CELLS - 1].ljust(LANGUAGE_CELLS), "$md-code"),
                text.pad_right(max(0, room - text.cell_length)),
                (figures.count(block.n_lines, "line").rjust(LINES_CELLS), "$muted"),
            )
        )

    # -------------------------------------------------------------- choosing

    @property
    def _chosen(self) -> CodeBlock:
        return self._blocks[self.query_one(OptionList).highlighted or 0]

    @on(OptionList.OptionSelected)
    def _copy(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(Taken(self._blocks[event.option_index]))

    def on_key(self, event: events.Key) -> None:
        naming = isinstance(self.focused, Input)
        if not naming and event.key.isdecimal() and 0 < int(event.key) <= len(self._blocks):
            event.stop()
            self.dismiss(Taken(self._blocks[int(event.key) - 1]))

    # -------------------------------------------------------------- saving

    def action_name(self) -> None:
        self._hint("name")
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _save(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            path = save(self._chosen.code, event.value)
        except SpecdecError as error:
            self.query_one(Problem).say(error.message)
        else:
            self.dismiss(Taken(self._chosen, str(path)))

    @on(Input.Changed)
    def _renamed(self) -> None:
        self.query_one(Problem).say("")

    def action_back(self) -> None:
        if isinstance(self.focused, Input):
            self.query_one(Problem).say("")
            self._hint("choose")
            self.query_one(OptionList).focus()
        else:
            self.dismiss(None)
