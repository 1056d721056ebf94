"""A home of its own for every test run: nothing of the user's is read or written."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

_home = tempfile.mkdtemp(prefix="specdec-tests-")
for _name in ("CONFIG", "CACHE", "DATA", "STATE"):
    os.environ[f"XDG_{_name}_HOME"] = str(Path(_home, _name.lower()))
# Nobody starts the app for the first time here, unless the test says so.
(Path(_home) / "state/specdec-tui").mkdir(parents=True)
(Path(_home) / "state/specdec-tui/welcomed").touch()
for _name in [name for name in os.environ if name.startswith("SPECDEC_")]:
    del os.environ[_name]
# A shell that runs the tests in the background ignores SIGINT, and what they start would, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
