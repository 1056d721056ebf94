"""The app as a user has it: a process in a pseudo-terminal, from launch to quit."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.terminal import Screen, children, wait_until_gone


@pytest.fixture
def flags(models: Path) -> list[str]:
    return [
        *("--target", str(models / "target.gguf"), "--draft", str(models / "draft.gguf")),
        *("--temperature", "0", "--threads", "1", "--max-tokens", "40"),
    ]


def test_from_launch_to_quit(flags: list[str]) -> None:
    screen = Screen(*flags)
    screen.wait(lambda text: "Write a message" in text)
    screen.wait(lambda text: "ready" in text)
    assert screen.process.pid
    engine = children(screen.process.pid)
    assert engine
    screen.process.send("good morning\r")
    screen.wait(lambda text: "40 tokens" in text and "good morning" in text)
    screen.process.send("\x1bOQ")  # F2
    screen.wait(lambda text: "draft: none" in text)
    screen.process.send("\x1b2")  # Alt+2
    screen.wait(lambda text: "draft: prompt lookup" in text)
    screen.process.send("\x11")  # Ctrl+Q
    assert screen.wait_for_end() == 0
    for pid in engine:
        assert not Path(f"/proc/{pid}").exists(), "the engine outlived the app"


def test_the_first_frame_at_80_columns_is_laid_out_for_80_columns(flags: list[str]) -> None:
    screen = Screen(*flags, columns=80, rows=24)
    screen.wait(lambda text: "ready" in text)
    assert b"accepted by position" not in screen.raw, "the panel was shown, and folded away then"


def test_a_terminated_app_restores_the_terminal_and_ends_its_engine(flags: list[str]) -> None:
    screen = Screen(*flags)
    screen.wait(lambda text: "ready" in text)
    assert screen.process.pid
    engine = children(screen.process.pid)
    screen.process.kill(signal.SIGTERM)
    assert screen.wait_for_end() == 128 + signal.SIGTERM
    assert b"\x1b[?1049l" in screen.raw, "the alternate screen was not left"
    wait_until_gone(*engine)


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
