"""`specdec-tui drafts TARGET`: every model on this machine as a draft for it, the best first."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from core.errors import SpecdecError
from core.models.advisor import Advice
from core.models.choose import choose_pair
from core.models.machine import devices_of, main_memory
from core.models.memory import Device, gib
from core.models.survey import Survey, survey
from core.models.untrusted import shown
from core.settings import Settings, source_of
from tui import figures
from tui.commands.engine_facts import engine_facts
from tui.commands.output import complain, in_unicode, print_json, table
from tui.judging import expected

HEADINGS = ("draft", "weights", "size", "speed-up", "with target", "verdict")
MAX_NAME, MAX_VERDICT = 60, 300


def run(settings: Settings, target: str, as_json: bool) -> int:
    """Judge them; those that do not fit come last, with the exact cause. Always 0.

    `target` is a path or a name, empty for the configured one. Raises SpecdecError where it is none
    that can be loaded.
    """
    twice = [name for name in ("target", "demo") if source_of(settings, name) == "command line"]
    if target and twice:
        raise SpecdecError(
            f"The target is named twice; leave out {shown(target)} or --{twice[0]}.", "settings"
        )
    settings = replace(settings, draft="none")
    if target:
        settings = replace(settings, target=target, demo=False)
    path, draft = choose_pair(settings)
    devices = _devices()
    found = survey(path, settings.models_dirs, devices, settings.target_options(), draft.options)
    if as_json:
        print_json(_document(path, found, devices))
    elif found.drafts:
        print(_listing(found, devices))
    else:
        print("No other models were found; name your folders with --models-dirs.")
    return 0


# ------------------------------------------------------------------ devices


def _devices() -> list[Device]:
    """The devices that the engine sees, with what they have free; main memory alone where it does
    not say."""
    with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
        facts = engine_facts()
        if facts is not None:
            return devices_of(facts)
    complain("The engine does not say which devices it sees; `specdec-tui doctor` tells more.")
    return [main_memory()]


# ------------------------------------------------------------------ for programs


def _document(path: Path, found: Survey, devices: Sequence[Device]) -> dict[str, Any]:
    return {
        "target": in_unicode(found.target.model.name),
        "target_path": in_unicode(str(path)),
        "devices": [asdict(device) for device in devices],
        "drafts": [_entry(advice) for advice in found.drafts],
    }


def _entry(advice: Advice) -> dict[str, Any]:
    candidate, record = advice.candidate, advice.candidate.record
    model, memory = candidate.model, candidate.memory
    return {
        "name": in_unicode(model.name),
        "path": in_unicode(str(model.path)),
        "size_bytes": model.size_bytes,
        "n_params": model.n_params,
        "quantisation": model.quantisation,
        "fits": candidate.compatibility.verdict,
        "cause": candidate.compatibility.cause,
        "usable": advice.usable,
        "verdict": advice.verdict,
        "speedup": record.speedup if record else None,
        "acceptance_rate": record.acceptance_rate if record else None,
        "n_replies": record.n_replies if record else 0,
        "predicted": asdict(advice.prediction) if advice.prediction else None,
        "memory_bytes": memory.total if memory else None,
        "memory_fits": memory.fits if memory else None,
        "memory": memory.sentence if memory else None,
    }


# ------------------------------------------------------------------ for people


def _listing(found: Survey, devices: Sequence[Device]) -> str:
    rows = [HEADINGS, *(_row(advice) for advice in found.drafts)]
    free = ", ".join(
        f"{gib(device.free)} {'of main memory' if device.type == 'CPU' else f'on {device.name}'}"
        for device in devices
        if device.free is not None
    )
    target = shown(found.target.model.name, MAX_NAME)
    end = f"For {target}; free: {free}." if free else f"For {target}."
    return f"{table(rows, right=(1, 2, 4))}\n\n{end}"


def _row(advice: Advice) -> tuple[str, ...]:
    candidate = advice.candidate
    return (
        shown(candidate.model.name, MAX_NAME),
        figures.parameters(candidate.model.n_params) if candidate.model.n_params else "",
        figures.size(candidate.model.size_bytes),
        _speedup(advice),
        gib(candidate.memory.total) if candidate.memory else "",
        shown(advice.verdict, MAX_VERDICT),
    )


def _speedup(advice: Advice) -> str:
    prediction = advice.prediction if advice.usable else None
    return " ".join(expected(advice.candidate.record, prediction)).strip() or figures.DASH
