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
from textual.widgets import Input

from core.errors import SpecdecError
from tui.code_blocks import CodeBlock, save
from tui.widgets.code_list import CodeList
from tui.widgets.key_hints import shortcuts_of
from tui.widgets.pick_list import PickList
from tui.widgets.problem import Problem

MOST_HEIGHT = 80
"""Per cent of the screen, as the style sheet says."""
FRAME_LINES, NAME_LINES, PROBLEM_LINES = 4, 2, 2
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
        & Input, & Input:focus {
            display: none;
            height: 1;
            border: none;
            padding: 0;
            margin-top: 1;
            background: $panel;
        }
        & .-naming Input { display: block; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "back", "close"),
        ("s", "name", "save"),
        Binding("alt+c", "dismiss(None)", "close", id="code"),
    ]

    def __init__(self, blocks: Sequence[CodeBlock]) -> None:
        super().__init__()
        self._blocks, self._list = list(blocks), CodeList(blocks)
        self._input = Input(placeholder="File name, such as ~/example.py", select_on_focus=False)
        self._problem = Problem()

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            yield self._list
            yield self._input
            yield self._problem
        box.border_title = "code blocks, the newest first"
        self._hint("choose", box)

    def on_mount(self) -> None:
        self._list.focus()

    def on_resize(self) -> None:
        self._make_room()

    def _hint(self, stage: Literal["choose", "name"], box: Vertical | None = None) -> None:
        box = box or self.query_one(Vertical)
        box.border_subtitle = Content(shortcuts_of(self.app).named(HINTS[stage]))
        box.set_class(stage == "name", "-naming")
        self._make_room()

    def _say(self, problem: str) -> None:
        self._problem.say(problem)
        self._make_room()

    def _make_room(self) -> None:
        """The list scrolls, so that there is room for a name and what is wrong with it."""
        below = NAME_LINES if self.focused is self._input else 0
        below += PROBLEM_LINES if self._problem.text else 0
        most = self.size.height * MOST_HEIGHT // 100 - FRAME_LINES - below
        self._list.styles.max_height = max(1, most)

    # -------------------------------------------------------------- choosing

    @on(PickList.Picked)
    def _copy(self) -> None:
        self.dismiss(Taken(self._list.highlighted))

    def on_key(self, event: events.Key) -> None:
        naming = isinstance(self.focused, Input)
        if not naming and event.key.isdecimal() and 0 < int(event.key) <= len(self._blocks):
            event.stop()
            self.dismiss(Taken(self._blocks[int(event.key) - 1]))

    # -------------------------------------------------------------- saving

    def action_name(self) -> None:
        self._input.focus()
        self._hint("name")

    @on(Input.Submitted)
    def _save(self, event: Input.Submitted) -> None:
        event.stop()
        block = self._list.highlighted
        try:
            path = save(block.code, event.value)
        except SpecdecError as error:
            self._say(error.message)
        else:
            self.dismiss(Taken(block, str(path)))

    @on(Input.Changed)
    def _renamed(self) -> None:
        self._say("")

    def action_back(self) -> None:
        if self.focused is self._input:
            self._list.focus()
            self._say("")
            self._hint("choose")
        else:
            self.dismiss(None)
