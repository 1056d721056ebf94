"""Bytes in words; apart because the app says them before it loads anything else of this package."""

from __future__ import annotations


def size_text(n_bytes: int) -> str:
    """Bytes in the binary units that GGUF files are spoken of in."""
    value = float(n_bytes)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
