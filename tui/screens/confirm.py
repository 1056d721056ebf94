"""A question before something is lost. Only y is a yes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from tui.screens.reading import Page


class ConfirmScreen(ModalScreen[bool]):
    """Closes with True after y, with False after n, Enter and Esc."""

    DEFAULT_CSS = """
    ConfirmScreen > VerticalScroll {
        width: 76;
        max-width: 100%;
        height: auto;
        max-height: 80%;
        background: $surface;
        border: round $notice;
        border-title-color: $foreground;
        border-subtitle-color: $muted;
        padding: 1 2;
        scrollbar-size-vertical: 1;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "dismiss(True)", "yes"),
        ("n,escape,enter", "dismiss(False)", "no"),
    ]

    def __init__(self, title: str, content: Sequence[Content]) -> None:
        super().__init__()
        self._title, self._content = title, content

    def compose(self) -> ComposeResult:
        box = VerticalScroll(Page(self._content))
        box.border_title = Content(self._title)
        box.border_subtitle = "y yes · Esc no"
        yield box
