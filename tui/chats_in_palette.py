"""The saved chats in the command palette, by their titles."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import Hits, Provider

from core.errors import SpecdecError
from tui import figures
from tui.commands_in_palette import plain_hit
from tui.sanitize import clean_line

if TYPE_CHECKING:
    from core.chats.store import Listed
    from tui.actions.saved import SavedChatActions


class ChatsInPalette(Provider):
    """Looks at the disk once, when the palette is opened, on a thread."""

    @property
    def _owner(self) -> SavedChatActions:
        return cast("SavedChatActions", self.app)

    async def startup(self) -> None:
        """Begin to look, and do not wait: Textual cancels a start that is not over when the next
        letter is typed, and the whole palette finds nothing from then on."""
        self._looking = asyncio.create_task(self._look(), name="chats-in-palette")

    async def _look(self) -> Sequence[Listed]:
        try:
            return await asyncio.to_thread(lambda: self._owner.keeper.store().chats())
        except SpecdecError:  # the list of chats says what is wrong
            return ()

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for chat in await asyncio.shield(self._looking):
            title = f"Chat: {clean_line(chat.title, 100)}"
            if score := matcher.match(title):
                about = f"Open this saved chat of {figures.count(chat.n_messages, 'message')}"
                yield plain_hit(
                    matcher, score, title, partial(self._owner.open_saved, chat.id), about
                )
