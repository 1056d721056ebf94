"""The last lines of the engine's log."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.sanitize import clean_line

RESTART = "the engine ended here; what follows is the log of the one in use"


def log_lines(before: Sequence[str], now: Sequence[str]) -> list[Content]:
    """The log of the engine in use, after what is left of one that ended; says so if empty."""
    current = [clean_line(line, 400) for line in now]
    lines = [Content(line) for line in current]
    if before and list(before) != current[-len(before) :]:
        ended = [Content(clean_line(line, 400)) for line in before]
        lines = [*ended, Content.styled(RESTART, "$notice"), *lines]
    return lines or [Content.styled("The engine has written nothing to its log.", "$muted")]
