"""Which target and which draft the settings mean, checked before the engine is asked.

The command line and the app both start here, so that `--target NAME` means the same in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.demo import DRAFT_PATH, TARGET_PATH
from core.errors import SpecdecError
from core.models.catalog import Named, resolve
from core.models.compat import compare
from core.models.gguf import read_header
from core.models.header import GgufHeader
from core.models.kinds import require_language_model
from core.models.names import BUNDLED, name_of
from core.models.places import find_files, first_missing_part
from core.models.untrusted import shown
from core.paths import expanded, is_file
from core.protocol import DraftChoice
from core.settings import Settings


def choose_pair(settings: Settings) -> tuple[Path, DraftChoice]:
    """The target's path and the draft, as `settings` say.

    The bundled target is meant by `demo`, and where no target is configured; `draft` "auto" is the
    bundled draft for the bundled target and none for another. Raises SpecdecError of kind `file`,
    `model` or `draft`: the file is not there or not whole, is no language model, or the draft's
    vocabulary does not fit, and exactly why.
    """
    named, draft = settings.pair()
    target = _path(named, settings) if named else TARGET_PATH
    header = checked_header(target)
    if draft == "lookup":
        return target, settings.draft_choice("lookup")
    if draft == "none" or (draft == "auto" and not _is_bundled_target(target)):
        return target, settings.draft_choice("none")
    path = DRAFT_PATH if draft == "auto" else _path(draft, settings)
    require_compatible(header, checked_header(path))
    return target, settings.draft_choice("model", str(path))


def checked_header(path: Path) -> GgufHeader:
    """The header of a file that can be loaded; raises SpecdecError saying why it cannot."""
    header = read_header(path)
    label = shown(str(path), 300)
    if not _is_unicode(str(path)):
        raise SpecdecError(f"{label}: the file's name is not UTF-8; rename it.", kind="file")
    require_language_model(header)
    missing = first_missing_part(path) if header.split_count > 1 else ""
    if missing:
        raise SpecdecError(f"{label} is not whole: {missing}.", kind="file")
    return header


def require_compatible(target: GgufHeader, draft: GgufHeader) -> None:
    """Raise SpecdecError (kind `draft`) with the cause where the draft does not fit the target."""
    compatibility = compare(target, draft)
    if compatibility.verdict == "no":
        raise SpecdecError(
            f"{shown(name_of(draft.path))} cannot draft for {shown(name_of(target.path))}: "
            f"{compatibility.cause}; choose another draft, `lookup` or `none`.",
            kind="draft",
        )


def _path(name_or_path: str, settings: Settings) -> Path:
    if name_or_path in BUNDLED:
        return BUNDLED[name_or_path]
    is_path = is_file(expanded(name_or_path))
    found: Sequence[Named] = () if is_path else find_files(settings.models_dirs)
    return resolve(name_or_path, found).absolute()


def _is_unicode(text: str) -> bool:
    """File names are bytes; what is no UTF-8 cannot cross to the engine in a line of JSON."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_bundled_target(path: Path) -> bool:
    return path == TARGET_PATH or (TARGET_PATH.exists() and path.samefile(TARGET_PATH))
