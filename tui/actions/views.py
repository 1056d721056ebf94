"""What is looked at beside the chat: help, the engine's log, the palette, the themes."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import SystemCommand
from textual.screen import Screen

from core.settings import Settings
from tui.choices import Offer
from tui.frame import LIST_CELLS, Frame
from tui.keys import ACTIONS
from tui.theming import load_themes, missing_variables, own_themes, user_themes

DEFAULT_THEME = "specdec-dark"


class ViewActions(Frame):
    """What is shown, and in which colours."""

    def __init__(self, settings: Settings, offer: Offer | None = None) -> None:
        super().__init__(settings, offer)
        self.theme_problems = self._register_themes()

    def action_command_palette(self) -> None:
        if self.size.width >= LIST_CELLS:
            super().action_command_palette()

    def action_engine_log(self) -> None:
        from tui.screens.log import log_lines
        from tui.screens.reading import ReadingScreen

        lines = log_lines(self.dialogue.log_tail, self.engine.log)
        self.push_screen(ReadingScreen("engine log", lines, from_end=True))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        for entry in ACTIONS:
            if entry.palette:
                run = getattr(self, f"action_{entry.run}")
                key = self.shortcuts.text(entry)
                key = f" ({key})" if key else ""
                yield SystemCommand(entry.label.capitalize(), entry.help + key, run)
        yield from self.more_commands()

    # -------------------------------------------------------------- themes

    def _register_themes(self) -> list[str]:
        """Make the themes known and use the one that is set; returns what is wrong with them."""
        themes, problems = load_themes([own_themes(), user_themes()])
        self._registered_themes.clear()
        for theme in themes:
            self.register_theme(theme)
        wanted = self.settings.theme
        if wanted not in self.available_themes:
            known = ", ".join(sorted(self.available_themes))
            problems.append(f"There is no theme {wanted!r}; there are {known}.")
            wanted = DEFAULT_THEME
        self.theme = wanted
        return problems

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The app's own variables, for a theme that does not name them all."""
        theme = self.current_theme
        fallback = self.get_theme("specdec-dark" if theme.dark else "specdec-light")
        return missing_variables(theme, fallback) if fallback else {}
