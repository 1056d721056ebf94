"""What a model's file is called: the name that `specdec-tui models` lists and that `--target` and
`--draft` take. Apart from the catalogue, since the engine and the app's first frame need no more.
"""

from __future__ import annotations

from pathlib import Path

from core.demo import DRAFT_PATH, TARGET_PATH

BUNDLED = {"demo": TARGET_PATH, "demo-draft": DRAFT_PATH}


def name_of(path: Path) -> str:
    """The name of the model at `path`, which for a split one is that of its first part: the file's
    own, but for the bundled pair and for tools that name their models elsewhere. Untrusted data."""
    for name, bundled in BUNDLED.items():
        if path == bundled:
            return name
    if "-of-" in path.name or path.name.startswith("sha256-") or "llamacpp" in path.parts:
        # imported only here, for the first frame's sake
        from core.models.places import SPLIT_NAME, given_name

        if match := SPLIT_NAME.fullmatch(path.name):
            return match["stem"]
        if given := given_name(path):
            return given
    return path.stem if path.suffix.lower() == ".gguf" else path.name
