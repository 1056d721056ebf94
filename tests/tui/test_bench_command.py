"""`specdec-tui bench` as a user meets it: tables, documents, plots, exit codes, folders removed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from core.bench.synthetic import Pair, write_pair
from tests.support.pilot import WAIT_S
from tests.support.processes import running
from tests.support.tiny_gguf import write_tiny_model
from tui.cli import main

ROOT = Path(__file__).parents[2]
SHORT = ("--repeats", "1", "--tokens", "24")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that temporary files of a command go to; one thread, as all share a CPU."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("SPECDEC_THREADS", "1")
    (tmp_path / "none.toml").touch()
    monkeypatch.setenv("SPECDEC_CONFIG", str(tmp_path / "none.toml"))
    return folder


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"), "tiny", (0.9, 0.3))


def named(pair: Pair) -> tuple[str, ...]:
    return ("--target", str(pair.target), "--draft", str(pair.draft))


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that failed says: one line on stderr, nothing on stdout."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("specdec-tui: ") and err.count("\n") == 1
    return err.removeprefix("specdec-tui: ").rstrip()


# ------------------------------------------------------------------ what it prints


def test_a_table_by_kind_and_by_length(capsys: pytest.CaptureFixture[str], temporary: Path) -> None:
    shape = ("--synthetic", "tiny", "--acceptance", "1,0")
    assert main(["bench", *shape, *SHORT, "--sweep", "2,0,5"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[:2] == ["target  tiny-target", "draft   tiny-draft, draft length auto"]
    assert lines[3] == "medians; the speed-up's is over pairs of replies to the same prompt"
    kinds = [line.split()[0] for line in lines[6:10]]
    assert kinds == ["easy", "hard", "turning", "all"]
    rows = {line.split()[0]: line.split() for line in lines[12:16]}
    assert list(rows) == ["0", "2", "5", "auto"]
    # 16 of 16 drafted tokens in easy text, none of 45 in hard; turning text begins easy
    assert rows["2"][-2] == "42%"
    assert "auto over the best fixed length (" in lines[-1]
    assert not list(temporary.iterdir())


def test_json_is_one_document_and_the_plot_an_svg(
    capsys: pytest.CaptureFixture[str], pair: Pair, tmp_path: Path
) -> None:
    plot = tmp_path / "plot.svg"
    flags = ("--json", "--kinds", "hard,easy", "--draft-len", "3", "--plot", str(plot))
    assert main(["bench", *named(pair), *SHORT, *flags]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert err == ""
    assert list(document["variants"]) == ["none", "3"]
    assert list(document["variants"]["3"]["by_kind"]) == ["hard", "easy"]
    assert document["sampling"]["temperature"] == 0
    assert (document["repeats"], document["max_tokens"]) == (1, 24)
    assert document["target_path"] == str(pair.target)
    assert ElementTree.parse(plot).getroot().tag.endswith("svg")


def test_a_reader_that_has_seen_enough_does_not_cost_the_plot(pair: Pair, tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    command = [sys.executable, "-m", "tui", "bench", "--costs", *named(pair), "--plot", str(plot)]
    ours, theirs = os.pipe()
    os.close(ours)  # as `| head -0` does
    ended = subprocess.run(command, check=False, cwd=ROOT, stdout=theirs, timeout=60)
    os.close(theirs)
    assert ended.returncode == 0
    assert ElementTree.parse(plot).getroot().tag.endswith("svg")


def test_costs_as_a_table_and_as_json(capsys: pytest.CaptureFixture[str], pair: Pair) -> None:
    assert main(["bench", "--costs", *named(pair)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "target  target"
    assert lines[1].startswith("draft   draft: ") and " ms a step, " in lines[1]
    assert [line.split()[0] for line in lines[4:]] == [str(n) for n in range(1, 18)]
    assert main(["bench", "--costs", "--json", *named(pair)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document["target_s"]) == [str(n) for n in range(1, 18)]
    assert document["draft_s"] > 0


def test_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for flag in ("kinds", "repeats", "tokens", "sweep", "costs", "synthetic", "acceptance", "vs"):
        assert f"--{flag}" in text
    assert "--target" in text and "--plot" in text and "--max-tokens" not in text


# ------------------------------------------------------------------ what it refuses


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--synthetic", "9b"), "choose one of tiny, 1.1b-50m"),
        (("--synthetic", "tiny", "--target", "x"), "leave out --target"),
        (("--synthetic", "tiny", "--vs", "localhost:1"), "--vs needs a pair"),
        (("--vs", ""), "--vs needs a value; give one or leave it out."),
        (("--vs", "nope"), "--vs: nope is no address; give one such as http://127.0.0.1:8080."),
        (("--acceptance", "0.5"), "--acceptance dials a --synthetic pair"),
        (("--costs", "--sweep"), "--costs makes no replies"),
        (("--synthetic", "tiny", "--kinds", "poetry"), "no such kind"),
        (("--synthetic", "tiny", "--plot", "/nowhere/x.svg"), "--plot: /nowhere/x.svg cannot be"),
    ],
)
def test_contradictions_are_wrong_usage(
    flags: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str], temporary: Path
) -> None:
    assert main(["bench", *flags]) == 2
    assert says in complaint(capsys)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--repeats", "0"), "no number from 1 up"),
        (("--tokens", "many"), "no number from 1 up"),
        (("--sweep", "3,99"), "from 0 to 64"),
        (("--acceptance", "2"), "from 0 to 1"),
        (("--kinds", ","), "--kinds: name at least one"),
        (("--repeat", "2"), "did you mean --repeats?"),
    ],
)
def test_wrong_values_are_wrong_usage(
    flags: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", *flags])
    assert ended.value.code == 2
    assert says in complaint(capsys)


def test_a_target_without_a_draft_has_nothing_to_measure(
    capsys: pytest.CaptureFixture[str], pair: Pair
) -> None:
    assert main(["bench", "--target", str(pair.target)]) == 2
    assert "There is no draft to measure" in complaint(capsys)


def test_a_draft_that_does_not_fit_and_a_server_that_is_not_there_are_failures(
    capsys: pytest.CaptureFixture[str], pair: Pair, tmp_path: Path
) -> None:
    other = tmp_path / "other.gguf"
    write_tiny_model(other, vocab_size=700)
    assert main(["bench", "--target", str(pair.target), "--draft", str(other)]) == 1
    assert "cannot draft for" in complaint(capsys)
    assert main(["bench", "--target", str(pair.target), "--vs", "127.0.0.1:9"]) == 1
    assert "The server at 127.0.0.1:9 cannot be reached" in complaint(capsys)


# ------------------------------------------------------------------ how it ends


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_removes_the_models(number: int, code: int, temporary: Path) -> None:
    command = [sys.executable, "-m", "tui.cli", "bench", "--synthetic", "tiny", "--repeats", "9999"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with running(command, stderr=subprocess.PIPE, env=env) as process:
        deadline = time.monotonic() + WAIT_S
        while not list(temporary.glob("*/specdec-tui/costs.json")):  # the models are loaded
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out, err) == (code, b"", b"")
    assert not list(temporary.iterdir())
