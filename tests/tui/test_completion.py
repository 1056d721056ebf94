"""`specdec-tui completion`: scripts for three shells; bash is run, as it is here."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from core.configuration import FIELDS
from tui.cli import build_parser, main
from tui.commands.completion import script

Complete = Callable[..., list[str]]
DRIVER = """
source script.bash
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_shtab_specdec_tui
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completion")
    (folder / "script.bash").write_text(script(build_parser(), "bash"))
    for name in ("one.gguf", "two words.gguf", "notes.txt"):
        (folder / name).touch()
    (folder / "sub").mkdir()
    return folder


@pytest.fixture
def complete(folder: Path) -> Complete:
    """What bash offers for the last word of a command line."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")

    def run(*words: str) -> list[str]:
        done = subprocess.run(
            [bash, "-c", DRIVER, "bash", "specdec-tui", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return sorted(filter(None, done.stdout.splitlines()))

    return run


def test_commands(complete: Complete) -> None:
    offered = complete("")
    assert {"chat", "models", "drafts", "bench", "doctor", "completion"} <= set(offered)
    assert complete("ch") == ["chat"]
    assert complete("--target", "one.gguf", "doc") == ["doctor"]


def test_flags_of_the_command(complete: Complete) -> None:
    assert complete("chat", "--fla") == ["--flash-attn"]
    assert "--theme" in complete("--") and "--theme" not in complete("chat", "--")
    assert complete("bench", "--syn") == ["--synthetic"]
    assert complete("models", "--syn") == []


def test_the_words_that_a_flag_takes(complete: Complete) -> None:
    assert complete("chat", "--flash-attn", "") == ["auto", "off", "on"]
    assert complete("chat", "--cache-type-k", "q8") == ["q8_0"]
    assert complete("--draft-len", "") == ["auto"]
    assert complete("completion", "") == ["bash", "fish", "zsh"]


def test_files_and_folders(complete: Complete) -> None:
    models = ["one.gguf", "sub", "two words.gguf"]
    assert complete("--target", "") == models
    assert complete("drafts", "") == models
    assert complete("chat", "--draft", "") == sorted(["auto", "lookup", "none", *models])
    assert complete("chat", "--draft", "lo") == ["lookup"]
    assert complete("--models-dirs", "") == ["sub"]
    assert "notes.txt" in complete("bench", "--plot", "")


def test_its_help_says_what_to_do_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["completion", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert 'For bash, put eval "$(specdec-tui completion bash)" into ~/.bashrc' in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_flag_is_in_every_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    dash = "-l " if shell == "fish" else "--"
    for name in FIELDS:
        assert dash + name.replace("_", "-") in out
    assert "auto lookup none" in out
    assert "Flash attention, for target and draft." in out or shell == "bash"


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == ("specdec-tui: There is no completion for tcsh; choose one of bash, zsh, fish.\n")


def test_the_parser_that_reads_arguments_is_left_as_it_was() -> None:
    script(build_parser(), "bash")
    assert not any(hasattr(action, "complete") for action in build_parser()._actions)
