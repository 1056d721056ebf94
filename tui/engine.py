"""The app's line to the engine: takes its events, a frame's worth at a time, as messages.

Nothing here touches a widget. `core.client` is imported when the line is opened, which is after
the first frame.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from textual.message import Message

from core.protocol import EngineDied
from tui.feed import FeedItem, coalesce

if TYPE_CHECKING:
    from core.client import EngineClient
    from core.protocol import Command

MOST_EVENTS = 4000
"""So many events are joined at most before the screen is given a turn."""
TYPING_S = 0.06
"""After a key the screen is left to it for so long, so that the next key finds it free."""
LONGEST_WAIT_S = 0.5
"""But text is never held back for longer by somebody who types on and on."""


@dataclass
class EngineEvents(Message):
    """What the engine reported since the last frame, in order."""

    items: list[FeedItem]


class EngineLine:
    """Sends commands in order and hands on events, at most once a frame."""

    def __init__(self, post: Callable[[Message], object], frame_s: float) -> None:
        self._post = post
        self._frame_s = frame_s
        self._client: EngineClient | None = None
        self._commands: asyncio.Queue[Command] = asyncio.Queue()
        self._shown = asyncio.Event()
        self._typing_until = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start the engine process and begin to listen."""
        from core.client import EngineClient

        self._client = EngineClient()
        try:
            await self._client.start()
        except OSError as error:
            self._post(EngineEvents([_not_started(error)]))
        # a tenth of a second, in which keys are not to wait, and the engine starts meanwhile
        await asyncio.to_thread(importlib.import_module, "core.wire")
        self._tasks = [
            asyncio.create_task(self._send_all(self._client), name="engine-send"),
            asyncio.create_task(self._listen(self._client), name="engine-listen"),
        ]

    def send(self, command: Command) -> None:
        """Put a command on the queue; never waits."""
        self._commands.put_nowait(command)

    def shown(self) -> None:
        """The app has taken in the last batch: the next one may come."""
        self._shown.set()

    def give_way(self) -> None:
        """A key was pressed: its painting comes before that of the next batch."""
        self._typing_until = perf_counter() + TYPING_S

    @property
    def pid(self) -> int | None:
        return self._client.pid if self._client else None

    @property
    def log(self) -> list[str]:
        return list(self._client.log) if self._client else []

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._client:
            await self._client.close()

    async def _send_all(self, client: EngineClient) -> None:
        while True:
            command = await self._commands.get()
            try:
                await client.send(command)
            except OSError as error:
                self._post(EngineEvents([_not_started(error)]))

    async def _listen(self, client: EngineClient) -> None:
        """A slow screen gets fewer, larger batches: the pause grows with what the last one took."""
        while True:
            events = [await client.events.get()]
            while not client.events.empty() and len(events) < MOST_EVENTS:
                events.append(client.events.get_nowait())
            self._shown.clear()
            started = perf_counter()
            self._post(EngineEvents(coalesce(events)))
            await self._shown.wait()
            took = perf_counter() - started
            await asyncio.sleep(max(self._frame_s, 2 * took))
            longest = perf_counter() + LONGEST_WAIT_S
            while (left := min(self._typing_until, longest) - perf_counter()) > 0:
                await asyncio.sleep(left)


def _not_started(error: OSError) -> EngineDied:
    message = f"The engine could not be started: {error.strerror or error}; try again."
    return EngineDied(message=message, cause="not started", log_tail=[])
