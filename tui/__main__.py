"""`specdec-tui` and `python -m tui`: a start like the last one opens the app at once; all else is
the command line's.

Modules take a moment to load, and who presses Ctrl+C in that moment wants no traceback.
"""

from __future__ import annotations

import sys

from tui.exit_codes import exit_code


def main() -> int:
    """Entry point of `specdec-tui`: the exit code."""
    return exit_code(_begin)


def _begin() -> int:
    from core import last_start
    from tui.opening import has_terminal, open_app

    settings = last_start.recall(sys.argv[1:]) if has_terminal() else None
    if settings is not None:
        return open_app(settings)
    from tui.cli import run_command

    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
