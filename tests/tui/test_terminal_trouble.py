"""What happens to a terminal while the app runs in it, and terminals that can do less."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from tests.support.terminal import ROOT, WAIT_S, Screen, children, wait_until_gone

SGR = re.compile(rb"\x1b\[([\d;]*)m")
ATTRIBUTES = {b"", b"0", b"1", b"2", b"3", b"4", b"7", b"9"}


@pytest.fixture
def flags(models: Path) -> list[str]:
    return [
        *("--target", str(models / "target.gguf"), "--draft", "none"),
        *("--temperature", "0", "--threads", "1", "--max-tokens", "20"),
    ]


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def until(condition: Callable[[], object], screen: Screen) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, screen.text
        screen.update()


def echoes(screen: Screen) -> bool:
    """Whether the terminal is as a shell needs it."""
    flags = termios.tcgetattr(screen.process.child_fd)[3]
    return bool(flags & termios.ECHO and flags & termios.ICANON)


def is_whole(text: str) -> bool:
    """Title, composer and keys where they belong; frames for the sizes before come first."""
    lines = text.splitlines()
    if len(lines) < 3:
        return False
    places = lines[0].startswith(" specdec-tui"), lines[-1].startswith(" Enter send")
    return all(places) and "Write a message" in lines[-3]


def test_a_storm_of_resizes_leaves_a_whole_screen_and_a_hang_up_leaves_nothing(
    flags: list[str],
) -> None:
    screen = Screen(*flags)
    screen.wait(lambda text: "ready" in text)
    engine = children(screen.pid)
    screen.process.send("good morning\r")
    for number in range(100):
        screen.resize(20 + number * 37 % 140, 3 + number * 11 % 50)
        time.sleep(0.005)
        if number % 10 == 0:
            screen.update()
    screen.resize(90, 20)
    parts = "20 tokens", "ready", "good morning"  # a frame may come in pieces
    screen.wait(lambda text: is_whole(text) and all(part in text for part in parts))
    os.close(screen.process.child_fd)  # the window is closed: the kernel sends SIGHUP
    screen.process.closed = True
    wait_until_gone(*engine)
    end = time.monotonic() + WAIT_S
    while screen.process.ptyproc.isalive():
        assert time.monotonic() < end, "the app outlived its terminal"
        time.sleep(0.02)


def test_suspended_it_gives_the_terminal_back_and_paints_itself_anew_on_return(
    flags: list[str],
) -> None:
    screen = Screen(*flags)
    screen.wait(lambda text: "ready" in text)
    assert not echoes(screen)
    os.kill(screen.pid, signal.SIGTSTP)
    until(lambda: screen.raw.rstrip().endswith(b"\x1b[?1004l"), screen)
    until(lambda: state(screen.pid) == "T", screen)
    assert b"\x1b[?1049l" in screen.raw and echoes(screen)
    screen.wipe()
    os.kill(screen.pid, signal.SIGCONT)
    screen.wait(lambda text: "ready" in text and "Enter send" in text and "specdec-tui" in text)
    screen.process.send("hello\r")
    screen.wait(lambda text: "20 tokens" in text)
    screen.process.send("\x11")
    assert screen.wait_for_end() == 0


def test_stopped_without_a_warning_it_goes_on_with_one_reader_and_ends(flags: list[str]) -> None:
    screen = Screen(*flags)
    screen.wait(lambda text: "ready" in text)
    for _ in range(3):
        os.kill(screen.pid, signal.SIGSTOP)
        until(lambda: state(screen.pid) == "T", screen)
        screen.wipe()
        os.kill(screen.pid, signal.SIGCONT)
        screen.wait(is_whole)
    screen.process.send("hello there\r")
    screen.wait(lambda text: "hello there" in text and "20 tokens" in text)
    screen.process.send("\x11")
    assert screen.wait_for_end() == 0
    assert screen.raw.count(b"\x1b[?1049h") == screen.raw.count(b"\x1b[?1049l") == 4


def test_without_colours_and_in_ascii_alone(flags: list[str]) -> None:
    env = {"NO_COLOR": "1", "LC_ALL": "POSIX", "TERM": "xterm-256color"}
    screen = Screen(*flags, "--theme", "specdec-light", env=env, columns=120)
    screen.wait(lambda text: "ready" in text)
    screen.process.send("h\u00e9llo\r")
    screen.wait(lambda text: "20 tokens" in text and "ready" in text)
    assert "hello" in screen.text, "a letter without its accent"
    assert "predicted tok/s" in screen.text and "------" in screen.text
    screen.process.send("\x1bOS")  # F4: the X-ray
    screen.process.send("\x11")
    assert screen.wait_for_end() == 0
    assert screen.raw.isascii()
    used = {number for found in SGR.findall(screen.raw) for number in found.split(b";")}
    assert used <= ATTRIBUTES, "no colour"
    assert {b"1", b"2"} <= used, "meaning is carried by bold and dim"


@pytest.fixture
def tmux(tmp_path: Path, flags: list[str]) -> Iterator[Callable[..., str]]:
    """`tmux("capture-pane", "-p")` on a server of its own, the app running in its one session."""
    program = shutil.which("tmux")
    if program is None:
        pytest.skip("tmux is not installed")
    base = [program, "-S", str(tmp_path / "socket"), "-f", os.devnull]
    env = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}

    def run(*arguments: str) -> str:
        if arguments == ("attach-command",):
            return shlex.join([*base, "attach"])
        done = subprocess.run(
            [*base, *arguments], capture_output=True, text=True, env=env, check=False
        )
        return done.stdout

    app = [sys.executable, "-m", "tui.cli", *flags]
    run("new-session", "-d", "-x", "80", "-y", "24", *app)
    try:
        yield run
    finally:
        run("kill-server")


def test_in_tmux_it_goes_on_while_detached_and_in_a_window_of_another_size(
    tmux: Callable[..., str],
) -> None:
    def wait(words: str, whole: Callable[[str], bool] = bool) -> None:
        end = time.monotonic() + WAIT_S
        while words not in (shown := tmux("capture-pane", "-p")) or not whole(shown):
            assert time.monotonic() < end, shown
            time.sleep(0.05)

    wait("ready")
    tmux("send-keys", "hello", "Enter")
    wait("20 tokens")  # nobody is attached
    attached = pexpect.spawn(tmux("attach-command"), dimensions=(31, 120), timeout=WAIT_S)
    attached.expect("predicted tok/s")  # the panel has room now
    attached.send("\x02d")
    attached.expect("detached")
    attached.wait()
    wait("20 tokens", is_whole)
    pid = int(tmux("list-panes", "-F", "#{pane_pid}"))
    tmux("send-keys", "C-q")
    wait_until_gone(pid)
