"""The app as a user has it: a process in a pseudo-terminal, and what its screen shows."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pexpect
import pyte

ROOT = Path(__file__).parents[2]
WAIT_S = 30


class Screen:
    """A process in a pseudo-terminal and what its screen shows."""

    _begun: ClassVar[list[Screen]] = []

    def __init__(
        self, *flags: str, columns: int = 100, rows: int = 30, env: dict[str, str] | None = None
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        env = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"} | (env or {})
        command = ["-m", "tui", *flags]
        self.process = pexpect.spawn(
            sys.executable, command, dimensions=(rows, columns), env=env, timeout=WAIT_S
        )
        self._begun.append(self)
        self.raw = b""
        self.at_end = False
        """All that the process wrote has been read."""

    @classmethod
    def end_all(cls) -> None:
        """Kill what a test has left: it would take the processor from those that follow."""
        while cls._begun:
            process = cls._begun.pop().process.ptyproc
            if process.isalive():
                process.kill(signal.SIGKILL)
                process.wait()

    def update(self) -> None:
        try:
            data = self.process.read_nonblocking(1 << 16, timeout=0.05)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            self.at_end = True
            time.sleep(0.02)
            return
        self.raw += data
        self._stream.feed(data)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def wait(self, condition: Callable[[str], object]) -> None:
        end = time.monotonic() + WAIT_S
        while not condition(self.text):
            assert time.monotonic() < end, f"did not come to be on the screen:\n{self.text}"
            self.update()

    @property
    def pid(self) -> int:
        assert self.process.pid
        return self.process.pid

    def wipe(self) -> None:
        """As if somebody else had cleared the screen."""
        self._screen.reset()

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)
        self.process.setwinsize(rows, columns)

    def wait_for_end(self) -> int | None:
        end = time.monotonic() + WAIT_S
        while self.process.isalive() or not self.at_end:
            assert time.monotonic() < end, f"the app did not end:\n{self.text}"
            self.update()
        self.process.close()
        return self.process.exitstatus


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until_gone(*pids: int) -> None:
    """Fails where one of the processes is there for too long."""
    end = time.monotonic() + WAIT_S
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < end, "a process remains"
        time.sleep(0.02)
