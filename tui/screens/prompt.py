"""One line to be written: a name, a path."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.widgets.problem import Problem


class PromptScreen(ModalScreen[str | None]):
    """Closes with what was written after Enter, with None after Esc. `problem`: why what was
    written before would not do."""

    DEFAULT_CSS = """
    PromptScreen {
        & > Container {
            width: 76;
            max-width: 100%;
            height: auto;
            background: $surface;
            border: round $primary;
            border-title-color: $foreground;
            border-subtitle-color: $muted;
            padding: 0 1;
        }
        & Input { background: $surface; padding: 0; }
        & Input:focus { background-tint: $foreground 0%; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "back")]

    def __init__(
        self, title: str, value: str = "", placeholder: str = "", problem: str = ""
    ) -> None:
        super().__init__()
        self._title, self._before, self._problem = title, value, Problem()
        self._problem.say(problem)
        self._input = Input(
            value, placeholder=placeholder, compact=True, select_on_focus=not problem
        )

    def compose(self) -> ComposeResult:
        with Container() as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "Enter done · Esc back"
            yield self._input
            yield self._problem

    def on_mount(self) -> None:
        self._input.focus()

    @on(Input.Changed)
    def _written(self) -> None:
        if self._input.value != self._before:  # Textual says so of the first value, too
            self._problem.say("")

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(self._input.value)
