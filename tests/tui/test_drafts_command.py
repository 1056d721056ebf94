"""`specdec-tui drafts` as a user meets it: the table, the document, and what is refused."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.client import engine_invocation
from core.models.records import record_reply
from core.protocol import ReplyStats
from tests.support.tiny_gguf import truncate_file, write_draft_of, write_tiny_model
from tui.cli import main
from tui.commands import engine_facts

GPU = {"name": "CUDA0", "type": "GPU", "memory_free": 8 * 2**30, "memory_total": 9 * 2**30}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a target, drafts, and a file that is none."""
    folder = tmp_path / "models"
    folder.mkdir()
    target = write_tiny_model(folder / "big.gguf", n_layer=8, n_embd=64)
    write_draft_of(folder / "small.gguf", target, n_layer=1)
    write_tiny_model(folder / "alien.gguf", vocab_size=900, n_embd=16)
    (folder / "broken.gguf").write_text("no model")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(folder)
    return folder


Say = Callable[[str], None]


@pytest.fixture(autouse=True)
def engine_says(monkeypatch: pytest.MonkeyPatch) -> Say:
    """Puts a program that prints a text in place of the engine: no machine here has such devices,
    and llama.cpp takes its time to start."""

    def say(text: str) -> None:
        argv = [sys.executable, "-S", "-c", f"print({text!r})"]
        monkeypatch.setattr(engine_facts, "engine_invocation", lambda *_: (argv, dict(os.environ)))

    say(json.dumps({"devices": []}))
    return say


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["drafts", *arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_table_with_the_best_first_and_the_cause_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drafts", "big.gguf"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        *("draft", "weights", "size", "speed-up", "with", "target"),
        "verdict",
    ]
    assert lines[1].startswith("small ") and "× predicted " in lines[1]
    assert "  fits; about " in lines[1] and " MiB  " in lines[1]
    alien = next(line for line in lines if line.startswith("alien "))
    assert alien.endswith(
        "does not fit: vocabularies differ by 388 tokens, at most 128 are allowed"
    )
    assert " –  " in alien
    assert lines[-1].startswith("For big; free: ") and lines[-1].endswith(" of main memory.")
    assert not any("broken" in line for line in lines)


def test_one_json_document(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "big.gguf")
    assert found["target"] == "big"
    assert found["target_path"] == str(folder / "big.gguf")
    assert [device["name"] for device in found["devices"]] == ["CPU"]
    small, alien = found["drafts"][0], found["drafts"][-1]
    assert (small["name"], small["path"]) == ("small", str(folder / "small.gguf"))
    assert (small["fits"], small["usable"], small["memory_fits"]) == ("yes", True, True)
    assert small["memory"].startswith("fits: ") and small["memory_bytes"] > 2**20
    assert small["speedup"] is None and small["n_replies"] == 0
    assert small["predicted"]["from_costs"] is False
    assert 1 <= small["predicted"]["low"] <= small["predicted"]["high"]
    assert alien["fits"] == "no" and not alien["usable"] and alien["predicted"] is None
    assert alien["cause"] in alien["verdict"]


def test_what_was_measured_is_shown_as_such(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stats = ReplyStats(
        n_tokens=100, n_drafted=100, n_accepted=71, decode_tok_s=36.0, baseline_tok_s=20.0
    )
    assert record_reply(folder / "big.gguf", folder / "small.gguf", stats)
    assert main(["drafts", "big.gguf"]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert "1.80× measured" in row and "predicted" not in row
    small = document(capsys, "big.gguf")["drafts"][0]
    assert (small["speedup"], small["acceptance_rate"], small["n_replies"]) == (1.8, 0.71, 1)


def test_the_target_may_be_a_name_or_the_configured_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert document(capsys, "big", "--models-dirs", str(folder))["target"] == "big"
    assert document(capsys, "--target", "big.gguf")["target"] == "big"
    assert document(capsys)["target"] == "demo"
    assert document(capsys, "demo")["drafts"][0]["name"] == "demo-draft"


@pytest.mark.parametrize("other", [("--demo",), ("--target", "small.gguf")])
def test_a_target_that_is_named_twice_is_refused(
    capsys: pytest.CaptureFixture[str], other: tuple[str, ...]
) -> None:
    assert main(["drafts", "big.gguf", *other]) == 2
    said = capsys.readouterr().err
    assert said == f"specdec-tui: The target is named twice; leave out big.gguf or {other[0]}.\n"


def test_the_memory_of_a_gpu_counts(engine_says: Say, capsys: pytest.CaptureFixture[str]) -> None:
    engine_says(json.dumps({"devices": [GPU]}))
    found = document(capsys, "big.gguf")
    assert found["devices"][1] == {
        "name": "CUDA0",
        "type": "GPU",
        "free": 2**33,
        "total": 9 * 2**30,
    }
    assert " on CUDA0" in found["drafts"][0]["memory"]
    engine_says(json.dumps({"devices": [GPU | {"memory_free": 2**20}]}))
    fixed = document(capsys, "big.gguf", "--n-gpu-layers", "9")["drafts"][0]
    assert (fixed["memory_fits"], fixed["usable"]) == (False, False)
    assert "the memory does not: with the target it takes at least " in fixed["verdict"]


def test_an_engine_that_says_nothing_leaves_main_memory(
    engine_says: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    engine_says("no JSON")
    assert main(["drafts", "big.gguf"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].startswith("small ")
    assert err == (
        "specdec-tui: The engine does not say which devices it sees; `specdec-tui doctor` tells "
        "more.\n"
    )


def test_the_real_engine_is_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_facts, "engine_invocation", engine_invocation)
    assert document(capsys, "big.gguf")["devices"][0]["name"] == "CPU"


def test_a_target_that_is_none_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truncate_file(folder / "alien.gguf", 0.5)
    for name, cause in (
        ("gone.gguf", "There is no file gone.gguf; check the path."),
        ("alien.gguf", "is cut off"),
        ("broken.gguf", "is not a GGUF file"),
    ):
        assert main(["drafts", name]) == 1
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert cause in err


def test_names_cannot_write_to_the_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "small.gguf").rename(folder / "\x1b[31mred.gguf")
    (folder / "alien.gguf").rename(folder / os.fsdecode(b"\xff.gguf"))
    assert main(["drafts", "big.gguf"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    names = {draft["name"] for draft in document(capsys, "big.gguf")["drafts"]}
    assert {"\x1b[31mred", "\ufffd"} <= names
