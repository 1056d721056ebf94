"""`specdec-tui pull` against a Hub on loopback; a process of its own where signals, the environment
or a terminal matter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pexpect
import pytest
from huggingface_hub import constants

from core.models.hub_connection import Hub
from core.models.progress import Progress
from tests.support.fake_hub import COMMIT, FakeHub, fake_hub, sha256
from tests.support.pilot import WAIT_S
from tests.support.processes import running
from tests.support.tiny_gguf import write_tiny_model
from tui.cli import main
from tui.commands.pull import line
from tui.figures import duration

REPO = "org/Tiny-GGUF"
COMMAND = [sys.executable, "-m", "tui.cli"]
CONTENT = b"GGUF" + bytes(range(256)) * 2000
KEPT = 200_000

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeHub]:
    write_tiny_model(tmp_path / "draft.gguf", vocab_size=300)
    write_tiny_model(tmp_path / "other.gguf", vocab_size=900)
    with fake_hub() as server:
        server.add(
            REPO,
            {
                "Tiny-Q4_K_M.gguf": CONTENT,
                "Tiny-F32.gguf": (tmp_path / "draft.gguf").read_bytes(),
                "Other-F16.gguf": (tmp_path / "other.gguf").read_bytes(),
            },
        )
        yield server


@pytest.fixture
def run(
    server: FakeHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """`pull` in this process: exit code, stdout and stderr."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)

    def pull(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(["pull", *arguments, "--endpoint", server.url])
        except SystemExit as exit_:
            code = int(str(exit_.code))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return pull


@pytest.fixture
def env(server: FakeHub, tmp_path: Path) -> dict[str, str]:
    """For a process of its own, which takes everything from its environment."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "SPEC"))}
    (tmp_path / "none.toml").touch()
    return kept | {
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(tmp_path),
        "HOME": str(tmp_path),
        "SPECDEC_CONFIG": str(tmp_path / "none.toml"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }


def snapshot(tmp_path: Path, file: str = "Tiny-Q4_K_M.gguf") -> Path:
    return tmp_path / f"hub/models--org--Tiny-GGUF/snapshots/{COMMIT}/{file}"


def sentence(result: tuple[int, str, str], code: int) -> str:
    assert (result[0], result[1]) == (code, ""), result
    last = result[2].splitlines()[-1]
    assert last.startswith("specdec-tui: ")
    return last.removeprefix("specdec-tui: ")


# ------------------------------------------------------------------ fetching


def test_the_usual_quantisation_is_fetched_and_its_place_told(run: Run, tmp_path: Path) -> None:
    code, out, err = run(REPO)
    assert (code, out) == (0, f"Tiny-Q4_K_M, 500 KiB: {snapshot(tmp_path)}\n")
    assert snapshot(tmp_path).read_bytes() == CONTENT
    assert err.splitlines()[0] == "asking"
    assert err.splitlines()[-1] == "100% of 500 KiB  finishing Tiny-Q4_K_M.gguf"
    assert "\r" not in err and "\x1b" not in err


def test_a_quantisation_is_named_in_any_case(run: Run, tmp_path: Path) -> None:
    assert run(f"{REPO}:f32")[0] == 0
    assert snapshot(tmp_path, "Tiny-F32.gguf").is_file()


def test_json_is_one_document_and_nothing_else(run: Run, tmp_path: Path) -> None:
    code, out, err = run(REPO, "--json")
    assert (code, err) == (0, "")
    document: dict[str, Any] = json.loads(out)
    assert document == {
        "repository": REPO,
        "asked_for": REPO,
        "commit": COMMIT,
        "name": "Tiny-Q4_K_M",
        "quantisation": "Q4_K_M",
        "path": str(snapshot(tmp_path)),
        "files": [{"path": str(snapshot(tmp_path)), "checksum": sha256(CONTENT)}],
        "size_bytes": len(CONTENT),
        "received_bytes": len(CONTENT),
        "verdict": None,
        "cause": None,
    }
    again = json.loads(run(REPO, "--json")[1])
    assert again["received_bytes"] == 0


def test_a_renamed_repository_is_fetched_under_its_new_name(
    server: FakeHub, run: Run, tmp_path: Path
) -> None:
    server.add("org/Old-GGUF", {}, renamed_to=REPO)
    code, _, err = run("org/Old-GGUF")
    assert code == 0 and f"org/Old-GGUF is now called {REPO}." in err.splitlines()
    assert snapshot(tmp_path).is_file()


def test_a_broken_line_is_told_of_and_taken_up(
    server: FakeHub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.commands.pull.Hub", partial(Hub, waits_s=(0,)))
    server.fail(on="cdn", drop_after=KEPT)
    code, _, err = run(REPO)
    assert code == 0
    assert (
        " 39% of 500 KiB  waiting Tiny-Q4_K_M.gguf: the line broke; trying again in 0 s"
        in err.splitlines()
    )


# ------------------------------------------------------------------ a draft for a target


def test_a_draft_is_judged_before_it_is_fetched(run: Run, tmp_path: Path) -> None:
    target = str(tmp_path / "draft.gguf")
    code, out, err = run(f"{REPO}:F32", "--for", target)
    assert code == 0 and out.startswith("Tiny-F32")
    assert "Tiny-F32 can draft for draft: the same vocabulary of 300 tokens." in err


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_draft_that_does_not_fit_is_not_fetched(
    run: Run, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    target = str(tmp_path / "draft.gguf")
    assert sentence(run(f"{REPO}:F16", "--for", target, *flags), code=1) == (
        "Other-F16 cannot draft for draft: vocabularies differ by 600 tokens, at most 128 "
        "are allowed; choose another, or fetch it with --force."
    )
    assert not (tmp_path / "hub").exists()
    code, out, _ = run(f"{REPO}:F16", "--for", target, "--force", "--json")
    assert code == 0 and json.loads(out)["verdict"] == "no"
    assert "600 tokens" in json.loads(out)["cause"]


def test_a_target_that_is_not_there_is_found_out_first(server: FakeHub, run: Run) -> None:
    assert "There is no model called gone" in sentence(run(REPO, "--for", "gone"), code=1)
    assert server.requests == []


# ------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("Tiny",), 2, "Tiny is no repository; give OWNER/NAME"),
        (("../etc",), 2, "is no repository"),
        ((), 2, "REPO[:QUANT] is missing; "),
        ((REPO, "x"), 2, "x is one argument too many"),
        ((REPO, "--force"), 2, "--force goes with --for; leave it out, or name a target."),
        ((REPO, "--frce"), 2, "there is no flag --frce, did you mean --force?"),
        ((f"{REPO}:Q9",), 1, f"There is no Q9 in {REPO}; say which: F32, F16, Q4_K_M."),
        (("org/gone",), 1, "There is no repository org/gone, or it is private"),
    ],
)
def test_what_cannot_be_fetched_gives_one_sentence(
    run: Run, arguments: tuple[str, ...], code: int, expected: str
) -> None:
    assert expected in sentence(run(*arguments), code)


def test_a_mirror_that_is_no_address_is_a_wrong_argument(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["pull", REPO, "--endpoint", "mirror"]) == 2
    assert "mirror is no web address" in capsys.readouterr().err


def test_offline_it_says_so_and_asks_nobody(server: FakeHub, env: dict[str, str]) -> None:
    done = subprocess.run(
        [*COMMAND, "pull", REPO],
        env=env | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "HF_HUB_OFFLINE is set" in done.stderr
    assert server.requests == []


def test_a_token_shows_nowhere_whatever_the_library_is_told_to_log(
    server: FakeHub, env: dict[str, str], tmp_path: Path
) -> None:
    server.repos[REPO].gated = True
    secret = "hf_secretsecretsecret"
    done = subprocess.run(
        [*COMMAND, "pull", REPO],
        env=env | {"HF_TOKEN": secret, "HF_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(
        "does not know your token; log in again with `hf auth login`."
    )
    assert secret not in done.stdout + done.stderr
    for place in tmp_path.rglob("*"):
        assert not place.is_file() or secret.encode() not in place.read_bytes()


# ------------------------------------------------------------------ interruptions


def start(env: dict[str, str]) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return running([*COMMAND, "pull", REPO], env=env, stderr=subprocess.PIPE)


def wait_for_bytes(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """Until all that the server gives has come; the process takes its time to start on a machine
    that does other things, too."""
    blobs = tmp_path / "hub/models--org--Tiny-GGUF/blobs"
    end = time.monotonic() + WAIT_S
    while sum(place.stat().st_size for place in blobs.glob("*.incomplete")) != KEPT:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.01)


def test_ctrl_c_keeps_what_came_and_says_how_to_go_on(
    server: FakeHub, env: dict[str, str], tmp_path: Path, run: Run
) -> None:
    server.fail(on="cdn", stall_after=KEPT)
    server.fail(method="HEAD", headers={"X-HF-Warning": "topic; look out"})
    with start(env) as process:
        wait_for_bytes(process, tmp_path)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (130, b"")
    assert err.splitlines()[-1] == (
        b"specdec-tui: Stopped; 195 KiB of 500 KiB are kept, and the same command goes on from "
        b"there."
    )
    assert b"look out" not in err  # the library would have written it across the line
    assert not server.asked(path="agent")  # nor does it ask who runs it
    assert json.loads(run(REPO, "--json")[1])["received_bytes"] == len(CONTENT) - KEPT
    assert snapshot(tmp_path).read_bytes() == CONTENT


def test_a_process_that_is_killed_loses_nothing(
    server: FakeHub, env: dict[str, str], tmp_path: Path, run: Run
) -> None:
    server.fail(on="cdn", stall_after=KEPT)
    with start(env) as process:
        wait_for_bytes(process, tmp_path)
        process.kill()
    assert json.loads(run(REPO, "--json")[1])["received_bytes"] == len(CONTENT) - KEPT
    assert snapshot(tmp_path).read_bytes() == CONTENT


def test_on_a_terminal_one_line_changes_and_vanishes(server: FakeHub, env: dict[str, str]) -> None:
    server.fail(on="cdn", drop_after=KEPT)
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "pull", REPO],
        env=env | {"TERM": "xterm"},
        encoding="utf-8",
        timeout=30,
        dimensions=(24, 60),
    )
    child.expect(pexpect.EOF)
    child.wait()
    child.close()
    assert child.exitstatus == 0
    drawn = child.before.split("\r\x1b[K")
    assert any(" 39% of 500 KiB" in text for text in drawn)
    assert all(len(text) < 60 and "\n" not in text for text in drawn[:-1])
    assert drawn[-1].startswith("Tiny-Q4_K_M, 500 KiB: ")


# ------------------------------------------------------------------ words


def test_the_most_telling_comes_first() -> None:
    progress = Progress(
        "downloading", 2**30, 4 * 2**30, 5 * 2**20, 614.4, "m\x1b.gguf", part=2, parts=3
    )
    assert line(progress) == (
        " 25% of 4.0 GiB  5 MiB/s  10:14 left  downloading m\\x1b.gguf (file 2 of 3)"
    )
    assert line(Progress("asking")) == "asking"


def test_durations() -> None:
    assert [duration(s) for s in (0.4, 9, 750, 3599.7, 11_100)] == [
        "0:00",
        "0:09",
        "12:30",
        "1 h 00",
        "3 h 05",
    ]
