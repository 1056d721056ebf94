"""How long a keystroke takes to be painted while a reply streams in; run by hand, asserts nothing.

    python -m tests.perf.keystroke [--keys 200] [--size 120x34] [-- FLAGS OF specdec-tui]

The app runs in a pseudo-terminal as a user has it. A key is written, and the time taken until the
screen (emulated by pyte) shows it in the composer. Also reported: the time from starting the
process to its first painted frame, and the resident memory of the app's process.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pyte

PROMPT = b"Tell me a long story about the sea and the ships that cross it"
CLEAR_LINE = b"\x15"
FIRST_KEY, ROW = 0x0436, 32


class Terminal:
    """The app in a pseudo-terminal, and what its screen shows."""

    def __init__(self, command: list[str], columns: int, rows: int) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.started = time.perf_counter()
        master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._data = tempfile.TemporaryDirectory()
        env = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        env["XDG_DATA_HOME"] = self._data.name  # what is measured is no chat of the user's
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command], stdin=slave, stdout=slave, stderr=slave, env=env
        )
        os.close(slave)
        self.master = master
        self._behind: list[bytes] = []

    def write(self, data: bytes) -> None:
        os.write(self.master, data)

    def read(self, timeout: float) -> bool:
        """Take in what the app has painted; False if there was nothing."""
        if not select.select([self.master], [], [], timeout)[0]:
            return False
        data = os.read(self.master, 1 << 16)
        self._stream.feed(data)
        return True

    def wait(self, text: str, timeout: float = 60.0) -> float:
        """Seconds since the start when `text` was on the screen."""
        end = time.perf_counter() + timeout
        while not any(text in line for line in self.screen.display):
            if time.perf_counter() > end:
                raise SystemExit(f"{text!r} did not appear:\n" + "\n".join(self.screen.display))
            self.read(0.01)
        return time.perf_counter() - self.started

    def expect(self, data: bytes, timeout: float = 10.0) -> None:
        """Read until `data` is painted; the screen is not kept up to date meanwhile."""
        end, seen = time.perf_counter() + timeout, b""
        while data not in seen:
            if time.perf_counter() > end:
                raise SystemExit(f"{data.decode()!r} was not painted within {timeout} s")
            if select.select([self.master], [], [], 0.01)[0]:
                read = os.read(self.master, 1 << 16)
                seen = seen[-8:] + read
                self._behind.append(read)

    def settle(self, seconds: float) -> None:
        """Take away what is painted for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self.master], [], [], left)[0]:
                self._behind.append(os.read(self.master, 1 << 16))

    def catch_up(self) -> None:
        """Bring the screen up to date with all that was read."""
        for data in self._behind:
            self._stream.feed(data)
        self._behind.clear()

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(OSError):  # the terminal's end comes with the process's
            while self.process.poll() is None:  # it paints while it ends
                self.settle(0.05)
        self.process.wait(10)
        os.close(self.master)


def resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def first_frames(command: list[str], columns: int, rows: int, times: int) -> list[float]:
    found = []
    for _ in range(times):
        terminal = Terminal(command, columns, rows)
        terminal.expect(b"Ctrl+P")
        found.append(time.perf_counter() - terminal.started)
        terminal.close()
    return found


def keystrokes(terminal: Terminal, count: int, ask: bool) -> list[float]:
    """Milliseconds from writing a key to reading what paints it, one key after the other.

    Each key is a letter that neither the app nor a model writes, so that it is found in the bytes
    themselves: emulating the screen would take longer than painting it.
    """
    took = []
    for number in range(count):
        if number % ROW == 0:
            terminal.catch_up()
            terminal.write(CLEAR_LINE)
            if ask and any("ready" in line for line in terminal.screen.display):
                terminal.write(PROMPT + b"\r")  # replies of a small model are short
            terminal.settle(0.2)
        key = chr(FIRST_KEY + number % ROW).encode()
        terminal.write(key)
        written = time.perf_counter()
        terminal.expect(key)
        took.append((time.perf_counter() - written) * 1000)
        terminal.settle(0.03)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--size", default="120x34")
    parser.add_argument("--frames", type=int, default=7)
    parser.add_argument("flags", nargs="*", help="flags of specdec-tui, after --")
    given = parser.parse_args()
    columns, rows = map(int, given.size.split("x"))
    command = [sys.executable, "-m", "tui", *given.flags]
    frames = first_frames(command, columns, rows, given.frames)
    print(f"first frame  median {statistics.median(frames):.3f} s, best {min(frames):.3f} s")
    terminal = Terminal(command, columns, rows)
    try:
        measure(terminal, given.keys)
    finally:
        terminal.close()


def measure(terminal: Terminal, count: int) -> None:
    """Print what typing costs while nothing happens, and while a reply streams in."""
    terminal.wait("ready")
    print(f"loaded       app {resident_mib(terminal.process.pid):.0f} MiB resident")
    idle = sorted(keystrokes(terminal, 30, ask=False))
    print(f"idle         p50 {idle[15]:.1f} ms, p95 {idle[28]:.1f} ms")
    terminal.catch_up()
    took = sorted(keystrokes(terminal, count, ask=True))
    terminal.catch_up()
    print(
        f"streaming    p50 {took[len(took) // 2]:.1f} ms, "
        f"p95 {took[int(len(took) * 0.95)]:.1f} ms, max {took[-1]:.1f} ms"
    )
    print(f"after        app {resident_mib(terminal.process.pid):.0f} MiB resident")
    print("\n".join(terminal.screen.display[-3:]))


if __name__ == "__main__":
    main()
