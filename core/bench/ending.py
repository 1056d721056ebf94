"""How a measurement ends that is told to: its folders are removed and what it started is ended."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def ends_in_order() -> Iterator[None]:
    """Let a closed terminal or a `kill` unwind the stack, so that gigabytes are not left behind."""
    told: list[int] = []

    def leave(number: int, frame: FrameType | None) -> None:
        told.append(number)
        as_ctrl_c = signal.getsignal(signal.SIGINT)
        if not callable(as_ctrl_c):  # it is ignored
            raise SystemExit(128 + number)
        # asyncio cancels what runs; raised in the midst of a task, an exit is complained of
        as_ctrl_c(signal.SIGINT, frame)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    except KeyboardInterrupt:
        if told:
            raise SystemExit(128 + told[0]) from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
