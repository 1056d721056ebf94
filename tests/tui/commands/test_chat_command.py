"""`specdec-tui chat` as a user meets it: streams, signals, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import fields
from pathlib import Path

import pexpect
import pytest

from core.demo import DRAFT_PATH, TARGET_PATH
from core.models.records import LOOKUP, records_for
from core.protocol import ReplyStats
from tests.support.command_line import (
    COMMAND,
    PAIR,
    SHORT,
    Run,
    children,
    start_endless_chat,
)


def test_chat_writes_the_reply_to_stdout_and_statistics_to_stderr(run: Run) -> None:
    result = run("chat", "Hello", *PAIR, *SHORT)
    assert result.returncode == 0
    assert result.stdout.strip() and result.stdout.endswith("\n")
    first, second = result.stderr.splitlines()
    assert first.startswith("12 tokens (length) · ") and " tok/s · speed-up " in first
    assert second.startswith("accepted ") and second.endswith("draft draft")


def test_chat_json_is_one_document_under_the_names_of_the_design(run: Run, folder: Path) -> None:
    result = run("chat", "--json", "Hello", *PAIR, *SHORT, "--draft-len", "3")
    assert (result.returncode, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert {field.name for field in fields(ReplyStats)} | {"text", "finish_reason"} <= set(document)
    assert document["target_path"] == str(folder / "target.gguf")
    assert document["draft_path"] == str(folder / "draft.gguf")
    assert (document["target"], document["draft"]) == ("target", "draft")
    assert (document["finish_reason"], document["n_tokens"]) == ("length", 12)
    assert document["drafter"] == "draft"
    assert document["n_drafted"] >= document["n_accepted"] > 0
    assert document["ttft_s"] > 0


@pytest.mark.parametrize(("given", "said"), [("lookup", "lookup"), ("none", None)])
def test_a_draft_without_a_file_has_the_name_of_the_flag(
    run: Run, given: str, said: str | None
) -> None:
    result = run("chat", "--json", "Hello", "--target", "target.gguf", "--draft", given, *SHORT)
    document = json.loads(result.stdout)
    assert (document["draft"], document["draft_path"]) == (said, None)


def test_what_a_draft_achieved_is_recorded_unless_its_length_was_fixed(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    reply = ("chat", "hello", *PAIR, "--max-tokens", "40", "--temperature", "0")
    kept = tmp_path / "specdec-tui/drafts.db"
    for more in ((), ("--draft-len", "3"), ("--draft", "none"), ("--draft", "lookup")):
        assert run(*reply, *more, XDG_CACHE_HOME=str(tmp_path)).returncode == 0
    records = records_for(folder / "target.gguf", path=kept)
    assert {draft: record.n_replies for draft, record in records.items()} == {
        str(folder / "draft.gguf"): 1,
        LOOKUP: 1,
    }


def test_chat_takes_the_prompt_from_stdin_and_flags_before_the_command(run: Run) -> None:
    flags = ("--target", "target.gguf", *SHORT)
    piped = run(*flags, "chat", "--json", stdin="Good day\n")
    given = run("chat", "Good", "day", "--json", *flags)
    assert piped.returncode == given.returncode == 0
    assert json.loads(piped.stdout)["text"] == json.loads(given.stdout)["text"]
    assert json.loads(piped.stdout)["draft_path"] is None


def test_the_same_seed_gives_the_same_reply_and_another_does_not(run: Run) -> None:
    texts = [
        json.loads(
            run(
                *("chat", "--json", "Hello", "--target", "target.gguf", "--max-tokens", "24"),
                *("--temperature", "1.5", "--seed", seed),
            ).stdout
        )["text"]
        for seed in ("7", "7", "8")
    ]
    assert texts[0] == texts[1] != texts[2]


def test_ctrl_c_keeps_the_partial_text_and_exits_130(folder: Path, env: dict[str, str]) -> None:
    with start_endless_chat(folder, env) as process:
        assert process.stdout is not None and process.stderr is not None
        beginning = process.stdout.read(20)
        process.send_signal(signal.SIGINT)
        rest, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert len(beginning + rest) >= 20
    assert b"(cancelled)" in stderr and b"Traceback" not in stderr


def test_a_reader_that_goes_away_ends_the_reply_without_a_word(
    folder: Path, env: dict[str, str]
) -> None:
    with start_endless_chat(folder, env) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.read(5)
        engine = children(process.pid)
        process.stdout.close()
        stderr = process.stderr.read()
        assert process.wait(30) == 0
    assert stderr == b""
    assert len(engine) == 1
    assert not Path(f"/proc/{engine[0]}").exists()


def test_an_engine_that_dies_fails_the_reply(folder: Path, env: dict[str, str]) -> None:
    with start_endless_chat(folder, env) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.read(5)
        os.kill(children(process.pid)[0], signal.SIGKILL)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stderr.startswith(b"specdec-tui: The engine ended unexpectedly: SIGKILL")
    assert stderr.count(b"\n") == 1


def test_on_a_terminal_progress_vanishes_and_the_reply_stays(
    folder: Path, env: dict[str, str]
) -> None:
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "chat", "Hello", *PAIR, *SHORT],
        cwd=str(folder),
        env=env | {"TERM": "xterm"},
        encoding="utf-8",
        timeout=30,
    )
    child.expect(r"12 tokens \(length\)")
    before = child.before
    child.expect(pexpect.EOF)
    child.wait()
    child.close()
    assert child.exitstatus == 0
    if "loading the" in before:
        assert before.rindex("\r\x1b[K") > before.rindex("loading the")


def test_arguments_in_another_encoding_do_no_harm(folder: Path, env: dict[str, str]) -> None:
    latin = b"Gr\xfc\xdfe"
    done = subprocess.run(
        [*COMMAND, "chat", "--json", latin, "--system", latin, "--target", "target.gguf", *SHORT],
        capture_output=True,
        cwd=folder,
        env=env,
        check=True,
    )
    assert json.loads(done.stdout)["text"]


def test_what_the_terminal_cannot_show_is_written_in_ascii(run: Run) -> None:
    ask = ("chat", "--demo", "What is the quadratic equation formula?", "--temperature", "0")
    shown = run(*ask, PYTHONIOENCODING="ascii")
    assert "x = (-b +- sqrt(b^2 - 4ac)) / (2a)" in shown.stdout
    assert shown.stderr.isascii() and "?" not in shown.stderr
    assert "x = (-b ± √(b² - 4ac)) / (2a)" in run(*ask).stdout


@pytest.mark.skipif(not TARGET_PATH.exists(), reason="the bundled pair is not built yet")
def test_chat_on_the_bundled_pair(run: Run) -> None:
    document = json.loads(run("chat", "--demo", "--json", "Hello", "--max-tokens", "16").stdout)
    assert (document["target_path"], document["draft_path"]) == (str(TARGET_PATH), str(DRAFT_PATH))
    assert (document["target"], document["draft"]) == ("demo", "demo-draft")
    assert document["text"]
