"""The chat: messages from top to bottom, following the reply until the reader scrolls away."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Size
from textual.layout import DockArrangeResult
from textual.scrollbar import ScrollBar
from textual.widget import Widget

from tui.archived import Place
from tui.message_lines import MessageLines
from tui.widgets.archive import Archive
from tui.widgets.message_view import MessageView
from tui.widgets.tall import Tall
from tui.widgets.welcome import Welcome

MOST_VIEWS, FEWEST_VIEWS = 12, 4
PAGES_NEAR = 2
"""So many screens above and below what is seen are laid out before anybody scrolls there."""


class Messages(Vertical, Tall):
    """The messages one below the other."""


class ChatView(VerticalScroll, Tall, can_focus=False):
    """Anchored at its end: scrolling up releases it, reaching the end takes it up again.

    A reader who has scrolled up keeps the place in the message that is at the top, whatever grows
    below, is laid out above or is folded to another width.
    """

    DEFAULT_CSS = """
    ChatView {
        height: 1fr;
        padding: 1 0 0 0;
        scrollbar-size-vertical: 1;
        /* the same width with and without a scrollbar: text is not folded twice */
        scrollbar-gutter: stable;
        overflow-x: hidden;
        /* as high as the view at least: a short chat then stands at the top, anchored or not */
        & > Messages { height: auto; min-height: 100%; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._messages, self._archive = Messages(), Archive()
        self._place: Place | None = None
        self._wanted: int | None = None
        """Key of the message to go to."""
        self._unfolded = False

    def compose(self) -> ComposeResult:
        with self._messages:
            yield self._archive
            yield Welcome()

    def on_mount(self) -> None:
        self.anchor()

    async def add(self, message: MessageView) -> MessageView:
        """Show a message at the end, and follow the end."""
        for welcome in self.query(Welcome):
            await welcome.remove()
        await self._archive_old()
        message.message.unfolded = self._unfolded
        await self._messages.mount(message)
        self.follow()
        return message

    async def show_all(self, messages: Sequence[MessageLines]) -> None:
        """Show another conversation, from its end; what costs is the end, however long it is."""
        with self.app.batch_update():
            await self._messages.remove_children("MessageView, Welcome")
            for message in messages:
                message.unfolded = self._unfolded
            old, new = messages[:-FEWEST_VIEWS], messages[-FEWEST_VIEWS:]
            self._archive.clear()
            self._archive.take(old)
            self._archive.measure(len(old), PAGES_NEAR * self.size.height, 0)
            shown: list[Widget] = [MessageView.of(message) for message in new]
            await self._messages.mount(*(shown or [Welcome()]))
            self.follow()

    async def _archive_old(self) -> None:
        """Keep the number of widgets small; nothing moves, as the archive looks the same."""
        views = list(self.query(MessageView))
        if len(views) < MOST_VIEWS:
            return
        old = views[: len(views) - FEWEST_VIEWS]
        archive = self._archive
        for view in old:
            view.mark(False)
        archive.take([view.message for view in old])
        archive.measure(archive.n_messages, sum(view.n_lines + 1 for view in old), 0)
        for view in old:
            view.display = False  # at once; they are removed a little later
        await self._messages.remove_children(old)

    async def clear(self) -> None:
        """An empty chat."""
        await self.show_all([])

    def fold_reasoning(self) -> bool:
        """Unfold the reasoning of all replies, or fold it again; False where there is none."""
        views = list(self.query(MessageView))
        messages = [*self._archive.messages, *(view.message for view in views)]
        if not any(message.has_reasoning for message in messages):
            return False
        self._unfolded = not self._unfolded
        for message in messages:
            message.unfolded = self._unfolded
        self._archive.changed()
        for view in views:
            view.changed()
        return True

    def follow(self) -> None:
        """To the end, and stay there."""
        self._wanted = None
        self.anchor()
        self._anchor_released = False
        self.scroll_end(animate=False, immediate=True)

    def go_to(self, key: int) -> None:
        """Bring the message of that name to the top of what is seen, or as near as there is text
        below it, and mark it until another one is marked."""
        self.mark(key)
        self._wanted = key
        self.call_after_refresh(self._go_to, key)

    def mark(self, key: int | None) -> None:
        """Make one message stand out, or none."""
        for view in self.query(MessageView):
            view.mark(key is not None and view.message.key == key)

    def _go_to(self, key: int) -> None:
        """In two steps, since what is measured has its place after the next layout; given up where
        somebody wants to be elsewhere meanwhile."""
        views = [view for view in self.query(MessageView) if view.display]
        keys = [*self._archive.keys, *(view.message.key for view in views)]
        if key != self._wanted or key not in keys:
            return
        archive, index = self._archive, keys.index(key)
        near = PAGES_NEAR * self.size.height
        archive.measure(min(index, archive.n_messages), near, near + self.size.height)
        y = self._y_of(Place(index, 0, 1, archive.width))
        if y is not None:
            self.call_after_refresh(self._arrive, key, y)

    def _arrive(self, key: int, y: int) -> None:
        if key == self._wanted:
            self._wanted = None
            self.scroll_to(y=y, animate=False, force=True, immediate=True)

    @property
    def following(self) -> bool:
        return not self._anchor_released

    @property
    def at_end(self) -> bool:
        """Whether the end is seen, followed or not."""
        return self.following or self.scroll_y >= self.max_scroll_y

    @property
    def last_reply(self) -> MessageView | None:
        replies = [view for view in self.query(MessageView) if view.role == "assistant"]
        return replies[-1] if replies else None

    # -------------------------------------------------------------- the reader's place

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._is_mounted and self.size.height:
            self._place = self._place_at(round(new_value))
            self._come_near()

    def arrange(self, size: Size, optimal: bool = False) -> DockArrangeResult:
        """Here every height is known and nothing is painted yet."""
        self._archive.fold(size.width)
        self._messages._box_model_cache.clear()  # see Lines.relayout: a mount may have come since
        result = super().arrange(size, optimal)
        if not self.following:
            self._keep_place()
        return result

    def _come_near(self) -> None:
        """Lay out what is near the place; what turns out higher or lower does not move it."""
        archive, place = self._archive, self._place
        near = PAGES_NEAR * self.size.height
        n_archived = archive.n_messages
        index = min(place.index, n_archived) if place else n_archived
        if archive.measure(index, near, near + self.size.height) and not self.following:
            self._keep_place()

    def _keep_place(self) -> None:
        y = self._y_of(self._place) if self._place else None
        if y is not None and y != round(self.scroll_y):
            # past Textual's own setters, which know the height before this change only
            self.set_reactive(Widget.scroll_y, y)
            self.set_reactive(Widget.scroll_target_y, y)
            self.vertical_scrollbar.set_reactive(ScrollBar.position, y)

    def _heights(self) -> list[tuple[int, int]]:
        """Of each view below the archive: its number among all messages, and its lines."""
        first = self._archive.n_messages
        views = [view for view in self.query(MessageView) if view.display]
        return [(first + n, view.n_lines + 1) for n, view in enumerate(views)]

    def _place_at(self, y: int) -> Place | None:
        archived = self._archive.archived
        if archived and 0 <= y < len(archived):
            return archived.place(y)
        y -= len(archived or ())
        for index, height in self._heights():
            if 0 <= y < height:
                return Place(index, y, height, self._archive.width)
            y -= height
        return None

    def _y_of(self, place: Place) -> int | None:
        archived, width = self._archive.archived, self._archive.width
        if archived and place.index < archived.n_messages:
            height = archived.height(place.index)
            return archived.start(place.index) + place.line_at(width, height)
        top = len(archived or ())
        for index, height in self._heights():
            if index == place.index:
                return top + place.line_at(width, height)
            top += height
        return None
