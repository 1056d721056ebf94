"""What the environment says of a terminal: far away, without colours, ASCII alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui import remote
from tui.remote import ask_tmux, is_remote
from tui.terminal import has_few_colors, is_ascii_only, this_terminal, wants_no_color


@pytest.mark.parametrize(
    ("environ", "few"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm"}, False),
        ({"TERM": "linux"}, True),
        ({"TERM": "linux", "COLORTERM": "truecolor"}, False),
        ({"TERM": "dumb"}, True),
        ({"TERM": "vt220"}, True),
        ({"TERM": "xterm-mono"}, True),
        ({}, True),
    ],
)
def test_few_colours(environ: dict[str, str], few: bool) -> None:
    assert has_few_colors(environ) is few


def test_no_color_counts_when_it_is_not_empty() -> None:
    assert wants_no_color({"NO_COLOR": "1"}) and wants_no_color({"NO_COLOR": "0"})
    assert not wants_no_color({"NO_COLOR": ""}) and not wants_no_color({})


@pytest.mark.parametrize(
    ("environ", "utf8_mode", "encoding", "ascii_only"),
    [
        ({}, True, "utf-8", False),
        ({"LANG": "C.UTF-8"}, False, "utf-8", False),
        ({"LANG": "de_DE.UTF-8"}, False, "utf-8", False),
        ({"LANG": "C"}, True, "utf-8", True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True, "utf-8", True),  # Python's own doing
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False, "utf-8", False),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, True, "utf-8", True),
        ({"LC_ALL": "", "LANG": "en_GB.utf8"}, False, "utf-8", False),
        ({"LANG": "de_DE.ISO-8859-15@euro"}, False, "iso8859-15", True),
        ({"LANG": "de_DE"}, False, "iso8859-1", True),
        ({"LANG": "de_DE.UTF-8", "PYTHONIOENCODING": "ascii:replace"}, False, "ascii", True),
        ({"LANG": "C", "PYTHONIOENCODING": "utf-8"}, True, "utf-8", False),
        ({"PYTHONIOENCODING": ":replace"}, False, "utf-8", False),
    ],
)
def test_ascii_alone(
    environ: dict[str, str], utf8_mode: bool, encoding: str, ascii_only: bool
) -> None:
    assert is_ascii_only(environ, utf8_mode, encoding) is ascii_only


@pytest.mark.parametrize("name", ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"])
def test_ssh_is_far_away(name: str) -> None:
    assert is_remote({name: "10.0.0.1 1 10.0.0.2 22"})


@pytest.fixture
def above(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the processes above this one."""
    names = ["bash", "init"]
    monkeypatch.setattr(remote, "ancestors", lambda: iter(names))
    return names


def test_below_mosh_or_sudo_the_processes_above_tell(above: list[str]) -> None:
    assert not is_remote({})
    above.insert(1, "mosh-server")
    assert is_remote({})
    above[1] = "sshd"
    assert is_remote({})


def test_the_processes_above_are_found() -> None:
    names = list(remote.ancestors())
    if Path("/proc/self/stat").exists():
        assert names and all(names)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Path]:
    """A program that answers as tmux would."""
    program = tmp_path / "tmux"
    program.write_text("")
    program.chmod(0o755)
    yield program


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("echo SSH_CONNECTION=10.0.0.1", True),
        ("echo -SSH_CONNECTION", False),
        ("echo unknown variable >&2; exit 1", None),
    ],
)
def test_tmux_says_who_attached_last(tmux: Path, answer: str, found: bool | None) -> None:
    tmux.write_text(f"#!/bin/sh\n{answer}\n")
    assert ask_tmux(str(tmux)) is found


def test_in_tmux_the_one_who_attached_last_counts_over_the_variable(
    tmux: Path, monkeypatch: pytest.MonkeyPatch, above: list[str]
) -> None:
    monkeypatch.setenv("PATH", f"{tmux.parent}{os.pathsep}{os.environ['PATH']}")
    tmux.write_text("#!/bin/sh\necho -SSH_CONNECTION\n")
    assert not is_remote({"TMUX": "socket", "SSH_CONNECTION": "stale"})
    tmux.write_text("#!/bin/sh\necho SSH_CONNECTION=new\n")
    assert is_remote({"TMUX": "socket"})
    tmux.write_text("#!/bin/sh\nexit 1\n")
    assert is_remote({"TMUX": "socket", "SSH_CONNECTION": "all there is"})
    assert above == ["bash", "init"]


def test_the_user_may_say_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1")
    monkeypatch.setenv("LC_ALL", "C")
    assert this_terminal("no", "no").remote is this_terminal("no", "no").ascii is False
    monkeypatch.delenv("SSH_CONNECTION")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert this_terminal("yes", "yes").remote is this_terminal("yes", "yes").ascii is True
