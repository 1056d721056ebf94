"""Deaths, in a pseudo-terminal: the engine's, which the app outlives, and the app's own, which its
engine does not; then a new start."""

from __future__ import annotations

import base64
import os
import re
import signal
from pathlib import Path

import pytest

from tests.support.terminal import Screen, children, wait_until_gone

COPIED = re.compile(rb"\x1bPtmux;\x1b\x1b\]52;c;([^\a]*)\a")
"""What goes to the clipboard by way of tmux, once it is there to its end."""


@pytest.fixture
def flags(models: Path) -> list[str]:
    return [
        *("--target", str(models / "target.gguf"), "--draft", str(models / "draft.gguf")),
        *("--temperature", "0", "--threads", "1", "--max-tokens", "6000"),
    ]


def test_killed_engine_killed_app_and_a_new_start(
    flags: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX", "/tmp/some,1,0")
    screen = Screen(*flags, columns=100, rows=30)
    screen.wait(lambda text: "ready" in text)
    screen.process.send("good morning\r")
    screen.wait(lambda text: "ready" not in text and re.search(r"\d tok/s", text))
    (engine,) = children(screen.pid)
    screen.resize(80, 24)
    os.kill(engine, signal.SIGKILL)
    screen.wait(lambda text: "SIGKILL" in text)
    screen.process.send("\x1b[1;5H")  # Ctrl+Home: the reply may be longer than the screen
    screen.wait(lambda text: "interrupted" in text)
    screen.process.send("\x0f")  # Ctrl+O: what had come of the reply
    screen.wait(lambda _text: COPIED.search(screen.raw))
    (sent,) = COPIED.findall(screen.raw)
    assert base64.b64decode(sent).strip()
    screen.process.send("once more\r")
    screen.wait(lambda text: "once more" in text and children(screen.pid))
    (second,) = children(screen.pid)
    assert second != engine
    os.kill(screen.pid, signal.SIGKILL)
    wait_until_gone(second)
    again = Screen(*flags)
    again.wait(lambda text: "ready" in text)
    again.process.send("\x11")
    assert again.wait_for_end() == 0
