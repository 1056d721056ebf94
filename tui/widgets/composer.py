"""Where the user writes. Enter sends; the text stays until it has been sent."""

from __future__ import annotations

from textual import events
from textual.strip import Strip
from textual.widgets import TextArea

from tui.key_names import key_text
from tui.keymap import Keymap
from tui.messages import Submitted
from tui.recall import Recall
from tui.sanitize import clean_text
from tui.widgets.completions import Completions

ALSO_NEWLINE = ("shift+enter", "alt+enter", "ctrl+enter")
"""Where terminals can send them."""
OWN = ("send", "newline")
"""Actions of the registry that are done here."""

EDITING = (
    ("ctrl+a ctrl+e", "To the beginning and the end of the line"),
    ("ctrl+w", "Delete the word before the cursor"),
    ("ctrl+u ctrl+k", "Delete to the beginning, to the end of the line"),
    ("ctrl+c", "Copy what is selected, or else take the whole message back"),
    ("ctrl+z ctrl+y", "Undo, redo"),
)
"""Textual's own keys, as far as the user has given them to nothing else."""


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

    def __init__(self, shortcuts: Keymap, completions: Completions) -> None:
        super().__init__(
            soft_wrap=True,
            tab_behavior="focus",
            compact=True,
            placeholder="Write a message",
            highlight_cursor_line=False,
        )
        self.cursor_blink = False
        self.recall = Recall()
        self._shortcuts, self._completions = shortcuts, completions
        self.taken = shortcuts.in_scope("chat")
        """Keys that the app does something with, which goes first."""
        self._newline = {*shortcuts.of("newline"), *{*ALSO_NEWLINE} - self.taken}
        for key in self.taken:
            self._bindings.key_to_bindings.pop(key, None)

    def replace_text(self, text: str) -> None:
        """Take this text, the cursor at its end; what was there can be had back with undo."""
        self.replace(text, (0, 0), self.document.end)
        self.move_cursor(self.document.end)

    def take_back(self) -> None:
        """Empty it; the text comes back as an earlier message does, and with undo."""
        self.recall.remember(self.text)
        self.replace_text("")

    def help_here(self) -> list[tuple[str, str]]:
        """What the keys do while one writes."""
        send, newline = (" ".join(map(key_text, self._shortcuts.of(name))) for name in OWN)
        editing = [
            (" ".join(map(key_text, keys.split())), what)
            for keys, what in EDITING
            if not self.taken & {*keys.split()}
        ]
        return [
            (send, "Send the message"),
            (newline or "Shift+Enter", "New line; Shift+Enter too, where the terminal sends it"),
            ("↑ ↓", "Earlier messages, from the first and the last line; your text is kept"),
            ("/", "Commands: Tab completes, // sends a slash"),
            *editing,
        ]

    async def _on_key(self, event: events.Key) -> None:
        if self._completes(event.key) or self._recalls(event.key):
            pass
        elif event.key in self._shortcuts.of("send"):
            self.post_message(Submitted(self.text))
        elif event.key in self._newline:
            self.insert("\n")
        elif event.key.startswith("alt+"):  # arrives with its character, but is a key, no text
            event.prevent_default()
            return
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()

    def _completes(self, key: str) -> bool:
        """Whether the key was for the list of completions: for that of the text as it is. What was
        typed in one piece with the key, as over SSH, has not changed the list yet."""
        if key not in ("up", "down", "escape", "tab", *self._shortcuts.of("send")):
            return False
        self._completions.follow(self.text)
        chosen = self._completions.chosen
        if chosen is None:
            return False
        if key in ("up", "down"):
            self._completions.move(1 if key == "down" else -1)
        elif key == "escape":
            self._completions.hide(self.text)
        elif key == "tab":
            self.replace_text(chosen.text)
        elif key in self._shortcuts.of("send") and self._completions.wanted:
            self.replace_text(chosen.text)
            if chosen.complete and not chosen.text.endswith(" "):
                self.post_message(Submitted(self.text))
        else:
            return False
        return True

    def _recalls(self, key: str) -> bool:
        """Whether the key called an earlier message back, or left it."""
        row = self.wrapped_document.location_to_offset(self.cursor_location).y
        last = self.wrapped_document.height - 1
        if (key, row) not in (("up", 0), ("down", last)) or not self.selection.is_empty:
            return False
        text = self.recall.move(1 if key == "up" else -1, self.text)
        if text is None:
            return False
        self.replace_text(text)
        self._completions.hide(self.text)
        if key == "up":
            self.move_cursor((0, len(self.document.get_line(0))))
        return True

    def render_line(self, y: int) -> Strip:
        """Textual cannot wrap its placeholder where there is no room, as in a storm of resizes."""
        return super().render_line(y) if self.content_size.width > 0 else Strip([])

    def _on_paste(self, event: events.Paste) -> None:  # type: ignore[override]
        """Textual calls TextArea's own handler next, which inserts what is left of the text."""
        event.text = clean_text(event.text)
