"""Driving the app in tests: wait for what is to come, not for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

WAIT_S = 60.0
STEP_S = 0.02


async def wait_until(
    pilot: Pilot[Any], predicate: Callable[[], object], timeout: float = WAIT_S
) -> None:
    """Let the app run until `predicate` holds; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not predicate():
        assert time.monotonic() < end, f"did not come true within {timeout} s: {predicate}"
        await asyncio.sleep(STEP_S)
        await pilot.pause(0)


async def type_text(pilot: Pilot[Any], text: str) -> None:
    """Press the keys of `text` one by one."""
    names = {" ": "space", ".": "full_stop", "?": "question_mark", ",": "comma"}
    await pilot.press(*(names.get(character, character) for character in text))
