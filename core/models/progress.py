"""How far a download is: bytes, speed, time to go. Pure arithmetic over samples, and the meter that
collects them and tells whoever watches."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Stage = Literal["asking", "waiting", "checking", "downloading", "finishing"]
Sample = tuple[float, int]
"""A moment in seconds, of any clock that only runs forward, and the bytes there were by then."""

WINDOW_S = 8.0
SHORTEST_S = 0.5
TELL_EVERY_S = 0.1


@dataclass(frozen=True)
class Progress:
    """Where a download stands. Bytes are of all its files together.

    `rate` (bytes per second) and `remaining_s` are None until there is something to tell them
    from. `note` says what is being waited for, empty where nothing is.
    """

    stage: Stage
    done: int = 0
    total: int = 0
    rate: float | None = None
    remaining_s: float | None = None
    file: str = ""
    part: int = 1
    parts: int = 1
    note: str = ""


OnProgress = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """For callers that do not watch."""


def pace(samples: Sequence[Sample], now: float, window_s: float = WINDOW_S) -> float | None:
    """Bytes per second over the last `window_s`; None until half a second was measured.

    A line that stalls shows: the time up to `now` counts though no bytes came in it.
    """
    recent = [sample for sample in samples if sample[0] >= now - window_s] or samples[-1:]
    if not recent:
        return None
    (begin, first), (_, last) = recent[0], recent[-1]
    return (last - first) / (now - begin) if now - begin >= SHORTEST_S else None


def time_left(done: int, total: int, rate: float | None) -> float | None:
    """Seconds until `total` bytes are there; None while that cannot be said."""
    return max(0, total - done) / rate if rate else None


class Meter:
    """Counts bytes, and tells a watcher ten times a second at most.

    Only what comes while downloading is told as a speed: what was there before, and is read again
    to be checked, moves `done` alone.
    """

    def __init__(self, total: int, parts: int, on_progress: OnProgress) -> None:
        self.state = Progress("asking", total=total, parts=parts)
        self._on_progress = on_progress
        self._samples: deque[Sample] = deque()
        self._received = 0
        self._told = -1.0

    def begin(self, stage: Stage, note: str = "") -> None:
        """Another stage, told at once; its speed is measured anew."""
        self._samples.clear()
        self.state = replace(self.state, stage=stage, note=note)
        self._tell(time.monotonic())

    def expect(self, total: int) -> None:
        """The bytes of all files, once they are known."""
        self.state = replace(self.state, total=total)

    def at_part(self, part: int, file: str, done: int) -> None:
        """The `part`-th file, from 1, with `done` bytes of all files there."""
        self.state = replace(self.state, part=part, file=file, done=done)

    def received(self, n_bytes: int) -> None:
        """So many bytes more, in the stage that was begun."""
        self._received += n_bytes
        self.state = replace(self.state, done=self.state.done + n_bytes)
        self.tick()

    def tick(self) -> None:
        """To be called now and then also when nothing comes, so that a stalled line shows."""
        now = time.monotonic()
        if now - self._told >= TELL_EVERY_S:
            self._tell(now)

    def ticking(self, cancelled: Callable[[], bool]) -> Callable[[], bool]:
        """`cancelled`, with a tick whenever it is asked."""

        def asked() -> bool:
            self.tick()
            return cancelled()

        return asked

    def end(self) -> None:
        """Nothing more will come: the last figures are told, whatever the time."""
        self._tell(time.monotonic())

    def _tell(self, now: float) -> None:
        self._told = now
        self._samples.append((now, self._received))
        while self._samples[0][0] < now - WINDOW_S and len(self._samples) > 1:
            self._samples.popleft()
        rate = pace(self._samples, now) if self.state.stage == "downloading" else None
        left = time_left(self.state.done, self.state.total, rate)
        self.state = replace(self.state, rate=rate, remaining_s=left)
        self._on_progress(self.state)
