"""Models made of metadata alone: llama.cpp creates the tensors that an architecture wants, without
memory for them, so that its caches can be measured for any architecture in milliseconds.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path

import llama_cpp
from llama_cpp.llama_cpp import _lib

from core.llama.dry_run import collected_log, measure_context
from core.models.gguf import read_header
from core.models.memory import MemoryUse, Role
from core.models.shape import shape_of
from core.protocol import ModelOptions
from tests.support.sparse_gguf import Meta, write_header


class _Params(ctypes.Structure):
    _fields_ = (("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p))


_read = _lib["gguf_init_from_file"]
_read.restype, _read.argtypes = ctypes.c_void_p, [ctypes.c_char_p, _Params]
_free = _lib["gguf_free"]
_free.restype, _free.argtypes = None, [ctypes.c_void_p]
_init = _lib["llama_model_init_from_user"]
_init.restype = ctypes.c_void_p
_init.argtypes = [*[ctypes.c_void_p] * 3, llama_cpp.llama_model_params]
_fill = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(lambda _tensor, _data: None)

SMALL: dict[str, Meta] = {
    "vocab_size": 512,
    "context_length": 4096,
    "embedding_length": 256,
    "block_count": 6,
    "feed_forward_length": 768,
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
    "attention.layer_norm_rms_epsilon": 1e-5,
    "attention.layer_norm_epsilon": 1e-5,
}


def write_small(path: Path, arch: str, numbers: Mapping[str, Meta]) -> Path:
    """Write the header of a small model of any architecture, `numbers` in place of SMALL's."""
    keys = {f"{arch}.{key}": value for key, value in (SMALL | dict(numbers)).items()}
    return write_header(path, {"general.architecture": arch, "tokenizer.ggml.model": "none"} | keys)


def measure_header(
    path: Path, options: ModelOptions, role: Role, *, swa_full: bool = True
) -> MemoryUse | None:
    """What llama.cpp would allocate for such a model; None where it makes no context."""
    metadata = _read(str(path).encode(), _Params(True, None))
    params = llama_cpp.llama_model_default_params()
    params.no_alloc = True
    with collected_log() as lines:
        handle = _init(metadata, ctypes.cast(_fill, ctypes.c_void_p), None, params)
        assert handle, "".join(lines)[-500:]
        model = ctypes.c_void_p(handle)
        shape = shape_of(read_header(path))
        use = measure_context(model, shape, options, role, lines, swa_full=swa_full)
        llama_cpp.llama_model_free(model)
    _free(metadata)
    return use
