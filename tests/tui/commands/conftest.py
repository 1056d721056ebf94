"""A home with tiny models, and the command line run in it as a process, on the real engine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import COMMAND, ROOT, Run
from tests.support.tiny_gguf import (
    truncate_file,
    write_draft_of,
    write_embedding_model,
    write_tiny_model,
)


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
