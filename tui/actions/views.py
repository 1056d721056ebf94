"""What is looked at beside the chat: help, the engine's log, the palette."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import SystemCommand
from textual.screen import Screen

from tui.action import Action
from tui.frame import LIST_CELLS, Frame
from tui.keys import ACTIONS

FIRST_IN_PALETTE = (
    *("new_chat", "chats", "drafts", "next_draft", "models", "compare", "xray", "regenerate"),
    *("settings", "presets", "theme", "copy_reply", "code", "export", "help"),
)
"""What is reached for first, in that order; the other actions follow in the registry's."""


class ViewActions(Frame):
    """What is shown beside the chat."""

    def action_command_palette(self) -> None:
        if self.size.width >= LIST_CELLS:
            super().action_command_palette()

    def action_redraw(self) -> None:
        if forget := getattr(self._driver, "forget", None):  # the tests' driver remembers nothing
            forget()
        self.screen.refresh()

    def action_engine_log(self) -> None:
        from tui.screens.log import log_lines
        from tui.screens.reading import ReadingScreen

        lines = log_lines(self.dialogue.log_tail, self.engine.log)
        self.push_screen(ReadingScreen("engine log", lines, from_end=True))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        for entry in sorted(filter(lambda entry: entry.palette, ACTIONS), key=_place_in_palette):
            run = getattr(self, f"action_{entry.run}")
            key = self.shortcuts.text(entry)
            key = f" ({key})" if key else ""
            yield SystemCommand(entry.label.capitalize(), entry.help + key, run)
        yield from self.more_commands()


def _place_in_palette(entry: Action) -> int:
    first = entry.id in FIRST_IN_PALETTE
    return FIRST_IN_PALETTE.index(entry.id) if first else len(FIRST_IN_PALETTE)
