"""Alt with a digit as a key of its own. Apart, as it takes back a choice of Textual's.

Terminals send Escape and the digit; Textual reads that as what one terminal on macOS means by it,
so that Alt+2 would type a trade mark sign.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import suppress


def read_as_keys() -> None:
    """Let Alt+1 to Alt+9 arrive as keys; without effect where Textual reads them otherwise."""
    with suppress(ImportError):
        from textual._ansi_sequences import ANSI_SEQUENCES_KEYS

        if isinstance(ANSI_SEQUENCES_KEYS, MutableMapping):
            for digit in range(1, 10):
                ANSI_SEQUENCES_KEYS.pop(f"\x1b{digit}", None)
