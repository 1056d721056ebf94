"""What the program's end says: 0 is done, the rest is here, whichever way it was begun."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from core.errors import SpecdecError
from core.models.untrusted import shown
from tui.commands.output import complain, prepare_streams

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130


def exit_code(run: Callable[[], int]) -> int:
    """Run the program; what went wrong is one sentence on stderr, and its code is returned."""
    prepare_streams()
    try:
        code = run()
        sys.stdout.flush()
    except SpecdecError as error:
        complain(error.message)
        return WRONG_USAGE if error.kind == "settings" else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read stdout has seen enough. Python flushes once more at exit: into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f" ({shown(str(error.filename))})" if error.filename else ""
        complain(f"The system refused to go on: {error.strerror or error}{where}.")
        return FAILED
    return code
