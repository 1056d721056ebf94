"""Reads the header of a GGUF file: metadata, vocabulary and tensor sizes, in well under 0.1 s.

An own parser, since the files are untrusted and the stock readers take seconds or abort: every
length is checked against the file's size before it is used, and what is kept in memory is bounded.
The file is read, not mapped: a file that shrinks under a mapping would end the app with SIGBUS.
Format and limits: ggml/src/gguf.cpp of the llama.cpp that is in use.
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from core.errors import SpecdecError
from core.models.header import GgufHeader, Scalar, TokenTexts, Value
from core.models.quantisation import TENSOR_TYPES
from core.models.untrusted import shown, shown_bytes

FIRST_READ = 8 * 2**20
MAX_HEADER = 512 * 2**20
MAX_FIELDS = 2**16
MAX_TENSORS = 2**18
MAX_STRINGS = 2**22
MAX_TEXT = 4 * 2**20
MAX_KEPT = 64 * 2**20
MAX_ARRAY_KEPT = 4096
MAX_KNOWN, KNOWN_BY = 32, 256
TOKENS_KEY = "tokenizer.ggml.tokens"

_SCALARS = {
    **{0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?"},
    **{10: "<Q", 11: "<q", 12: "<d"},
}
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


def read_header(path: Path) -> GgufHeader:
    """Read the header of one file, and check that the file is long enough for its tensors.

    Raises GgufError naming the file, what is wrong where, and what to do. Reads no tensor data.
    """
    label = shown(str(path), 300)
    try:
        with _open_regular(path, label) as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(min(size, FIRST_READ))
            while True:
                try:
                    return parse_header(data, size, path)
                except HeaderIncomplete as more:
                    wanted = min(size, MAX_HEADER, max(more.needed + 2**20, 2 * len(data)))
                    if wanted <= len(data):
                        raise _cut_off(label, size, more.needed) from None
                    grown = data + file.read(wanted - len(data))
                    if len(grown) == len(data):
                        raise _cut_off(label, len(data), more.needed) from None
                    data = grown
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise GgufError(f"{label} cannot be read: {reason}; check the path.") from None


KnownArrays = dict[tuple[int, bytes], bytes]
"""Arrays of strings met in other files, by their number of strings and how they begin: most models
share a vocabulary with others, and comparing one is far quicker than walking through it."""


def parse_header(
    data: bytes, file_size: int, path: Path, known: KnownArrays | None = None
) -> GgufHeader:
    """Parse the first bytes of a file of `file_size` bytes, of which `data` is the beginning.

    `known` is filled, and used, from file to file; it keeps MAX_KNOWN arrays. Raises
    HeaderIncomplete where `data` ends too early (a remote file is read in growing pieces),
    otherwise as `read_header`.
    """
    reader = _Reader(data, file_size, shown(str(path), 300), known)
    version, n_tensors, n_fields = _preamble(reader)
    for _ in range(n_fields):
        reader.entry()
    alignment = reader.metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
        raise reader.damaged("general.alignment is not a power of two")
    tensors = _Tensors(alignment)
    for _ in range(n_tensors):
        tensors.read(reader)
    start = -(-reader.at // alignment) * alignment
    if tensors.end and start + tensors.end > file_size:
        raise _cut_off(reader.label, file_size, start + tensors.end)
    return GgufHeader(
        path=path,
        version=version,
        file_size=file_size,
        metadata=MappingProxyType(reader.metadata),
        array_lengths=MappingProxyType(reader.array_lengths),
        tokens=reader.tokens,
        tensor_count=n_tensors,
        n_params=tensors.n_params,
        tensor_bytes=sum(tensors.types.values()),
        tensor_types=MappingProxyType(tensors.types),
    )


def _open_regular(path: Path, label: str) -> BinaryIO:
    """Open without waiting: a named pipe called x.gguf must not hold up a search."""
    info = path.stat()
    if stat.S_ISDIR(info.st_mode):
        raise GgufError(f"{label} is a folder; give a .gguf file in it.")
    if not stat.S_ISREG(info.st_mode):
        raise GgufError(f"{label} is not an ordinary file; give a .gguf file.")
    return path.open("rb")


def _cut_off(label: str, has: int, of: int) -> GgufError:
    return GgufError(f"{label} is cut off: it has {has:,} of {of:,} bytes; download it again.")


def _preamble(reader: _Reader) -> tuple[int, int, int]:
    """Magic, version, and the numbers of tensors and fields."""
    label, size = reader.label, reader.file_size
    if size == 0:
        raise GgufError(f"{label} is empty; download it again.")
    magic = reader.data[:4]
    if magic != b"GGUF"[: len(magic)]:
        begins = "it begins with " + shown_bytes(reader.data[:24].partition(b"\n")[0])
        hint = "give a .gguf file"
        if reader.data.startswith(b"version https://git-lfs"):
            hint = "it is only the pointer to it; fetch it with Git LFS"
        elif magic in (b"ggml", b"lmgg", b"tjgg", b"fmgg"):
            hint = "it is older than GGUF; download a newer conversion"
        raise GgufError(f"{label} is not a GGUF file: {begins}; {hint}.")
    reader.take(4, "the magic")
    version = reader.u32("the version")
    if version and not version & 0xFFFF:
        raise GgufError(
            f"{label} is a big-endian GGUF file, which this machine cannot use; "
            "download the little-endian one."
        )
    if version not in (2, 3):
        age = "too old" if version < 2 else "newer than this program"
        raise GgufError(f"{label} is GGUF version {version}, {age}; versions 2 and 3 can be read.")
    n_tensors, n_fields = reader.u64("the tensor count"), reader.u64("the field count")
    if n_tensors > min(MAX_TENSORS, size // 24) or n_fields > min(MAX_FIELDS, size // 13):
        raise reader.damaged(f"it claims {n_tensors:,} tensors and {n_fields:,} fields")
    return version, n_tensors, n_fields


class _Reader:
    """A position in the data, and what was read so far. Every step is checked before it is made."""

    def __init__(
        self, data: bytes, file_size: int, label: str, known: KnownArrays | None = None
    ) -> None:
        self.data, self.file_size, self.label = data, file_size, label
        self.known = known
        self.at = 0
        self.kept = 0
        self.strings = 0
        self.metadata: dict[str, Value] = {}
        self.array_lengths: dict[str, int] = {}
        self.tokens = TokenTexts()

    def damaged(self, what: str) -> GgufError:
        return GgufError(f"{self.label} is damaged: at byte {self.at:,} {what}; download it again.")

    def take(self, n: int, what: object) -> int:
        """Step over `n` bytes and return where they began."""
        end = self.at + n
        if end > len(self.data):
            if end <= self.file_size:
                raise HeaderIncomplete(end)
            raise GgufError(
                f"{self.label} is cut off or damaged: {what} at byte {self.at:,} needs {n:,} bytes "
                f"and the file ends at {self.file_size:,}; download it again."
            )
        start, self.at = self.at, end
        return start

    def u32(self, what: object) -> int:
        return int(_U32.unpack_from(self.data, self.take(4, what))[0])

    def u64(self, what: object) -> int:
        return int(_U64.unpack_from(self.data, self.take(8, what))[0])

    def string(self, what: str, limit: int = MAX_TEXT) -> str:
        n = self.u64(what)
        if n > limit and self.at + n <= self.file_size:
            raise self.damaged(f"{what} claims {n:,} bytes, more than {limit:,}")
        start = self.take(n, what)
        self.keep(n)
        return self.data[start : start + n].decode("utf-8", "replace")

    def keep(self, n: int) -> None:
        self.kept += n
        if self.kept > MAX_KEPT:
            raise self.damaged(f"the metadata comes to more than {MAX_KEPT:,} bytes")

    def entry(self) -> None:
        """One key and its value."""
        key = self.string("a key", 65535)
        what = f"the field {shown(key, 60)}"
        if not key or key in self.metadata or key in self.array_lengths:
            raise self.damaged(f"{what} stands twice" if key else "a key is empty")
        kind = self.u32(what)
        if kind == _ARRAY:
            self._array(key, what)
        else:
            self.metadata[key] = self._scalar(kind, what)

    def _scalar(self, kind: int, what: str) -> Scalar:
        if kind == _STRING:
            return self.string(what)
        code = _SCALARS.get(kind)
        if code is None:
            raise self.damaged(f"{what} has the unknown type {kind}")
        value: Scalar = struct.unpack_from(code, self.data, self.take(_width(code), what))[0]
        return value

    def _array(self, key: str, what: str) -> None:
        kind, count = self.u32(what), self.u64(what)
        self.array_lengths[key] = count
        if kind == _STRING:
            self._string_array(key, what, count)
            return
        code = _SCALARS.get(kind)
        if code is None:
            raise self.damaged(f"{what} is an array of the unknown type {kind}")
        start = self.take(count * _width(code), what)
        if count <= MAX_ARRAY_KEPT:
            self.keep(count * 8)
            self.metadata[key] = struct.unpack_from(f"<{count}{code[1]}", self.data, start)

    def _string_array(self, key: str, what: str, count: int) -> None:
        """The hot path: 150,000 tokens and as many merges stand in a usual header."""
        if self.at + 8 * count > self.file_size:
            self.take(8 * count, what)  # raises
        self.strings += count
        if self.strings > MAX_STRINGS:
            raise self.damaged(f"{what} and those before it hold {self.strings:,} strings")
        start, at, length = self.at, self.at, _U64.unpack_from
        met = self._known_array(count)
        if met is not None:
            self.take(len(met), what)
            self._keep_strings(key, met, count)
            return
        try:
            for _ in range(count):
                at += 8 + length(self.data, at)[0]
        except (struct.error, OverflowError):  # the last text, or the length after it, lies beyond
            self.take(at + 8 - start, what)
            raise
        self.take(at - start, what)
        raw = self.data[start:at]
        if self.known is not None and count > MAX_ARRAY_KEPT and len(self.known) < MAX_KNOWN:
            self.known[count, raw[:KNOWN_BY]] = raw
        self._keep_strings(key, raw, count)

    def _known_array(self, count: int) -> bytes | None:
        met = (self.known or {}).get((count, self.data[self.at : self.at + KNOWN_BY]))
        if met is None:
            return None
        if len(self.data) < self.at + len(met) <= self.file_size:
            raise HeaderIncomplete(self.at + len(met))  # most likely it is the same, and so long
        return met if self.data.startswith(met, self.at) else None

    def _keep_strings(self, key: str, raw: bytes, count: int) -> None:
        if key == TOKENS_KEY:
            self.keep(len(raw))
            self.tokens = TokenTexts(raw, count)
        elif count <= MAX_ARRAY_KEPT:
            self.keep(len(raw))
            self.metadata[key] = tuple(
                text.decode("utf-8", "replace") for text in TokenTexts(raw, count)
            )


def _width(code: str) -> int:
    return struct.calcsize(code)


class _TensorName:
    """Names a tensor in an error, and costs nothing where there is none."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return f"the tensor {shown(self._name, 60)}"


class _Tensors:
    """Sums over the tensor list. llama.cpp wants the data without gaps and in this order."""

    def __init__(self, alignment: int) -> None:
        self.alignment = alignment
        self.next_offset = 0
        self.end = 0
        self.n_params = 0
        self.types: dict[str, int] = {}

    def read(self, reader: _Reader) -> None:
        name = reader.string("a tensor's name", 1024)
        what = _TensorName(name)
        n_dims = reader.u32(what)
        if n_dims > 4:
            raise reader.damaged(f"{what} has {n_dims} dimensions")
        n_weights = 1
        row = 1
        for i in range(n_dims):
            length = reader.u64(what)
            n_weights *= length
            row = row if i else length
        if n_weights >= 2**63:
            raise reader.damaged(f"{what} claims {n_weights:,} weights")
        kind, offset = reader.u32(what), reader.u64(what)
        if kind not in TENSOR_TYPES:
            raise reader.damaged(f"{what} has the unknown type {kind}")
        type_name, block, block_bytes = TENSOR_TYPES[kind]
        if row % block:
            raise reader.damaged(f"{what} has rows of {row}, which {type_name} cannot hold")
        if offset != self.next_offset:
            raise reader.damaged(f"{what} begins at {offset:,} instead of {self.next_offset:,}")
        n_bytes = n_weights // block * block_bytes
        self.end = offset + n_bytes
        self.next_offset = -(-self.end // self.alignment) * self.alignment
        self.n_params += n_weights
        self.types[type_name] = self.types.get(type_name, 0) + n_bytes
