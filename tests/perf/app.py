"""What the app costs: first frame, opening a long conversation, keys while a reply streams in,
memory. Run by hand, with the machine to itself; asserts nothing. The figures: `RESULTS.md`.

    python -m tests.perf.app [--messages 2000] [--rate 1500] [--keys 200] [--size 120x34] [--demo]

The app runs in a pseudo-terminal as a user has it, and streams from a stand-in for the engine,
which says Markdown, or one code block without an end, at the given rate. With `--demo` it is the
real engine on the bundled pair.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.perf.keystroke import Terminal, keystrokes, resident_mib
from tui.startup import prepare_for_nearness

BARE = (
    "from textual.app import App\nfrom textual.widgets import Static\n"
    "class Bare(App):\n    def compose(self): yield Static('Ctrl+P here')\nBare().run()\n"
)
F10, CTRL_N, PAGE_UP = b"\x1b[21~", b"\x0e", b"\x1b[5~"
OPENS, FRAMES = 7, 12


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.perf.app")
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=1500)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--size", default="120x34")
    parser.add_argument("--demo", action="store_true", help="with the real engine")
    parser.add_argument("--skip-frames", action="store_true")
    given = parser.parse_args()
    columns, rows = map(int, given.size.split("x"))
    if not given.skip_frames:
        first_frames(columns, rows)
    prepare_for_nearness()  # as the command does
    for text in ["the bundled pair"] if given.demo else ["markdown", "fence"]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "costs.json"
            os.environ["XDG_DATA_HOME"] = folder  # what is said here is nobody's chat
            command = [sys.executable, "-m", "tests.perf.measured_app", str(file)]
            command += ["--messages", str(given.messages)]
            if not given.demo:
                command += ["--rate", str(given.rate), "--text", text]
            measure(Terminal(command, columns, rows), text, given.keys, file)


def first_frames(columns: int, rows: int) -> None:
    """Seconds to the first frame, in turn with an app of Textual alone."""
    commands = {
        "bare Textual": [sys.executable, "-c", BARE],
        "the app": [sys.executable, "-m", "tui", "--demo"],
    }
    took: dict[str, list[float]] = {name: [] for name in commands}
    memory: dict[str, float] = {}
    for _ in range(FRAMES):
        for name, command in commands.items():
            terminal = Terminal(command, columns, rows)
            terminal.expect(b"Ctrl+P")
            took[name].append(time.perf_counter() - terminal.started)
            memory[name] = resident_mib(terminal.process.pid)
            terminal.close()
    for name, seconds in took.items():
        row(
            "first frame", name, f"{statistics.median(seconds):.3f} s", f"{min(seconds):.3f} s best"
        )
        row("memory at it", name, f"{memory[name]:.0f} MiB", "")


def measure(terminal: Terminal, text: str, n_keys: int, file: Path) -> None:
    """Open the conversation, type into it while it is idle and while a reply comes, end the app."""
    try:
        terminal.wait("ready")
        row("memory", "loaded", f"{resident_mib(terminal.process.pid):.0f} MiB", "")
        opened = [open_conversation(terminal) for _ in range(OPENS)]
        terminal.settle(0.5)
        row("open", "first", f"{opened[0]:.3f} s", f"{statistics.median(opened):.3f} s median")
        row("memory", "opened", f"{resident_mib(terminal.process.pid):.0f} MiB", "")
        pages = sorted(keystroke(terminal, PAGE_UP) for _ in range(20))
        row("page up", "", f"{pages[10]:.1f} ms median", f"{pages[18]:.1f} ms p95")
        keys("keys, idle", "", keystrokes(terminal, 60, ask=False))
        terminal.catch_up()
        terminal.write(b"\x15go on\r")
        terminal.settle(0.5)
        keys("keys", text, keystrokes(terminal, n_keys, ask=text == "the bundled pair"))
        terminal.catch_up()
        terminal.settle(3)
        row("memory", f"after {text}", f"{resident_mib(terminal.process.pid):.0f} MiB", "")
    finally:
        terminal.write(b"\x11")
        with contextlib.suppress(OSError):  # the terminal's end comes with the process's
            terminal.settle(2.0)
        terminal.close()
    batches(text, json.loads(file.read_text()))


def open_conversation(terminal: Terminal) -> float:
    """Seconds from a key to the first frame that shows the end of the conversation."""
    terminal.write(CTRL_N)
    terminal.settle(0.5)
    return keystroke(terminal, F10, b"assistant") / 1000


def keystroke(terminal: Terminal, key: bytes, shown: bytes = b"\x1b[") -> float:
    """Milliseconds from a key to what is painted next, or to the frame that shows a text."""
    written = time.perf_counter()
    terminal.write(key)
    terminal.expect(shown)
    took = (time.perf_counter() - written) * 1000
    terminal.settle(0.1)
    return took


def keys(name: str, text: str, took: list[float]) -> None:
    took = sorted(took)
    p95 = took[int(len(took) * 0.95)]
    row(
        name, text, f"{p95:.1f} ms p95", f"{took[len(took) // 2]:.1f} ms median, {took[-1]:.1f} max"
    )


def batches(text: str, costs: list[tuple[float, int]]) -> None:
    """What a batch of events cost from its arrival to its painting, as the reply grows."""
    streamed = [(took, length) for took, length in costs if length]
    if not streamed:
        return
    took = sorted(cost for cost, _ in streamed)
    p95 = took[int(len(took) * 0.95)]
    row("a frame", text, f"{p95:.1f} ms p95", f"{statistics.median(took):.1f} ms median")
    row("reply", text, f"{streamed[-1][1]:,} characters", f"{len(streamed)} frames")


def row(what: str, of: str, figure: str, more: str) -> None:
    print(f"{what:<14}{of:<22}{figure:<22}{more}", flush=True)


if __name__ == "__main__":
    main()
