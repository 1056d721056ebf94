"""Opens the app: what kind of terminal it is, decided before Textual is imported."""

from __future__ import annotations

import sys

from core.errors import SpecdecError
from core.settings import Settings


def has_terminal() -> bool:
    """Whether there is a keyboard and a screen."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stdout.isatty())


def open_app(settings: Settings) -> int:
    """Run the app to its end; the exit code. Raises SpecdecError where there is no terminal."""
    if not has_terminal():
        raise SpecdecError("The app needs a terminal; use `specdec-tui chat` without one.")
    from tui.startup import prepare_for_distance, prepare_for_nearness
    from tui.terminal import this_terminal

    terminal = this_terminal(settings.remote, settings.ascii)
    if terminal.remote:
        prepare_for_distance()
    else:
        prepare_for_nearness()
    from tui.app import run_app

    return run_app(settings, terminal)
