"""What a command writes: JSON documents and sentences, each on its own stream."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on stdout, in ASCII where stdout cannot show all of Unicode."""
    unicode_safe = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(document, indent=2, ensure_ascii=not unicode_safe))


def complain(sentence: str) -> None:
    """One sentence on stderr under the program's name."""
    print(f"specdec-tui: {sentence}", file=sys.stderr, flush=True)


def table(rows: list[tuple[str, ...]], right: tuple[int, ...] = ()) -> str:
    """Rows in columns; those named in `right` are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
