"""Arrays of strings met in other files: most models share their vocabulary with others, and
comparing one is far quicker than walking through it.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.models.header import TokenTexts

KNOWN_BY = 256
MAX_ALIKE = 32
MAX_BYTES = 64 * 2**20


class KnownArrays:
    """By their number of strings and how they begin; those longest unused make room."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        """`max_bytes`: of the texts that are kept."""
        self._arrays: dict[tuple[int, bytes], list[TokenTexts]] = {}
        self._n_bytes, self._max_bytes = 0, max_bytes

    def like(self, data: bytes | bytearray, at: int, count: int) -> Sequence[TokenTexts]:
        """Those of `count` strings that begin as the one at `at` in `data` does."""
        key = count, bytes(data[at : at + KNOWN_BY])
        alike = self._arrays.pop(key, None)
        if alike is None:
            return ()
        self._arrays[key] = alike  # now the last to go
        return alike

    def add(self, texts: TokenTexts) -> None:
        """Keep one that was not among those like it."""
        key = len(texts), texts.raw[:KNOWN_BY]
        alike = self._arrays.pop(key, [])
        self._arrays[key] = [texts, *alike[: MAX_ALIKE - 1]]
        self._n_bytes += len(texts.raw) - sum(len(old.raw) for old in alike[MAX_ALIKE - 1 :])
        while self._n_bytes > self._max_bytes:
            gone = self._arrays.pop(next(iter(self._arrays)))
            self._n_bytes -= sum(len(old.raw) for old in gone)
