"""The settings of the last start, for one that finds everything as it was.

Settings are checked by pydantic, whose import takes as long as all else before the app's first
frame. What was checked once needs it no more while the command line, the environment, the
configuration file and this program are the same; where one of them is not, this knows nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from core import settings as options
from core.settings import DEFAULTS, ENV_PREFIX, Settings, config_path
from core.whole_files import replace_file

CHECKERS = ("settings.py", "configuration.py", "protocol.py")
"""The files that decide what a value means; a changed one makes what was kept worthless."""


def kept_path() -> Path:
    """Where the settings of the last start are."""
    return user_cache_path("specdec-tui") / "start.json"


def recall(arguments: Sequence[str]) -> Settings | None:
    """The settings of the last start of the app, if it was one with these arguments and all else
    that they come from is as it was then; never raises."""
    try:
        kept = json.loads(kept_path().read_bytes())
        values: dict[str, Any] = kept["values"]
        if kept["of"] != _circumstances(arguments) or values.keys() != DEFAULTS.keys():
            return None
        values["models_dirs"] = [Path(folder) for folder in values["models_dirs"]]
        return Settings(**values, given=frozenset(kept["given"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def keep(arguments: Sequence[str], settings: Settings) -> None:
    """Keep the settings for the next start; a disk that refuses is none of the user's trouble."""
    values = asdict(settings)
    given = sorted(values.pop("given"))
    values["models_dirs"] = [str(folder) for folder in settings.models_dirs]
    path = kept_path()
    with contextlib.suppress(OSError):
        kept = {"of": _circumstances(arguments), "given": given, "values": values}
        replace_file(path, json.dumps(kept).encode(), mode=0o600)


def _circumstances(arguments: Sequence[str]) -> list[list[str]]:
    """All that settings come from. Raises OSError where that cannot be read."""
    folder = Path(options.__file__).parent
    file = config_path()
    return [
        list(arguments),
        sorted(f"{k}={v}" for k, v in os.environ.items() if k.startswith(ENV_PREFIX)),
        [str((folder / name).stat().st_mtime_ns) for name in CHECKERS],
        [str(file), *([file.read_text(encoding="utf-8")] if file.exists() else [])],
    ]
