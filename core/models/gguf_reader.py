"""Reads a GGUF header step by step: the values of its fields, and every step checked before it is
made. The files are untrusted: each length is held against the file's size, what is kept in memory
is bounded, and what is wrong is said with its place and its name.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from core.errors import SpecdecError
from core.models.header import Scalar, TokenTexts, Value
from core.models.known_arrays import KnownArrays
from core.models.untrusted import shown

MAX_STRINGS = 2**22
MAX_TEXT = 4 * 2**20
MAX_KEPT = 64 * 2**20
MAX_ARRAY_KEPT = 4096
TOKENS_KEY = "tokenizer.ggml.tokens"

_SCALARS = {
    **{0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?"},
    **{10: "<Q", 11: "<q", 12: "<d"},
}
_WIDTHS = {kind: struct.calcsize(code) for kind, code in _SCALARS.items()}
_STRING, _ARRAY = 8, 9
_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")


class GgufError(SpecdecError):
    """A file that is not a whole and readable GGUF file, in one sentence."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind="file")


class HeaderIncomplete(GgufError):
    """The data at hand ends within the header: at least `needed` bytes of the file are wanted."""

    def __init__(self, needed: int) -> None:
        super().__init__(f"The header reaches beyond byte {needed}.")
        self.needed = needed


class Named:
    """What is being read, for an error; costs nothing where there is none."""

    def __init__(self, kind: str, name: str) -> None:
        self._kind, self._name = kind, name

    def __str__(self) -> str:
        return f"the {self._kind} {shown(self._name, 60)}"


class Reader:
    """A position in the data, and what was read so far."""

    def __init__(
        self,
        data: bytes | bytearray,
        file_size: int,
        label: str,
        known: KnownArrays | None = None,
        more: Callable[[int], None] | None = None,
    ) -> None:
        """`data`: the beginning of the file; `more` extends it to at least so many bytes."""
        self.data, self.file_size, self.label = data, file_size, label
        self.at = 0
        self.metadata: dict[str, Value] = {}
        self.array_lengths: dict[str, int] = {}
        self.tokens = TokenTexts()
        self._known, self._more = known, more
        self._kept = 0
        self._strings = 0

    def damaged(self, what: str) -> GgufError:
        """What is wrong at this place, as an error."""
        return GgufError(f"{self.label} is damaged: at byte {self.at:,} {what}; download it again.")

    def take(self, n: int, what: object) -> int:
        """Step over `n` bytes and return where they began."""
        end = self.at + n
        if end > len(self.data):
            if end > self.file_size:
                raise GgufError(
                    f"{self.label} is cut off or damaged: {what} at byte {self.at:,} needs {n:,} "
                    f"bytes and the file ends at {self.file_size:,}; download it again."
                )
            self.need(end)
        start, self.at = self.at, end
        return start

    def need(self, end: int) -> None:
        """Have the data up to `end`, which is within the file."""
        if end > len(self.data):
            if self._more is None:
                raise HeaderIncomplete(end)
            self._more(end)

    def u32(self, what: object) -> int:
        """A number of four bytes."""
        return int(_U32.unpack_from(self.data, self.take(4, what))[0])

    def u64(self, what: object) -> int:
        """A number of eight bytes."""
        return int(_U64.unpack_from(self.data, self.take(8, what))[0])

    def string(self, what: object, limit: int = MAX_TEXT) -> str:
        """A text with its length, which may not be beyond `limit`."""
        n = self.u64(what)
        if n > limit and self.at + n <= self.file_size:
            raise self.damaged(f"{what} claims {n:,} bytes, more than {limit:,}")
        start = self.take(n, what)
        self.keep(n)
        return self.data[start : start + n].decode("utf-8", "replace")

    def keep(self, n: int) -> None:
        """Count bytes that are kept in memory."""
        self._kept += n
        if self._kept > MAX_KEPT:
            raise self.damaged(f"the metadata comes to more than {MAX_KEPT:,} bytes")

    def entry(self) -> None:
        """One key and its value."""
        key = self.string("a key", 65535)
        what = Named("field", key)
        if not key or key in self.metadata or key in self.array_lengths:
            raise self.damaged(f"{what} stands twice" if key else "a key is empty")
        kind = self.u32(what)
        if kind == _ARRAY:
            self._array(key, what)
        else:
            self.metadata[key] = self._scalar(kind, what)

    def _scalar(self, kind: int, what: object) -> Scalar:
        if kind == _STRING:
            return self.string(what)
        code = _SCALARS.get(kind)
        if code is None:
            raise self.damaged(f"{what} has the unknown type {kind}")
        at = self.take(_WIDTHS[kind], what)
        value: Scalar = struct.unpack_from(code, self.data, at)[0]
        return value

    def _array(self, key: str, what: object) -> None:
        kind, count = self.u32(what), self.u64(what)
        self.array_lengths[key] = count
        if kind == _STRING:
            self._string_array(key, what, count)
            return
        code = _SCALARS.get(kind)
        if code is None:
            raise self.damaged(f"{what} is an array of the unknown type {kind}")
        start = self.take(count * _WIDTHS[kind], what)
        if count <= MAX_ARRAY_KEPT:
            self.keep(count * 8)
            self.metadata[key] = struct.unpack_from(f"<{count}{code[1]}", self.data, start)

    def _string_array(self, key: str, what: object, count: int) -> None:
        if self.at + 8 * count > self.file_size:
            self.take(8 * count, what)  # raises
        self._strings += count
        if self._strings > MAX_STRINGS:
            raise self.damaged(f"{what} and those before it hold {self._strings:,} strings")
        texts = self._known_texts(count) or self._texts(count, what)
        if key == TOKENS_KEY:
            self.keep(len(texts.raw))
            self.tokens = texts
        elif count <= MAX_ARRAY_KEPT:
            self.keep(len(texts.raw))
            self.metadata[key] = tuple(text.decode("utf-8", "replace") for text in texts)

    def _known_texts(self, count: int) -> TokenTexts | None:
        """The strings here, where they were met in another file."""
        if self._known is None:
            return None
        for texts in self._known.like(self.data, self.at, count):
            end = self.at + len(texts.raw)
            if end <= self.file_size:
                self.need(end)  # most likely they are the same, and so long
                if self.data.startswith(texts.raw, self.at):
                    self.at = end
                    return texts
        return None

    def _texts(self, count: int, what: object) -> TokenTexts:
        """The hot path: 150,000 tokens and as many merges stand in a usual header."""
        data, start, at, length, i = self.data, self.at, self.at, _U64.unpack_from, 0
        while i < count:
            try:
                for i in range(i, count):  # noqa: B007, B020 - tells where to go on
                    at += 8 + length(data, at)[0]
                break
            except (struct.error, OverflowError):  # this length, or the text before it, lies beyond
                if at + 8 > self.file_size:
                    self.take(at + 8 - start, what)  # raises
                self.need(at + 8)
        self.take(at - start, what)
        texts = TokenTexts(bytes(data[start:at]), count)
        if self._known is not None and count > MAX_ARRAY_KEPT:
            self._known.add(texts)
        return texts
