"""The app as a user has it: a process in a pseudo-terminal, from launch to quit."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pyte
import pytest

ROOT = Path(__file__).parents[2]
WAIT_S = 30


class Screen:
    """A process in a pseudo-terminal and what its screen shows."""

    def __init__(self, *flags: str, columns: int = 100, rows: int = 30) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        env = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
        command = ["-m", "tui.cli", *flags]
        self.process = pexpect.spawn(
            sys.executable, command, dimensions=(rows, columns), env=env, timeout=WAIT_S
        )
        self.raw = b""

    def update(self) -> None:
        try:
            data = self.process.read_nonblocking(1 << 16, timeout=0.05)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
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

    def wait_for_end(self) -> int | None:
        end = time.monotonic() + WAIT_S
        while self.process.isalive():
            assert time.monotonic() < end, "the app did not end"
            self.update()
        self.process.close()
        return self.process.exitstatus


@pytest.fixture
def flags(models: Path) -> list[str]:
    return [
        *("--target", str(models / "target.gguf"), "--draft", str(models / "draft.gguf")),
        *("--temperature", "0", "--threads", "1", "--max-tokens", "40"),
    ]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_from_launch_to_quit(flags: list[str]) -> None:
    screen = Screen(*flags)
    screen.wait(lambda text: "Write a message" in text)
    screen.wait(lambda text: "ready" in text)
    assert screen.process.pid
    engine = children(screen.process.pid)
    assert engine
    screen.process.send("good morning\r")
    screen.wait(lambda text: "40 tokens" in text)
    assert "good morning" in screen.text
    screen.process.send("\x1bOQ")  # F2
    screen.wait(lambda text: "draft: none" in text)
    screen.process.send("\x11")  # Ctrl+Q
    assert screen.wait_for_end() == 0
    for pid in engine:
        assert not Path(f"/proc/{pid}").exists(), "the engine outlived the app"


def test_a_terminated_app_restores_the_terminal_and_ends_its_engine(flags: list[str]) -> None:
    screen = Screen(*flags)
    screen.wait(lambda text: "ready" in text)
    assert screen.process.pid
    engine = children(screen.process.pid)
    screen.process.kill(signal.SIGTERM)
    assert screen.wait_for_end() == 128 + signal.SIGTERM
    assert b"\x1b[?1049l" in screen.raw, "the alternate screen was not left"
    end = time.monotonic() + WAIT_S
    while any(Path(f"/proc/{pid}").exists() for pid in engine):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_over_ssh_fewer_frames_and_no_animation(
    flags: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    screen = Screen(*flags)
    screen.wait(lambda text: "ready" in text)
    screen.process.send("hello\r")
    screen.wait(lambda text: "40 tokens" in text)
    screen.process.send("\x11")
    assert screen.wait_for_end() == 0
