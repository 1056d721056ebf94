"""What the command palette knows beside the actions: drafts, themes and settings.

They are found by their names; a palette that is opened shows the actions alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand

from core.errors import SpecdecError
from tui.actions.commands import CommandActions
from tui.effects import Notice
from tui.sanitize import clean_line

if TYPE_CHECKING:
    from tui.preferences import Setting


class PaletteActions(CommandActions):
    """What is done from the palette alone."""

    def more_commands(self) -> Iterable[SystemCommand]:
        """Each draft, each theme, each setting; what is a switch can be switched."""
        for draft in self.dialogue.offer.drafts:
            yield SystemCommand(
                f"Draft: {draft.name}",
                draft.reason or "Use this draft from now on",
                partial(self.take_draft, draft),
                discover=False,
            )
        for theme in sorted(self.available_themes):
            yield SystemCommand(
                f"Theme: {theme}",
                "Use this theme, and keep it in config.toml",
                partial(self.keep_and_say, "theme", theme),
                discover=False,
            )
        from tui.preferences import all_settings

        for setting in all_settings():
            yield from self._setting_commands(setting)

    def _setting_commands(self, setting: Setting) -> Iterable[SystemCommand]:
        from tui.preferences import value_text

        value = value_text(getattr(self.settings, setting.name))
        yield SystemCommand(
            f"Setting: {setting.name}",
            clean_line(f"{value or 'not set'}. {setting.help}", 200),
            partial(self.open_settings, setting.name),
            discover=False,
        )
        if setting.kind == "switch":
            other = "off" if value == "on" else "on"
            yield SystemCommand(
                f"Turn {setting.name} {other}",
                setting.help,
                partial(self.keep_and_say, setting.name, other == "on"),
                discover=False,
            )

    def keep_and_say(self, name: str, value: object) -> None:
        """Keep a setting and say what that means, or what is wrong."""
        from tui.preferences import value_text

        try:
            said = self.keep_setting(name, value)
        except SpecdecError as error:
            self.tell(Notice(error.message, "error"))
        else:
            self.tell(Notice(f"{name}: {value_text(value)}. {said}"))
