"""What happens before the first frame, and what must not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tui.startup import NEAR_FPS, prepare_environment, prepare_for_distance, prepare_for_nearness

HEAVY = (
    "pydantic",
    "pydantic_settings",
    "numpy",
    "jinja2",
    "llama_cpp",
    "huggingface_hub",
    "pygments.lexers",
    "markdown_it",
)


def test_over_ssh_frames_are_fewer_and_what_the_user_set_stays() -> None:
    environ = {"TEXTUAL_FPS": "30"}
    prepare_environment(environ)
    prepare_for_distance(environ)
    assert environ["TEXTUAL_FPS"] == "30"
    assert environ["TEXTUAL_ANIMATIONS"] == "none" and environ["TEXTUAL_SMOOTH_SCROLL"] == "0"
    local: dict[str, str] = {}
    prepare_environment(local)
    prepare_for_nearness(local)
    assert local["TEXTUAL_FPS"] == NEAR_FPS


def test_the_app_imports_nothing_heavy() -> None:
    code = (
        "import sys, core.last_start, tui.opening, tui.app, tui.screens.drafts, tui.screens.help\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
