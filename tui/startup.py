"""What must be decided before Textual is imported, since Textual reads it at import.

The package imports this module first; it imports nothing but the standard library.
"""

from __future__ import annotations

import gc
import os
from collections.abc import MutableMapping

REMOTE_DEFAULTS = {
    "TEXTUAL_FPS": "15",
    "TEXTUAL_ANIMATIONS": "none",
    "TEXTUAL_SMOOTH_SCROLL": "0",
}
NEAR_FPS = "120"
"""A key that comes right after a frame waits for the next: half as long as at Textual's own 60."""


BUSY_START_THRESHOLD = 200_000
"""New objects before a collection: none of those made by importing is garbage."""


def delay_collections() -> None:
    """Let no garbage collection interrupt the way to the first frame; it saves some 40 ms."""
    gc.set_threshold(BUSY_START_THRESHOLD, 10, 10)


def settle_collections() -> None:
    """After the first frame: what exists now stays, so that collections are short from here on."""
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


def prepare_environment(environ: MutableMapping[str, str] = os.environ) -> None:
    """For every command. What the user has set stays as it is."""
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    # pydantic would look through every installed package for plugins: some 10 ms
    environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def prepare_for_nearness(environ: MutableMapping[str, str] = os.environ) -> None:
    """Where the terminal is on this machine."""
    environ.setdefault("TEXTUAL_FPS", NEAR_FPS)


def prepare_for_distance(environ: MutableMapping[str, str] = os.environ) -> None:
    """Where the terminal is far away: fewer frames and nothing animated."""
    for name, value in REMOTE_DEFAULTS.items():
        environ.setdefault(name, value)
