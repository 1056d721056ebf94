"""What the commands say of a configuration that is not as it should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tui.cli import main

Said = tuple[int, str, str]
"""The exit code, stdout, stderr."""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def run(*arguments: str) -> Said:
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The file that `own_world` lets the environment name."""
    return tmp_path / "config.toml"


def test_what_is_named_and_not_there_is_said_and_the_rest_goes_on(
    run: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECDEC_CONFIG", "/no/file.toml")
    code, out, err = run("models", "--models-dirs", "/nowhere", "--json")
    assert code == 0 and json.loads(out)
    assert err.splitlines() == [
        "specdec-tui: SPECDEC_CONFIG: there is no file /no/file.toml; nothing is set by it.",
        "specdec-tui: --models-dirs: there is no folder /nowhere; it is left out.",
    ]


def test_doctor_reports_a_wrong_configuration_with_the_rest(
    run: Callable[..., Said], config: Path
) -> None:
    config.write_text('tempreature = 1\n[keys]\nnew_chat = "f2"\n')
    code, out, err = run("doctor", "--json")
    facts = json.loads(out)
    assert (code, err) == (1, "") and facts["llama_cpp_python"] == "0.3.36"
    assert "tempreature: there is no such setting" in facts["problems"][0]
    assert "keys.new_chat: F2 is the key of next_draft already" in facts["problems"][1]
    config.write_text("= 1")
    problems = json.loads(run("doctor", "--json")[1])["problems"]
    assert sum("not valid TOML" in problem for problem in problems) == 1


def test_doctor_looks_at_the_models_and_the_theme_that_are_set(
    run: Callable[..., Said], config: Path
) -> None:
    config.write_text('target = "/no/model.gguf"\ntheme = "specdec-drak"\n')
    own = config.parent / "themes" / "own.toml"
    own.parent.mkdir()
    own.write_text('name = "own"\n')
    code, out, _ = run("doctor", "--json")
    problems = json.loads(out)["problems"]
    assert code == 1
    assert problems[0] == "There is no file /no/model.gguf; check the path."
    assert problems[1].startswith("Theme own.toml: colors.primary is missing; ")
    assert problems[2].startswith("There is no theme 'specdec-drak'; there are ansi-16, ")
    config.write_text('demo = true\ntarget = "/no/model.gguf"\n')
    assert "/no/model.gguf" not in run("doctor")[1]


def test_keys_lists_actions_and_what_is_wrong(run: Callable[..., Said], config: Path) -> None:
    code, listed, _ = run("keys")
    assert code == 0 and "wrong" not in listed
    assert any(line.split()[:2] == ["new_chat", "Ctrl+N"] for line in listed.splitlines())
    config.write_text('[keys]\nnew_chat = "f13"\nnope = "f14"\n')
    code, out, _ = run("keys", "--json")
    document = json.loads(out)
    actions = {entry["id"]: entry for entry in document["actions"]}
    assert actions["new_chat"]["keys"] == ["f13"]
    assert actions["new_chat"]["default_keys"] == ["ctrl+n"]
    assert code == 1 and len(document["problems"]) == 1


def test_a_broken_file_keeps_no_script_from_being_made(
    run: Callable[..., Said], config: Path
) -> None:
    config.write_text("= 1")
    assert run("completion", "bash")[0] == 0
    code, out, err = run("models")
    assert (code, out) == (2, "") and "not valid TOML" in err
