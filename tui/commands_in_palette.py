"""The app's own commands in the command palette: in their own order, and of two names that match
the shorter one first. And how a hit is shown, for whoever has others to offer."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from textual.command import DiscoveryHit, Hit, Hits
from textual.content import Content
from textual.fuzzy import Matcher
from textual.system_commands import SystemCommandsProvider


class CommandsInPalette(SystemCommandsProvider):
    """Textual's, but for the order: it lists by the alphabet, and takes each word's first letter
    for worth more than the rest of the name, so that `thm` was `Theme: monochrome` before it was
    `Theme`."""

    async def discover(self) -> Hits:
        for name, about, run, listed in self.app.get_system_commands(self.screen):
            if listed:
                yield DiscoveryHit(Content(name), run, text=name, help=_plain(about))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, about, run, *_ in self.app.get_system_commands(self.screen):
            if score := matcher.match(name):
                share = len(query) / max(len(query), len(name))
                yield plain_hit(matcher, score * (1 + share), name, run, about)


def plain_hit(
    matcher: Matcher, score: float, name: str, run: Callable[[], object], about: str
) -> Hit:
    """A hit whose texts are no markup: models, chats and system prompts have brackets in them.
    `matcher` and the palette would read texts as markup; what is content already stays."""
    found = Content(name)
    for at in matcher.fuzzy_search.match(matcher.query, name)[1]:
        if not name[at].isspace():
            found = found.stylize(matcher.match_style, at, at + 1)
    return Hit(score, found, run, text=name, help=_plain(about))


def _plain(about: str) -> str:
    return cast("str", Content(about))
