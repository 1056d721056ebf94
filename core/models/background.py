"""Blocking work on a thread of its own, so that whoever waits for it can stop at any moment.

A name that does not resolve, a line that falls silent and a server that asks for patience all block
a thread for longer than a person wants to wait; here only a thread that nobody waits for is held.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from core.errors import SpecdecError

T = TypeVar("T")
Cancelled = Callable[[], bool]
"""Asked about ten times a second whether to stop."""

POLL_S = 0.1
AHEAD = 8


class Stopped(SpecdecError):
    """The caller asked to stop. What was done so far is kept."""

    def __init__(self, message: str = "Stopped.") -> None:
        super().__init__(message, kind="stopped")


class Silence(Exception):
    """Nothing came for as long as the caller was ready to wait."""


def never() -> bool:
    """For callers that do not stop."""
    return False


def in_background(
    produce: Callable[[], Iterator[T]], cancelled: Cancelled, patience_s: float
) -> Generator[T, None, None]:
    """The items of `produce()`, made on another thread, at most AHEAD of the consumer.

    Raises what `produce` raises, Stopped as soon as `cancelled()`, and Silence when no item comes
    for `patience_s`. The thread ends by itself: at its next item once nobody listens. Close the
    iterator (`contextlib.closing`) to leave early.
    """
    box: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(AHEAD)
    left = threading.Event()
    worker = threading.Thread(target=_work, args=(produce, box, left), daemon=True)
    worker.start()
    try:
        deadline = time.monotonic() + patience_s
        while True:
            if cancelled():
                raise Stopped
            try:
                item = box.get(timeout=POLL_S)
            except queue.Empty:
                if time.monotonic() > deadline:
                    raise Silence from None
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item[0]
            deadline = time.monotonic() + patience_s
    finally:
        left.set()


def pause(seconds: float, cancelled: Cancelled) -> None:
    """Sleep, unless and until `cancelled()`; raises Stopped then."""
    until = time.monotonic() + seconds
    while True:
        if cancelled():
            raise Stopped
        left = until - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(POLL_S, left))


def _work(
    produce: Callable[[], Iterator[T]],
    box: queue.Queue[tuple[T] | BaseException | None],
    left: threading.Event,
) -> None:
    last: BaseException | None = None
    try:
        for item in produce():
            if not _put(box, (item,), left):
                return
    except BaseException as error:  # it belongs to whoever waits for the items
        last = error
    _put(box, last, left)


def _put(box: queue.Queue[T], item: T, left: threading.Event) -> bool:
    """False where nobody listens any more."""
    while not left.is_set():
        try:
            box.put(item, timeout=POLL_S)
        except queue.Full:
            continue
        return True
    return False
