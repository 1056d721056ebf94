"""Processes that a test starts, and that are gone when it is over."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process with its output in a pipe. One that is still there at the end is killed: a test
    that fails neither waits for it for ever, nor leaves it to those that follow."""
    with subprocess.Popen(command, **({"stdout": subprocess.PIPE} | options)) as process:
        try:
            yield process
        finally:
            process.kill()
