"""`specdec-tui` and `python -m tui`: a start like the last one opens the app at once; all else is
the command line's.
"""

from __future__ import annotations

import sys

from core import last_start
from tui.opening import has_terminal, open_app


def main() -> int:
    """Entry point of `specdec-tui`: the exit code."""
    settings = last_start.recall(sys.argv[1:]) if has_terminal() else None
    if settings is None:
        from tui import cli

        return cli.main()
    return open_app(settings)


if __name__ == "__main__":
    sys.exit(main())
