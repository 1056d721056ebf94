"""The code blocks of a conversation, and how one becomes a file. No Textual here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from core.errors import SpecdecError
from core.models.untrusted import shown
from core.paths import expanded
from core.reasoning import answer
from core.whole_files import create_file
from tui.markdown.blocks import parse
from tui.sanitize import clean_line, clean_text

MOST_BLOCKS = 50


@dataclass(frozen=True)
class CodeBlock:
    """A block as it was written; `language` is a word of the model's, for the eye only."""

    code: str
    language: str = ""

    @property
    def n_lines(self) -> int:
        return self.code.count("\n") + 1


def in_text(text: str) -> list[CodeBlock]:
    """The blocks of one reply in order; of its reasoning none."""
    said = answer(clean_text(text))
    if "```" not in said and "~~~" not in said and "\n    " not in said:
        return []
    return [
        CodeBlock(block.content.plain, clean_line(block.language, 20))
        for block in parse(said).blocks
        if block.kind == "code" and block.content.plain.strip()
    ]


def newest(replies: Iterable[str]) -> list[CodeBlock]:
    """The last blocks of a conversation, the last one first. `replies` are read from the end."""
    found = (block for reply in replies for block in reversed(in_text(reply)))
    return list(islice(found, MOST_BLOCKS))


def save(text: str, name: str) -> Path:
    """Write `text` to the file that the user named; its path.

    Raises SpecdecError where there is such a file, or where it cannot be written.
    """
    if not name.strip():
        raise SpecdecError("A file needs a name.", "settings")
    try:
        path = expanded(name.strip()).absolute()
        create_file(path, (text if text.endswith("\n") else text + "\n").encode())
    except FileExistsError:
        raise SpecdecError(
            f"There is a file {shown(name.strip(), 80)} already; give another name.", "settings"
        ) from None
    except (OSError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SpecdecError(
            f"{shown(name.strip(), 80)} cannot be written: {shown(reason, 100)}; "
            "give another name or folder.",
            "settings",
        ) from None
    return path
