"""The program's beginning, apart from the command line, whose modules take a moment to load: who
presses Ctrl+C in that moment wants no traceback."""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> int:
    """Entry point of `specdec-tui`: the exit code."""
    try:
        from tui.cli import main as command_line
    except KeyboardInterrupt:
        return INTERRUPTED
    return command_line()


if __name__ == "__main__":
    sys.exit(main())
