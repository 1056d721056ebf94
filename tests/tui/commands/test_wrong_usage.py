"""What the command line says of wrong arguments, files and settings: one sentence each."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import (
    COMMAND,
    PAIR,
    SHORT,
    Run,
    sentence,
)
from tui.cli import main


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--target", "gone.gguf"), "There is no file gone.gguf; check the path."),
        (("--target", "cut.gguf"), "is cut off: it has"),
        (("--target", "text.gguf"), "is not a GGUF file: it begins with 'no model'"),
        (("--target", "embedding.gguf"), "is an embedding model, which writes no text; give a"),
        (("--target", "target.gguf", "--draft", "other.gguf"), "differ by 188 tokens, at most 128"),
        (("--target", "~no-such-user/x.gguf"), "There is no file ~no-such-user/x.gguf; check"),
        (("--target", "x" * 5000), "There is no model called xxxx"),
        (("--target", "/dev/null"), "/dev/null is no ordinary file; give a .gguf file."),
        (("--target", "."), "is a folder; give a .gguf file in it."),
        (
            ("--demo", "--cache-type-v", "q8_0", "--flash-attn", "off"),
            "; leave --flash-attn at auto, or choose f16 for the V cache.",
        ),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_files_that_will_not_do_give_one_sentence(
    run: Run, arguments: tuple[str, ...], expected: str, flags: tuple[str, ...]
) -> None:
    assert expected in sentence(run("chat", "Hello", *arguments, *flags), code=1)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("chat", "x", "--temprature", "1"), "no flag --temprature, did you mean --temperature?"),
        (("chat", "x", "--temp", "1"), "no flag --temp, did you mean --temperature?"),
        (("--tempreature", "1", "chat", "x"), "did you mean --temperature?"),
        (
            ("keys", "--foo"),
            "there is no flag --foo; `specdec-tui keys --help` lists what there is.",
        ),
        (
            ("--json", "chat", "x"),
            "--json belongs after its command, as in `specdec-tui chat --json`; `specdec-tui --h",
        ),
        (("--vs", "u", "bench"), "--vs belongs after its command, as in `specdec-tui bench --vs`"),
        (("keys", "--jsn"), "there is no flag --jsn, did you mean --json?"),
        (("--foo",), "there is no flag --foo; `specdec-tui --help` lists"),
        (("caht", "x"), "there is no command caht, did you mean chat?"),
        (("chat", "x", "--temperature", "hot"), "--temperature: 'hot' is not right; "),
        (("chat", "x", "--draft-len", "99"), "--draft-len: '99' is not right; give auto or 0 to"),
        (
            ("chat", "x", "--seed", "1", "y"),
            "y is one argument too many for `specdec-tui chat`; put",
        ),
        (("chat", "x", "--seed"), "specdec-tui: --seed needs a value; `specdec-tui chat --help`"),
        (("chat", "x", "--lookup=3"), "--lookup or --no-lookup takes no value; leave out =3;"),
        (("bench", "--sweep", "x"), "specdec-tui: --sweep: give draft lengths from 0 to 64, as"),
        (("chat",), "The prompt is empty"),
        (
            ("models", "--seed", "1"),
            "--seed is no flag of `specdec-tui models`",
        ),
        (
            ("models", "x"),
            "x is one argument too many for `specdec-tui models`",
        ),
        (("pull",), "REPO[:QUANT] is missing; `specdec-tui pull --help` lists what there is."),
        (
            ("chat", "x", "--ctx", "99"),
            "--ctx: '99' is not right; give 0 or a whole number from",
        ),
    ],
)
def test_wrong_arguments_exit_2_with_one_sentence(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: PTH123, SIM115
    try:
        code = main(arguments)
    except SystemExit as exit_:
        code = int(str(exit_.code))
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert captured.err.startswith("specdec-tui: ") and captured.err.count("\n") == 1
    assert expected in captured.err


def test_wrong_settings_exit_2(run: Run, folder: Path) -> None:
    (folder / "config.toml").write_text("tempreature = 1\n")
    wrong = run("chat", "x", SPECDEC_CONFIG="config.toml")
    assert "config.toml: tempreature: there is no such setting" in sentence(wrong, code=2)
    assert "SPECDEC_TOPK: there" in sentence(run("models", SPECDEC_TOPK="1"), code=2)


def test_the_app_says_that_it_needs_a_terminal(run: Run) -> None:
    assert "needs a terminal" in sentence(run(), code=1)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_do_no_harm(folder: Path, env: dict[str, str], closed: str) -> None:
    command = shlex.join([*COMMAND, "chat", "Hello", *PAIR, *SHORT])
    done = subprocess.run(
        ["bash", "-c", f"{command} {closed}"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=env,
        check=False,
    )
    assert done.returncode == 0
    assert bool(done.stdout.strip()) == (">&-" not in closed.replace("2>&-", ""))
    assert done.stderr.startswith("12 tokens") or ("2>&-" in closed and not done.stderr)


def test_a_full_disk_is_a_failure(folder: Path, env: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "models"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=env,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"specdec-tui: The system refused to go on: No space left")
