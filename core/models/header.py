"""What a GGUF file says about itself, as values; apart from the reading of it, which is `gguf`."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import overload

from core.models.quantisation import FILE_TYPES

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...]

_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class TokenTexts(Sequence[bytes]):
    """The vocabulary as the file holds it: `raw` is (8-byte length, text) after each other."""

    raw: bytes = b""
    size: int = 0

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [], 0
        for _ in range(self.size):
            starts.append(at + 8)
            at += 8 + int(_LENGTH.unpack_from(self.raw, at)[0])
        starts.append(at + 8)
        return starts

    @cached_property
    def digest(self) -> str:
        """A hash of all texts."""
        return hashlib.blake2b(self.raw, digest_size=16).hexdigest()

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[bytes]:
        raw = self.raw
        return (raw[start : end - 8] for start, end in pairwise(self._starts))

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self.size))]
        if not -self.size <= index < self.size:
            raise IndexError(index)
        index %= self.size
        return self.raw[self._starts[index] : self._starts[index + 1] - 8]


@dataclass(frozen=True)
class GgufHeader:
    """What a GGUF file says about itself. All strings are untrusted data.

    `metadata` holds scalars and arrays of up to 4096 elements; `array_lengths` the lengths of all
    arrays. `tensor_bytes` and `n_params` count this file only, which may be one part of several.
    """

    path: Path
    version: int
    file_size: int
    metadata: Mapping[str, Value] = field(repr=False)
    array_lengths: Mapping[str, int] = field(repr=False)
    tokens: TokenTexts = field(repr=False)
    tensors: tuple[tuple[str, int], ...] = field(repr=False)
    """Names and bytes."""
    n_params: int
    tensor_types: Mapping[str, int]
    """Bytes by name of the tensor type."""

    @property
    def tensor_bytes(self) -> int:
        """Of all tensors together."""
        return sum(self.tensor_types.values())

    def text(self, key: str) -> str | None:
        """The string under `key`, or None where there is none or it is no string."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str) -> int | None:
        """The integer under `key`, or None; also for a key of this architecture, `"{arch}.…"`."""
        value = self.metadata.get(key.replace("{arch}", self.architecture))
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, key: str) -> bool | None:
        """The boolean under `key`, or None; also for a key of this architecture, `"{arch}.…"`."""
        value = self.metadata.get(key.replace("{arch}", self.architecture))
        return value if isinstance(value, bool) else None

    @property
    def architecture(self) -> str:
        """`general.architecture`, empty where it is missing."""
        return self.text("general.architecture") or ""

    @property
    def name(self) -> str:
        """`general.name`, else the file's name without `.gguf`."""
        return self.text("general.name") or self.path.name.removesuffix(".gguf")

    @property
    def chat_template(self) -> str | None:
        """The default chat template (Jinja source)."""
        return self.text("tokenizer.chat_template")

    @property
    def quantisation(self) -> str:
        """Such as `Q4_K_M`: what `general.file_type` says, else the type of most of the weights."""
        named = FILE_TYPES.get(self.number("general.file_type") or 0)
        if named and self.number("general.file_type") is not None:
            return named
        return max(self.tensor_types, key=lambda name: self.tensor_types[name], default="")

    @property
    def context_length(self) -> int | None:
        """Tokens that the model was trained for."""
        return self.number("{arch}.context_length")

    @property
    def block_count(self) -> int | None:
        """Layers."""
        return self.number("{arch}.block_count")

    @property
    def n_vocab(self) -> int:
        """Tokens in the vocabulary, 0 where the file has none."""
        return len(self.tokens) or self.number("{arch}.vocab_size") or 0

    @property
    def split_count(self) -> int:
        """Files that the model is in: 1 unless it was split."""
        return max(1, self.number("split.count") or 1)

    @property
    def split_no(self) -> int:
        """Which of them this one is, from 0."""
        return self.number("split.no") or 0
