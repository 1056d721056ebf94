"""The command line as a user meets it: processes, streams, exit codes, on the real engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pexpect
import pytest

from core.demo import DRAFT_PATH, TARGET_PATH
from core.models.records import LOOKUP, records_for
from core.protocol import ReplyStats
from tests.support.tiny_gguf import (
    truncate_file,
    write_draft_of,
    write_embedding_model,
    write_tiny_model,
)
from tui.cli import main

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tui.cli"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a target, a draft that fits and files that do not."""
    folder = tmp_path_factory.mktemp("home")
    target = write_tiny_model(folder / "target.gguf", n_ctx_train=8192, name="tiny")
    write_draft_of(folder / "draft.gguf", target)
    write_tiny_model(folder / "other.gguf", vocab_size=700)
    write_embedding_model(folder / "embedding.gguf")
    write_tiny_model(folder / "cut.gguf")
    truncate_file(folder / "cut.gguf", 0.7)
    (folder / "text.gguf").write_text("no model")
    (folder / "none.toml").touch()
    return folder


@pytest.fixture
def env(folder: Path) -> dict[str, str]:
    """Without the settings and caches of whoever runs the tests; one thread, as all share a CPU."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SPECDEC_", "HF_", "XDG_"))}
    return kept | {
        "HOME": str(folder),
        "SPECDEC_CONFIG": str(folder / "none.toml"),
        "SPECDEC_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture
def run(folder: Path, env: dict[str, str]) -> Run:
    def run(*arguments: str, stdin: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=folder,
            env=env | extra,
            timeout=60,
            check=False,
        )

    return run


PAIR = ("--target", "target.gguf", "--draft", "draft.gguf")
SHORT = ("--max-tokens", "12", "--temperature", "0")


def sentence(result: subprocess.CompletedProcess[str], code: int) -> str:
    """What a command that failed says: one line on stderr, nothing on stdout."""
    assert (result.returncode, result.stdout) == (code, ""), result
    assert result.stderr.startswith("specdec-tui: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("specdec-tui: ").rstrip()


# ------------------------------------------------------------------ chat


def test_chat_writes_the_reply_to_stdout_and_statistics_to_stderr(run: Run) -> None:
    result = run("chat", "Hello", *PAIR, *SHORT)
    assert result.returncode == 0
    assert result.stdout.strip() and result.stdout.endswith("\n")
    first, second = result.stderr.splitlines()
    assert first.startswith("12 tokens (length) · ") and " tok/s · speed-up " in first
    assert second.startswith("accepted ") and second.endswith("draft tiny-draft")


def test_chat_json_is_one_document_under_the_names_of_the_design(run: Run, folder: Path) -> None:
    result = run("chat", "--json", "Hello", *PAIR, *SHORT, "--draft-len", "3")
    assert (result.returncode, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert {field.name for field in fields(ReplyStats)} | {"text", "finish_reason"} <= set(document)
    assert document["target_path"] == str(folder / "target.gguf")
    assert document["draft_path"] == str(folder / "draft.gguf")
    assert (document["target"], document["draft"]) == ("tiny", "tiny-draft")
    assert (document["finish_reason"], document["n_tokens"]) == ("length", 12)
    assert document["n_drafted"] >= document["n_accepted"] > 0
    assert document["ttft_s"] > 0


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


def start_endless_chat(folder: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, "chat", "Hello", "--target", "target.gguf", "--ctx", "8192"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=env,
    )


def children(pid: int) -> list[int]:
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


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


@pytest.mark.skipif(not TARGET_PATH.exists(), reason="the bundled pair is not built yet")
def test_chat_on_the_bundled_pair(run: Run) -> None:
    document = json.loads(run("chat", "--demo", "--json", "Hello", "--max-tokens", "16").stdout)
    assert (document["target_path"], document["draft_path"]) == (str(TARGET_PATH), str(DRAFT_PATH))
    assert document["text"]


# ------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--target", "gone.gguf"), "There is no file gone.gguf; check the path."),
        (("--target", "cut.gguf"), "is cut off: it has"),
        (("--target", "text.gguf"), "is not a GGUF file: it begins with 'no model'"),
        (("--target", "embedding.gguf"), "is an embedding model, which writes no text; give a"),
        (("--target", "target.gguf", "--draft", "other.gguf"), "differ by 188 tokens, at most 128"),
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
        (("--tempreature", "1", "chat", "x"), "did you mean --temperature?"),
        (("caht", "x"), "there is no command caht, did you mean chat?"),
        (("chat", "x", "--temperature", "hot"), "--temperature: 'hot' is not right; "),
        (("chat", "x", "--draft-len", "99"), "--draft-len: '99' is not right; give auto or 0 to"),
        (
            ("chat", "x", "--seed", "1", "y"),
            "y is one argument too many for `specdec-tui chat`; put",
        ),
        (("chat", "x", "--seed"), "argument --seed: expected one argument"),
        (("chat",), "The prompt is empty"),
        (
            ("models", "--seed", "1"),
            "--seed is no flag of `specdec-tui models`",
        ),
        (
            ("models", "x"),
            "x is one argument too many for `specdec-tui models`",
        ),
        (("pull",), "REPO[:QUANT]; `specdec-tui pull --help` lists what there is."),
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


# ------------------------------------------------------------------ the other commands


def test_models_json(run: Run, folder: Path) -> None:
    result = run("models", "--json", "--models-dirs", str(folder))
    assert (result.returncode, result.stderr) == (0, "")
    models: dict[str, dict[str, Any]] = {
        m["name"]: m for m in json.loads(result.stdout)["models"] if m["source"] != "bundled"
    }
    assert set(models) == {"target", "draft", "other", "embedding", "cut", "text"}
    assert models["target"]["path"] == str(folder / "target.gguf")
    assert (models["target"]["kind"], models["target"]["n_ctx_train"]) == ("language", 8192)
    assert models["embedding"]["kind"] == "embedding"
    assert "is cut off" in models["cut"]["error"]
    assert models["target"]["error"] is None


def test_models_lists_hostile_names_harmlessly(run: Run, tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "\x1b[2J\u202eevil.gguf", vocab_size=300)
    (tmp_path / os.fsdecode(b"\xff.gguf")).write_text("x")
    listed = run("models", "--models-dirs", str(tmp_path))
    assert listed.returncode == 0
    assert "\\x1b[2J\\u202eevil" in listed.stdout
    assert "\x1b" not in listed.stdout
    assert run("models", "--json", "--models-dirs", str(tmp_path)).returncode == 0


def test_models_of_an_empty_machine_point_on(run: Run, tmp_path: Path) -> None:
    result = run("models", HOME=str(tmp_path))
    assert result.returncode == 0
    assert "demo" in result.stdout


def test_doctor_json(run: Run, folder: Path) -> None:
    result = run("doctor", "--json")
    facts = json.loads(result.stdout)
    assert result.returncode == (0 if facts["ok"] else 1)
    assert facts["ok"] is (facts["problems"] == [])
    assert facts["python"].count(".") == 2
    assert facts["llama_cpp_python"] == "0.3.36"
    assert isinstance(facts["supports_gpu_offload"], bool)
    assert any(device["type"] == "CPU" for device in facts["devices"])
    assert facts["config_file"] == str(folder / "none.toml")
    assert facts["bundled_pair"]["present"] is (TARGET_PATH.exists() and DRAFT_PATH.exists())
    assert facts["terminal"]["stdout"] is False
    if not facts["supports_gpu_offload"]:
        assert "CMAKE_ARGS" in facts["gpu_hint"]


def test_doctor_says_what_is_wrong_in_words(run: Run) -> None:
    result = run("doctor")
    assert "llama-cpp-python  0.3.36" in result.stdout
    assert result.stdout.splitlines()[-1].startswith(("nothing is wrong", "wrong: "))


def test_version_and_help_come_without_heavy_imports(env: dict[str, str]) -> None:
    program = (
        "import sys\nfrom tui.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as e:\n    assert not e.code\n"
        "heavy = 'textual', 'llama_cpp', 'numpy', 'huggingface_hub'\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    for arguments, expected in (
        ("--version", "specdec-tui 0."),
        ("chat --help", "--temperature X"),
    ):
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments.split()],
            capture_output=True,
            text=True,
            env=env,
            check=True,
        )
        assert expected in done.stdout
        assert done.stdout.endswith("[]\n")
        assert time.perf_counter() - begin < 5
