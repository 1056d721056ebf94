"""The app's own commands in the command palette, the shorter of two names that match first."""

from __future__ import annotations

from textual.command import Hit, Hits
from textual.system_commands import SystemCommandsProvider


class CommandsInPalette(SystemCommandsProvider):
    """Textual's, but for the order: it takes each word's first letter for worth more than the rest
    of the name, so that `thm` was `Theme: monochrome` before it was `Theme`."""

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, help_text, callback, *_ in self.app.get_system_commands(self.screen):
            if score := matcher.match(name):
                share = len(query) / max(len(query), len(name))
                yield Hit(score * (1 + share), matcher.highlight(name), callback, help=help_text)
