"""Writing GGUF files of any size in one pass, a tensor at a time, without holding one in memory."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

TensorType = Literal["F32", "F16", "Q8_0"]
MetaValue = str | bool | int | float | Sequence[str] | Sequence[int]

ALIGNMENT = 32
_TYPE_IDS: dict[TensorType, int] = {"F32": 0, "F16": 1, "Q8_0": 8}
_BYTES_PER_BLOCK: dict[TensorType, tuple[int, int]] = {  # (weights, bytes)
    "F32": (1, 4),
    "F16": (1, 2),
    "Q8_0": (32, 34),
}
_U32, _I32, _F32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9


@dataclass(frozen=True)
class Tensor:
    """A tensor to be written: `shape` as NumPy has it (rows, columns) or (n,), and its bytes.

    `chunks` is called once and must yield exactly `n_bytes` bytes in all.
    """

    name: str
    shape: tuple[int, ...]
    type: TensorType
    chunks: Callable[[], Iterable[bytes]]

    @property
    def n_bytes(self) -> int:
        """Size of the data in the file, without padding."""
        weights, size = _BYTES_PER_BLOCK[self.type]
        return math.prod(self.shape) // weights * size


def file_size(tensors: Iterable[Tensor]) -> int:
    """Bytes that the tensors take in a file; the header comes on top."""
    return sum(_padded(tensor.n_bytes) for tensor in tensors)


def write_gguf(path: Path, metadata: Mapping[str, MetaValue], tensors: Sequence[Tensor]) -> None:
    """Write a GGUF file, version 3. Integers become 32 bits wide, unsigned but in arrays.

    Raises OSError where the disk refuses, ValueError where a tensor's chunks do not fill it.
    """
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)))
        for key, value in metadata.items():
            file.write(_string(key) + _value(value))
        offset = 0
        for tensor in tensors:
            file.write(_tensor_info(tensor, offset))
            offset += _padded(tensor.n_bytes)
        _pad(file)
        for tensor in tensors:
            started = file.tell()
            for chunk in tensor.chunks():
                file.write(chunk)
            if file.tell() - started != tensor.n_bytes:
                raise ValueError(f"{tensor.name}: {tensor.n_bytes} bytes were announced")
            _pad(file)


def _tensor_info(tensor: Tensor, offset: int) -> bytes:
    shape = tensor.shape[::-1]  # ggml names the innermost dimension first
    return (
        _string(tensor.name)
        + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        + struct.pack("<IQ", _TYPE_IDS[tensor.type], offset)
    )


def _value(value: MetaValue) -> bytes:
    match value:
        case str():
            return struct.pack("<I", _STRING) + _string(value)
        case bool():
            return struct.pack("<I?", _BOOL, value)
        case int():
            return struct.pack("<II", _U32, value)
        case float():
            return struct.pack("<If", _F32, value)
    return struct.pack("<I", _ARRAY) + _array(value)


def _array(values: Sequence[str] | Sequence[int]) -> bytes:
    texts = [value for value in values if isinstance(value, str)]
    if texts or not values:
        return struct.pack("<IQ", _STRING, len(texts)) + b"".join(map(_string, texts))
    return struct.pack(f"<IQ{len(values)}i", _I32, len(values), *values)


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _pad(file: BinaryIO) -> None:
    file.write(bytes(-file.tell() % ALIGNMENT))
