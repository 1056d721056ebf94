"""Names that come from the network or the user: repositories, files in them, and what a file's name
says about the model in it. Pure, and strict: nothing here becomes a path before it was checked."""

from __future__ import annotations

import re

from core.errors import SpecdecError
from core.models.places import SPLIT_NAME
from core.models.untrusted import shown

MAX_NAME = 1000
MAX_PIECE = 240

_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
_NOT_IN_PIECES = set('\\:*?"<>|')
_DEVICES = {f"{port}{i}" for port in ("COM", "LPT") for i in range(10)} | {
    *("CON", "PRN", "AUX", "NUL")
}
_NO_MODEL = re.compile(r"mmproj|^(?:mtp|eagle3|dflash|dspark)-", re.IGNORECASE)
_QUANTISATION = re.compile(
    r"""(?<![A-Za-z0-9])
    (?: (?:UD-)? (?: I?Q\d_K(?:_(?:XXL|XL|L|M|S))? | IQ\d_(?:XXS|XS|S|M|L|XL|NL)
                   | Q\d_[01](?:_\d_\d)? | TQ\d_0 | BF16 | FP?16 | FP?32 )
      | MXFP4(?:_MOE)? | NVFP4 )
    (?![A-Za-z0-9])""",
    re.IGNORECASE | re.VERBOSE,
)


def split_request(text: str) -> tuple[str, str]:
    """`REPO[:QUANT]` as repository and quantisation (or file); the second is empty if not given.

    Raises SpecdecError (kind `settings`) where it can be no repository.
    """
    repo, _, wanted = text.strip().partition(":")
    return checked_repo(repo), wanted.strip()


def checked_repo(name: str) -> str:
    """`name`, if it is a possible OWNER/NAME; raises SpecdecError (kind `settings`)."""
    wrong = "--" in name or ".." in name or name.endswith((".git", "-", ".", "/"))
    owner = name.partition("/")[0]
    if wrong or owner.endswith(("-", ".")) or not _REPO.fullmatch(name):
        raise SpecdecError(
            f"{shown(name)} is no repository; give OWNER/NAME or OWNER/NAME:QUANTISATION.",
            kind="settings",
        )
    return name


def repo_folder_name(repo: str) -> str:
    """The folder of a repository (checked, or only compared with) in a Hugging Face cache."""
    return "models--" + repo.replace("/", "--")


def is_safe_file(name: str) -> bool:
    """Whether `name`, as a repository lists it, may become a path below a folder of ours.

    Stricter than any system needs: a name that is a device, a stream or a drive on one of them, or
    that the eye cannot tell from another one, is a name to fetch on none.
    """
    return len(name) <= MAX_NAME and all(_is_safe_piece(piece) for piece in name.split("/"))


def _is_safe_piece(piece: str) -> bool:
    return (
        piece[:1] not in ("", ".", " ")
        and piece[-1] not in ". "
        and piece.isprintable()
        and not _NOT_IN_PIECES.intersection(piece)
        and piece.partition(".")[0].upper() not in _DEVICES
        and len(piece.encode("utf-8", "replace")) <= MAX_PIECE
    )


def is_model_file(name: str) -> bool:
    """Whether a file in a repository is a model, or a part of one, by its name.

    A name with `imatrix` in it is a model's where it also names a quantisation: it was made with
    that matrix.
    """
    own = name.rpartition("/")[2]
    if not own.lower().endswith(".gguf") or _NO_MODEL.search(own) or not is_safe_file(name):
        return False
    return "imatrix" not in own.lower() or bool(quantisation_in(own))


def part_of(name: str) -> tuple[str, int, int]:
    """The name without the mark of a split file (or without `.gguf`), the part, the parts."""
    match = SPLIT_NAME.fullmatch(name)
    if match and int(match["count"]) > 1:
        return match["stem"], int(match["no"]), int(match["count"])
    return name[: -len(".gguf")] if name.lower().endswith(".gguf") else name, 1, 1


def quantisation_in(name: str) -> str:
    """Such as `Q4_K_M`: the last one that the file's name holds, else its folder's; else empty."""
    for piece in reversed(part_of(name)[0].split("/")):
        found = _QUANTISATION.findall(piece)
        if found:
            return str(found[-1]).upper().replace("FP16", "F16").replace("FP32", "F32")
    return ""
