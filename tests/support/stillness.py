"""When the app is at rest.

Textual's pilot takes a process that has used little of the processor for a moment for one that has
nothing left to do; where others use the processor, that may be any process, and what a key leads
to is asserted before it comes. Here it is known: messages are counted in and out.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from textual._context import active_app
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump

LONGEST_S = 10.0
"""What never rests, such as a reply that streams in, is left to itself."""
HOPS = 4
"""Turns of the loop from a key that is sent to its message in a queue."""


class _Traffic:
    """Messages that are being taken in, and how many ever were."""

    def __init__(self) -> None:
        self.under_way = self.begun = 0

    def __enter__(self) -> None:
        self.under_way += 1
        self.begun += 1

    def __exit__(self, *_: object) -> None:
        self.under_way -= 1


def wait_for_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the pilot wait for rest after each key and where it pauses. Of threads and the engine
    nothing is known here: tests wait for what these bring."""
    traffic = _Traffic()
    dispatch, flush = MessagePump._dispatch_message, MessagePump._flush_next_callbacks

    async def counted_dispatch(pump: MessagePump, message: Message) -> None:
        with traffic:
            await dispatch(pump, message)

    async def counted_flush(pump: MessagePump) -> None:
        if pump._next_callbacks:
            with traffic:
                await flush(pump)

    async def rest(*_: float) -> None:
        app = active_app.get()
        end = time.monotonic() + LONGEST_S
        while time.monotonic() < end:
            before = traffic.begun
            for _turn in range(HOPS):
                await asyncio.sleep(0)
            if traffic.under_way or traffic.begun != before or _is_awaited(app):
                await asyncio.sleep(0.001)
            elif _is_painted(app):
                return
            else:
                app.screen._on_timer_update()

    monkeypatch.setattr(MessagePump, "_dispatch_message", counted_dispatch)
    monkeypatch.setattr(MessagePump, "_flush_next_callbacks", counted_flush)
    for place in ("textual.app", "textual.pilot"):
        monkeypatch.setattr(f"{place}.wait_for_idle", rest)


def _is_awaited(app: App[Any]) -> bool:
    """Whether a message or a callback waits for its turn, or a new size for a last one."""
    if app._resize_event is not None:
        return True
    pumps: list[MessagePump] = [app, *app._registry]
    return any(
        not pump._message_queue.empty() or pump._pending_message or pump._next_callbacks
        for pump in pumps
        if pump._running
    )


def _is_painted(app: App[Any]) -> bool:
    if not app.is_running:
        return True
    screen = app.screen
    flags = screen._layout_required, screen._scroll_required, screen._repaint_required
    return not any((*flags, screen._recompose_required, screen._dirty_widgets, screen._callbacks))
