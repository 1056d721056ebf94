"""`models`, `doctor`, `--version` and `--help`: what there is, for people and for programs."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from core.demo import DRAFT_PATH, TARGET_PATH
from tests.support.command_line import (
    Run,
)
from tests.support.tiny_gguf import write_tiny_model


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


def test_columns_stand_in_line_below_names_in_wide_characters(run: Run, tmp_path: Path) -> None:
    for name in ("通义千问", "qwen"):
        write_tiny_model(tmp_path / f"{name}.gguf", vocab_size=300)
    listed = run("models", "--models-dirs", str(tmp_path)).stdout.splitlines()
    own = [line for line in listed if str(tmp_path.name) in line or " language " in line]
    assert len({cell_len(line.partition("language")[0]) for line in own}) == 1 < len(own)


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


def test_doctor_says_what_is_wrong_in_words(run: Run, folder: Path) -> None:
    (folder / "presets.toml").write_text("[mine]\ntop_k = -1\n")
    result = run("doctor", XDG_DATA_HOME=str(folder))
    assert "wrong: " in result.stdout and "[mine] top_k: -1 is not right" in result.stdout
    assert result.returncode == 1
    (folder / "presets.toml").unlink()
    result = run("doctor", XDG_DATA_HOME=str(folder))
    assert "llama-cpp-python  0.3.36" in result.stdout
    assert f"chats             {folder / 'specdec-tui' / 'chats.db'} (not there)" in result.stdout
    assert result.stdout.splitlines()[-1].startswith(("nothing is wrong", "wrong: "))


def processor_time() -> float:
    """Seconds that processes which have ended took of it; others may use it, too."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
        begin = processor_time()
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments.split()],
            capture_output=True,
            text=True,
            env=env,
            check=True,
        )
        assert expected in done.stdout
        assert done.stdout.endswith("[]\n")
        assert processor_time() - begin < 2
