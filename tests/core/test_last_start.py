"""A start like the last one has its settings without their being checked again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import last_start
from core.configuration import load_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in os.environ:
        if name.startswith("SPECDEC_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = tmp_path / "config.toml"
    monkeypatch.setenv("SPECDEC_CONFIG", str(config))
    config.write_text('top_k = 7\nmodels_dirs = ["/models"]\nseed = 3\n')
    return config


def test_what_was_kept_is_recalled_whole() -> None:
    settings = load_settings({"demo": "true", "theme": "paper"})
    last_start.keep(["--demo", "--theme", "paper"], settings)
    recalled = last_start.recall(["--demo", "--theme", "paper"])
    assert recalled == settings
    assert recalled is not None and recalled.given == {"demo", "theme"}


def test_nothing_is_recalled_where_nothing_was_kept() -> None:
    assert last_start.recall([]) is None


def test_other_arguments_another_variable_and_another_file_are_another_start(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last_start.keep([], load_settings())
    assert last_start.recall([]) is not None
    assert last_start.recall(["--demo"]) is None
    monkeypatch.setenv("SPECDEC_TOP_K", "9")
    assert last_start.recall([]) is None
    monkeypatch.delenv("SPECDEC_TOP_K")
    assert last_start.recall([]) is not None
    folders.write_text("top_k = 8\n")
    assert last_start.recall([]) is None
    folders.unlink()
    assert last_start.recall([]) is None


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "[" * 100_000, '{"of": 1}', '{"of": 1, "values": []}']
)
def test_a_damaged_file_is_as_none(damage: str) -> None:
    last_start.keep([], load_settings())
    last_start.kept_path().write_text(damage)
    assert last_start.recall([]) is None


def test_options_that_this_version_does_not_have_are_not_recalled() -> None:
    last_start.keep([], load_settings())
    kept = json.loads(last_start.kept_path().read_text())
    del kept["values"]["top_k"]
    last_start.kept_path().write_text(json.dumps(kept))
    assert last_start.recall([]) is None


def test_a_cache_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    last_start.keep([], load_settings())
    assert last_start.recall([]) is None


def test_recalling_needs_no_pydantic() -> None:
    last_start.keep(["--demo"], load_settings({"demo": "true"}))
    code = (
        "import sys; from core.last_start import recall\n"
        "assert recall(['--demo']).demo and recall(['--demo']).top_k == 7\n"
        "print([name for name in sys.modules if name.startswith('pydantic')])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
