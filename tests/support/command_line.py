"""The command line as a process, and what the tests of it have in common."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tests.support.processes import running

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tui.cli"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
PAIR = ("--target", "target.gguf", "--draft", "draft.gguf")
SHORT = ("--max-tokens", "12", "--temperature", "0")


def sentence(result: subprocess.CompletedProcess[str], code: int) -> str:
    """What a command that failed says: one line on stderr, nothing on stdout."""
    assert (result.returncode, result.stdout) == (code, ""), result
    assert result.stderr.startswith("specdec-tui: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("specdec-tui: ").rstrip()


def start_endless_chat(
    folder: Path, env: dict[str, str]
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return running(
        [*COMMAND, "chat", "Hello", "--target", "target.gguf", "--ctx", "8192"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=env,
    )


def children(pid: int) -> list[int]:
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
