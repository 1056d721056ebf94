"""Text that came out of a file or a file's name, made fit for a screen; apart so all may use it."""

from __future__ import annotations


def shown(text: str, limit: int = 120) -> str:
    """`text` on one line, without characters that move the cursor, hide or reorder text.

    What is not printable is escaped as in a Python string; beyond `limit` characters it is cut
    and ends in "…".
    """
    cut = text[: limit + 1]
    escaped = "".join(c if c.isprintable() else _escape(c) for c in cut)
    return escaped if len(cut) <= limit and len(escaped) <= limit else escaped[: limit - 1] + "…"


def shown_bytes(raw: bytes, limit: int = 60) -> str:
    """The same for bytes that are meant to be UTF-8, in quotes; wrong bytes appear as \\xNN."""
    return "'" + shown(raw[: 4 * limit].decode("utf-8", "backslashreplace"), limit) + "'"


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
