"""`specdec-tui doctor`: what this machine and this llama.cpp build can do, and what is wrong."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from core.chats.database import chats_path
from core.chats.presets import read_presets
from core.configuration import load_settings
from core.demo import DRAFT_PATH, TARGET_PATH
from core.errors import SpecdecError
from core.models.choose import checked_header, choose_pair, require_compatible
from core.models.untrusted import shown
from core.settings import Settings, absent, config_path
from tui import figures
from tui.commands.engine_facts import engine_facts
from tui.commands.output import print_json
from tui.remote import is_remote
from tui.version import version

REINSTALL = (
    'CMAKE_ARGS="{flag}" pip install --force-reinstall --no-cache-dir --no-deps '
    "llama-cpp-python=={v}"
)


@dataclass(frozen=True)
class Finding:
    """The facts under their names, and what is wrong, one sentence each."""

    facts: dict[str, Any]
    problems: list[str]


def run(as_json: bool) -> int:
    """Print what was found: 0 where all is well, 1 where something is wrong."""
    finding = examine()
    if as_json:
        print_json({"ok": not finding.problems, **finding.facts, "problems": finding.problems})
    else:
        print(_report(finding))
    return 1 if finding.problems else 0


def examine() -> Finding:
    """Ask the engine, the disk and the terminal."""
    problems: list[str] = []
    _check_configuration(problems)
    if wrong_preset := read_presets()[1]:
        problems.append(shown(wrong_preset, 400))
    engine = _engine(problems)
    offload = engine.get("supports_gpu_offload")
    facts = {
        "specdec_tui": version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        **engine,
        "gpu_hint": None if offload else gpu_hint(),
        "bundled_pair": _bundled(problems),
        "config_file": str(config_path()),
        "config_file_present": config_path().is_file(),
        "chats_file": str(chats_path()),
        "chats_file_present": chats_path().is_file(),
        "terminal": _terminal(),
    }
    if offload is False and _has_nvidia():
        problems.append(
            "This machine has an NVIDIA GPU that this llama.cpp build cannot use; "
            f"reinstall it: {gpu_hint()}"
        )
    return Finding(facts, problems)


def gpu_hint() -> str:
    """The command that rebuilds llama-cpp-python for the GPU that is likely here."""
    flag = "-DGGML_METAL=on" if sys.platform == "darwin" else "-DGGML_CUDA=on"
    if sys.platform != "darwin" and not _has_nvidia():
        flag = "-DGGML_VULKAN=on"
    return REINSTALL.format(flag=flag, v=_installed("llama-cpp-python") or "0.3.36")


def _engine(problems: list[str]) -> dict[str, Any]:
    """What `python -m core.worker --describe` says; empty, with a problem, where it fails."""
    try:
        facts = engine_facts()
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        problems.append(f"The engine does not start: {shown(lines[-1], 300)}")
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        problems.append(f"The engine does not answer: {shown(str(error), 300)}")
    else:
        if facts is not None:
            return facts
        problems.append("The engine describes itself in an unknown way; reinstall specdec-tui.")
    return {"llama_cpp_python": _installed("llama-cpp-python")}


def _bundled(problems: list[str]) -> dict[str, Any]:
    try:
        require_compatible(checked_header(TARGET_PATH), checked_header(DRAFT_PATH))
    except SpecdecError as error:
        problems.append(f"The bundled pair is not usable: {error.message}")
        present = False
    else:
        present = True
    return {"target": str(TARGET_PATH), "draft": str(DRAFT_PATH), "present": present}


def _check_configuration(problems: list[str]) -> None:
    """What the file and the environment have wrong: the settings, what they name, the keys."""
    from tui.keymap import own_keymap

    try:
        settings = load_settings()
    except SpecdecError as error:
        problems.append(shown(error.message, 400))
    else:
        problems += absent(settings)
        _check_models(settings, problems)
        _check_theme(settings.theme, problems)
    try:
        problems += own_keymap().problems
    except SpecdecError:
        return  # the file is broken, which has just been said


def _check_models(settings: Settings, problems: list[str]) -> None:
    """Whether the pair that is configured can be loaded; the bundled one is looked at anyway."""
    if settings.demo or not (settings.target or settings.draft not in ("auto", "")):
        return
    try:
        choose_pair(settings)
    except SpecdecError as error:
        problems.append(shown(error.message, 400))


def _check_theme(name: str, problems: list[str]) -> None:
    """Whether there is a theme of that name, and the files of the user's own themes."""
    from tui.theming import load_themes, no_such_theme, own_themes, user_themes

    themes, wrong = load_themes((own_themes(), user_themes()))
    problems += [shown(problem, 400) for problem in wrong]
    known = [theme.name for theme in themes]
    if name not in known:
        problems.append(no_such_theme(name, known))


def _terminal() -> dict[str, Any]:
    size = shutil.get_terminal_size()
    return {
        "stdin": sys.stdin is not None and sys.stdin.isatty(),
        "stdout": sys.stdout.isatty(),
        "term": os.environ.get("TERM", ""),
        "colorterm": os.environ.get("COLORTERM", ""),
        "columns": size.columns,
        "lines": size.lines,
        "encoding": sys.stdout.encoding,
        "ssh": is_remote(),
    }


def _has_nvidia() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def _installed(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


# ------------------------------------------------------------------ for people


def _report(finding: Finding) -> str:
    facts, terminal = finding.facts, finding.facts["terminal"]
    offload = facts.get("supports_gpu_offload")
    lines = [
        ("specdec-tui", facts["specdec_tui"]),
        ("python", f"{facts['python']} on {facts['platform']}"),
        ("llama-cpp-python", f"{facts.get('llama_cpp_python') or 'not installed'}"),
        ("llama.cpp", facts.get("llama_cpp_version", figures.DASH)),
        ("system", facts.get("system_info", figures.DASH)),
        *((f"device {d['name']}", _device(d)) for d in facts.get("devices", [])),
        ("GPU offload", "yes" if offload else f"no; for a GPU: {facts['gpu_hint']}"),
        ("threads", str(facts.get("usable_cores", figures.DASH))),
        ("bundled pair", "present" if facts["bundled_pair"]["present"] else "not usable"),
        ("configuration", _place(facts, "config_file")),
        ("chats", _place(facts, "chats_file")),
        (
            "terminal",
            f"{terminal['term'] or figures.DASH}, {terminal['columns']}×{terminal['lines']}, "
            f"{terminal['encoding']}{', over SSH' if terminal['ssh'] else ''}",
        ),
    ]
    text = [f"{label:<17} {shown(str(value), 1000)}" for label, value in lines]
    wrong = [f"wrong: {problem}" for problem in finding.problems]
    return "\n".join([*text, "", *(wrong or ["nothing is wrong"])])


def _place(facts: dict[str, Any], name: str) -> str:
    return f"{facts[name]}{'' if facts[name + '_present'] else ' (not there)'}"


def _device(device: dict[str, Any]) -> str:
    memory = figures.size(device["memory_total"]) if device["memory_total"] else figures.DASH
    if device["type"] in ("GPU", "IGPU"):
        memory = f"{figures.size(device['memory_free'])} free of {memory}"
    return f"{device['type']}: {device['description']}, {memory}"
