"""The chat: messages from top to bottom, following the reply until the reader scrolls away."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from tui.widgets.archive import Archive
from tui.widgets.message_view import MessageView
from tui.widgets.welcome import Welcome

MOST_VIEWS, FEWEST_VIEWS = 40, 20


class Messages(Vertical):
    """The messages one below the other."""


class ChatView(VerticalScroll, can_focus=False):
    """Anchored at its end: scrolling up releases it, reaching the end takes it up again."""

    DEFAULT_CSS = """
    ChatView {
        height: 1fr;
        padding: 1 0 0 0;
        scrollbar-size-vertical: 1;
        overflow-x: hidden;
        /* as high as the view at least: a short chat then stands at the top, anchored or not */
        & > Messages { height: auto; min-height: 100%; }
    }
    """

    def compose(self) -> ComposeResult:
        with Messages():
            yield Archive()
            yield Welcome()

    def on_mount(self) -> None:
        self.anchor()

    @property
    def _messages(self) -> Messages:
        return self.query_one(Messages)

    async def add(self, message: MessageView) -> MessageView:
        """Show a message at the end, and follow the end."""
        for welcome in self.query(Welcome):
            await welcome.remove()
        await self._archive_old()
        await self._messages.mount(message)
        self.follow()
        return message

    async def _archive_old(self) -> None:
        """Keep the number of widgets small; nothing moves, as the archive looks the same."""
        views = list(self.query(MessageView))
        if len(views) < MOST_VIEWS:
            return
        old = views[: len(views) - FEWEST_VIEWS]
        self.query_one(Archive).take([view.message for view in old])
        for view in old:
            view.display = False  # at once; they are removed a little later
        await self._messages.remove_children(old)

    async def clear(self) -> None:
        """An empty chat."""
        await self._messages.remove_children()
        await self._messages.mount(Archive(), Welcome())
        self.follow()

    def follow(self) -> None:
        """To the end, and stay there."""
        self.anchor()
        self._anchor_released = False
        self.scroll_end(animate=False, immediate=True)

    @property
    def following(self) -> bool:
        return not self._anchor_released

    @property
    def last_reply(self) -> MessageView | None:
        replies = [view for view in self.query(MessageView) if view.role == "assistant"]
        return replies[-1] if replies else None
