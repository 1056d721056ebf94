"""What the engine process says of itself and this machine, without a model and without the app."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from core.client import engine_invocation

TIMEOUT_S = 60


def engine_facts() -> dict[str, Any] | None:
    """What `python -m core.worker --describe` prints; None where that is no object.

    Raises subprocess.SubprocessError where the engine fails or does not answer in time, OSError
    where it cannot be started, ValueError where it prints no JSON.
    """
    argv, env = engine_invocation("--describe")
    done = subprocess.run(
        argv,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    facts = json.loads(done.stdout)
    return facts if isinstance(facts, dict) else None
