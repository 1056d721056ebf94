"""llama.cpp's log: written to stderr, which the app keeps, with the last complaints at hand."""

from __future__ import annotations

import ctypes
import sys
from collections import deque

import llama_cpp

_LEVELS_SHOWN = (2, 3, 4)  # ggml_log_level: 1 debug, 2 info, 3 warn, 4 error, 5 continued line
_CONTINUED = 5
_complaints: deque[str] = deque(maxlen=20)
_shown = True
_level = 0


def _on_log(level: int, text: bytes, _user_data: object) -> None:
    global _level  # noqa: PLW0603 - a continued line has the level of the line before it
    _level = _level if level == _CONTINUED else level
    line = text.decode(errors="replace")
    if _level >= 3 and line.strip(" .\n"):
        _complaints.append(line.strip())
    if _shown and _level in _LEVELS_SHOWN:
        sys.stderr.write(line)


_callback = llama_cpp.llama_log_callback(_on_log)  # kept here: llama.cpp holds a bare pointer


def capture_log(*, show: bool = True) -> None:
    """Route llama.cpp's log to this process's stderr (`show`), and remember its complaints."""
    global _shown  # noqa: PLW0603 - llama.cpp's logger is global too
    _shown = show
    llama_cpp.llama_log_set(_callback, ctypes.c_void_p(0))


def forget_complaints() -> None:
    """Start a new list of complaints, before a call whose failure is to be explained."""
    _complaints.clear()


def last_complaint() -> str:
    """The first complaint since `forget_complaints`, which is nearest the cause; or ''."""
    return _complaints[0] if _complaints else ""
