"""Reads the header of a GGUF file: metadata, vocabulary and tensor sizes, in well under 0.1 s.

An own parser, since the files are untrusted and the stock readers take seconds or abort. The file
is read, not mapped: a file that shrinks under a mapping would end the app with SIGBUS.
Format and limits: ggml/src/gguf.cpp of the llama.cpp that is in use. What may stand in a header,
and what is refused, is `gguf_reader`'s.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from types import MappingProxyType

from core.models.gguf_reader import GgufError, HeaderIncomplete, Reader
from core.models.header import GgufHeader
from core.models.known_arrays import KnownArrays
from core.models.tensor_list import MAX_TENSORS, read_tensors
from core.models.untrusted import shown, shown_bytes

__all__ = ["GgufError", "HeaderIncomplete", "parse_header", "read_header"]

FIRST_READ = 256 * 2**10
MAX_HEADER = 512 * 2**20
MAX_FIELDS = 2**16


def read_header(path: Path, known: KnownArrays | None = None) -> GgufHeader:
    """Read the header of one file, and check that the file is long enough for its tensors.

    `known` is filled, and used, from file to file. Raises GgufError naming the file, what is wrong
    where, and what to do. Reads no tensor data.
    """
    label = shown(str(path), 300)
    try:
        with _open_regular(path, label) as file:
            size = os.fstat(file.fileno()).st_size
            data = bytearray()

            def more(end: int) -> None:
                if end > MAX_HEADER:
                    raise GgufError(
                        f"{label} is damaged: its header would be longer than {MAX_HEADER:,} "
                        "bytes; download it again."
                    )
                wanted = min(size, MAX_HEADER, max(end + FIRST_READ // 2, len(data) * 5 // 4))
                while len(data) < wanted and (piece := file.read(wanted - len(data))):
                    data.extend(piece)
                if len(data) < end:  # it has become shorter
                    raise _cut_off(label, len(data), end)

            more(0)
            return parse_header(data, size, path, known, more)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise GgufError(f"{label} cannot be read: {reason}; check the path.") from None


def parse_header(
    data: bytes | bytearray,
    file_size: int,
    path: Path,
    known: KnownArrays | None = None,
    more: Callable[[int], None] | None = None,
) -> GgufHeader:
    """Parse the first bytes of a file of `file_size` bytes, of which `data` is the beginning.

    `more` extends `data` to at least so many bytes, or raises. Without it, raises HeaderIncomplete
    where `data` ends too early (a remote file is read in growing pieces); otherwise as
    `read_header`.
    """
    reader = Reader(data, file_size, shown(str(path), 300), known, more)
    version, n_tensors, n_fields = _preamble(reader)
    for _ in range(n_fields):
        reader.entry()
    alignment = reader.metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
        raise reader.damaged("general.alignment is not a power of two")
    tensors = read_tensors(reader, n_tensors, alignment)
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
        tensors=tuple(tensors.sizes),
        n_params=tensors.n_params,
        tensor_types=MappingProxyType(tensors.types),
    )


def _open_regular(path: Path, label: str) -> FileIO:
    """Open without waiting: a named pipe called x.gguf must not hold up a search.

    No more is to be read than is asked for: by itself, Linux reads megabytes of weights ahead,
    which for many files takes far longer than their headers.
    """
    info = path.stat()
    if stat.S_ISDIR(info.st_mode):
        raise GgufError(f"{label} is a folder; give a .gguf file in it.")
    if not stat.S_ISREG(info.st_mode):
        raise GgufError(f"{label} is not an ordinary file; give a .gguf file.")
    file = path.open("rb", buffering=0)
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
    return file


def _cut_off(label: str, has: int, of: int) -> GgufError:
    return GgufError(f"{label} is cut off: it has {has:,} of {of:,} bytes; download it again.")


def _preamble(reader: Reader) -> tuple[int, int, int]:
    """Magic, version, and the numbers of tensors and fields."""
    label, size = reader.label, reader.file_size
    if size == 0:
        raise GgufError(f"{label} is empty; download it again.")
    magic = reader.data[:4]
    if magic != b"GGUF"[: len(magic)]:
        begins = "it begins with " + shown_bytes(bytes(reader.data[:24]).partition(b"\n")[0])
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
