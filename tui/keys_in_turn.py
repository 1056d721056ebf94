"""Keys one after the other, however fast they come.

Textual hands a key to the widget that has the focus, and looks up what it is bound to only when it
has climbed from there to the app; by then the widget has taken the characters behind it. Of what
comes in one piece, as over SSH or while the app was busy, a Ctrl+U would delete what was typed
after it, and a key that opens a screen would leave to the old one what was meant for the new.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.events import Event, Key

PATIENCE_S = 0.5
"""A widget that has not come to a key by then must not keep the next one from the app."""


class Turns:
    """Gives the app a key, or a paste, when the one before it has had its effect."""

    def __init__(self, app: App[Any], give: Callable[[Event], Awaitable[None]]) -> None:
        self._app, self._give = app, give
        self._waiting: deque[Event] = deque()
        self._since: float | None = None
        """When the one that is on its way was given; None: there is none."""

    async def take(self, event: Event) -> None:
        """Give it now, or when it is its turn."""
        self._waiting.append(event)
        if self._since is None:
            await self._next()
        elif monotonic() - self._since > PATIENCE_S:
            while self._waiting:
                await self._next()

    async def _next(self) -> None:
        self._since = None
        while self._waiting and self._since is None:
            event, target = self._waiting.popleft(), self._app.focused or self._app.screen
            if not _goes_no_further(event, target):
                self._since = monotonic()
            await self._give(event)
            if self._since is not None:
                self._follow(target, self._settle)

    async def _settle(self) -> None:
        """The app has looked up what the key is bound to. What that did, such as to open a screen
        or to choose a row, is told to the widget that has the focus now."""
        self._follow(self._app.focused or self._app.screen, self._next)

    def _follow(self, node: DOMNode, then: Callable[[], Awaitable[None]]) -> None:
        """Climb to the app behind the key, through the same queues, and go on there.

        Twice through the first: its answer to the key is a message to itself.
        """
        again = partial(self._through, node, partial(self._climb, node, then))
        self._through(node, again)

    def _climb(self, node: DOMNode, then: Callable[[], Awaitable[None]]) -> None:
        parent = node.parent
        if parent is None or parent is self._app:
            self._app.call_later(then)
        else:
            self._through(parent, partial(self._climb, parent, then))

    def _through(self, node: DOMNode, then: Callable[[], None]) -> None:
        """Go on when the node has done what waits for it; at once where it is being removed."""
        if not node.call_later(then):
            then()


def _goes_no_further(event: Event, target: DOMNode) -> bool:
    """Whether it is text for a widget that takes text, which then has it before what comes next."""
    if not isinstance(event, Key):
        return True
    if event.key.startswith("alt+"):  # has its character with it, but is no text
        return False
    return target.check_consume_key(event.key, event.character)
