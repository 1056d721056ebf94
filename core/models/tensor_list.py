"""The list of a GGUF file's tensors: their sizes, and whether llama.cpp would take them. Apart from
the fields because hundreds of them stand in every header: for many files, this is what takes time.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.models.gguf_reader import Named, Reader
from core.models.quantisation import TENSOR_TYPES

MAX_TENSORS = 2**18
MAX_NAME = 1024
MAX_DIMS = 4

_LENGTH, _N_DIMS = struct.Struct("<Q"), struct.Struct("<I")
_REST = tuple(struct.Struct(f"<{n_dims}QIQ") for n_dims in range(MAX_DIMS + 1))
"""Dimensions, type and offset of a tensor with so many dimensions."""


@dataclass
class Tensors:
    """Names and bytes of the tensors, and sums over them. `end`: where the data of the last one
    ends, counted from where those of the first begin."""

    sizes: list[tuple[str, int]] = field(default_factory=list)
    types: dict[str, int] = field(default_factory=dict)
    n_params: int = 0
    end: int = 0


def read_tensors(reader: Reader, count: int, alignment: int) -> Tensors:
    """Read the list at the reader's position. Raises GgufError as the reader does, also where the
    data have gaps or another order than the list, which llama.cpp refuses."""
    tensors = Tensors()
    sizes, types, end = tensors.sizes, tensors.types, 0
    for _ in range(count):
        name, (*dims, kind, offset) = _quick(reader) or _careful(reader)
        n_weights = 1
        for length in dims:
            n_weights *= length
        if kind not in TENSOR_TYPES or n_weights >= 2**63:
            raise _impossible(reader, name, kind, n_weights)
        type_name, block, block_bytes = TENSOR_TYPES[kind]
        row = dims[0] if dims else 1
        if row % block:
            what = Named("tensor", name)
            raise reader.damaged(f"{what} has rows of {row}, which {type_name} cannot hold")
        if offset != (begin := -(-end // alignment) * alignment):
            what = Named("tensor", name)
            raise reader.damaged(f"{what} begins at {offset:,} instead of {begin:,}")
        n_bytes = n_weights // block * block_bytes
        end = offset + n_bytes
        sizes.append((name, n_bytes))
        types[type_name] = types.get(type_name, 0) + n_bytes
        tensors.n_params += n_weights
    tensors.end = end
    return tensors


Found = tuple[str, Sequence[int]]
"""A tensor's name; its dimensions, type and offset."""


def _quick(reader: Reader) -> Found | None:
    """The next entry, where it is whole and in the data already."""
    data, at = reader.data, reader.at
    try:
        name_end = at + 8 + _LENGTH.unpack_from(data, at)[0]
        n_dims = _N_DIMS.unpack_from(data, name_end)[0]
        rest = _REST[n_dims]
        numbers = rest.unpack_from(data, name_end + 4)
    except (struct.error, OverflowError, IndexError):
        return None
    if name_end > at + 8 + MAX_NAME:
        return None
    reader.at = name_end + 4 + rest.size
    reader.keep(name_end - at)
    return data[at + 8 : name_end].decode("utf-8", "replace"), numbers


def _careful(reader: Reader) -> Found:
    """The same step by step, with what is wrong named, and more of the file read if need be."""
    name = reader.string("a tensor's name", MAX_NAME)
    what = Named("tensor", name)
    n_dims = reader.u32(what)
    if n_dims > MAX_DIMS:
        raise reader.damaged(f"{what} has {n_dims} dimensions")
    dims = [reader.u64(what) for _ in range(n_dims)]
    return name, (*dims, reader.u32(what), reader.u64(what))


def _impossible(reader: Reader, name: str, kind: int, n_weights: int) -> Exception:
    what = Named("tensor", name)
    if n_weights >= 2**63:
        return reader.damaged(f"{what} claims {n_weights:,} weights")
    return reader.damaged(f"{what} has the unknown type {kind}")
