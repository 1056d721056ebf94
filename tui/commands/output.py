"""What a command writes: JSON documents and sentences, each on its own stream."""

from __future__ import annotations

import codecs
import json
import os
import sys
from pathlib import Path
from typing import Any

IN_ASCII = "specdec-ascii"


def prepare_streams() -> None:
    """What stdout and stderr cannot show is written in ASCII from now on, instead of failing; what
    is written to a closed one is lost."""
    codecs.register_error(IN_ASCII, _in_ascii)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - stays
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=IN_ASCII)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    from tui.stand_ins import ascii_of

    return ascii_of(error.object[error.start : error.end]), error.end


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on stdout, in ASCII where stdout cannot show all of Unicode."""
    unicode_safe = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(document, indent=2, ensure_ascii=not unicode_safe))


def in_unicode(text: str) -> str:
    """What the system gave as bytes (file names, arguments) and is no UTF-8 came as lone
    surrogates, which no JSON can carry."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def complain(sentence: str) -> None:
    """One sentence on stderr under the program's name."""
    print(f"specdec-tui: {sentence}", file=sys.stderr, flush=True)


def table(rows: list[tuple[str, ...]], right: tuple[int, ...] = ()) -> str:
    """Rows in columns, names in wide characters too; those in `right` are aligned to the right."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
            gap = " " * (width - cell_len(cell))
            cells.append(gap + cell if i in right else cell + gap)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
