"""Where the user writes. Enter sends; the text stays until it has been sent."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from tui.messages import Submitted
from tui.sanitize import clean_text

NEWLINE_KEYS = ("ctrl+j", "shift+enter", "alt+enter", "ctrl+enter")


class Composer(TextArea):
    """A text area that grows with its text up to a few lines."""

    DEFAULT_CSS = """
    Composer {
        height: auto;
        min-height: 1;
        max-height: 8;
        border: none;
        padding: 0 2 0 1;
        background: $background;
        scrollbar-size-vertical: 1;
        &:focus { border: none; }
        & .text-area--cursor-line { background: transparent; }
        & .text-area--placeholder { color: $muted; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "app.scroll_chat(-1)", show=False),
        Binding("pagedown", "app.scroll_chat(1)", show=False),
        Binding("ctrl+home", "app.chat_edge(-1)", show=False),
        Binding("ctrl+end", "app.chat_edge(1)", show=False),
        Binding("f6", "app.chats", show=False),
        Binding("f7", "app.resume", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(
            soft_wrap=True,
            tab_behavior="focus",
            compact=True,
            placeholder="Write a message",
            highlight_cursor_line=False,
        )
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(Submitted(self.text))
        elif event.key in NEWLINE_KEYS:
            event.stop()
            event.prevent_default()
            self.insert("\n")
        else:
            await super()._on_key(event)

    def _on_paste(self, event: events.Paste) -> None:  # type: ignore[override]
        """Textual calls TextArea's own handler next, which inserts what is left of the text."""
        event.text = clean_text(event.text)
