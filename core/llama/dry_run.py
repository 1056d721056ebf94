"""What a model takes, asked of llama.cpp itself: it is loaded without its weights, which takes tens
of milliseconds, and what it would allocate is read from its log. (A recurrent state is allocated
all the same, and freed again.)

For the engine process only, and not beside a load on another thread: llama.cpp has one log, and
gives up, process and all, where a file's numbers contradict each other.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llama_cpp

from core.errors import SpecdecError
from core.llama.devices import has_gpu
from core.models.gguf import read_header
from core.models.memory import TARGET, MemoryUse, Role, context_size, uses_flash_attention
from core.models.quantisation import TENSOR_TYPES
from core.models.shape import Shape, shape_of
from core.protocol import ModelOptions

_MIB = 2**20
_CACHES = re.compile(r"(kv_cache|memory_recurrent): size = +([\d.]+) MiB")
_BUFFERS = re.compile(r"compute buffer size = +([\d.]+) MiB")
_CACHE_TYPES = {name.lower(): number for number, (name, *_) in TENSOR_TYPES.items()}


def measure_memory(path: Path, options: ModelOptions, role: Role = TARGET) -> MemoryUse:
    """The bytes that loading `path` under `options` takes on all devices together, to the hundredth
    of a MiB in which llama.cpp speaks of them.

    Raises SpecdecError (kind `model`) with llama.cpp's complaint where it refuses the file.
    """
    shape = shape_of(read_header(path))
    with collected_log() as lines:
        params = llama_cpp.llama_model_default_params()
        params.no_alloc = True
        params.load_mode = llama_cpp.LLAMA_LOAD_MODE_NONE
        params.n_gpu_layers = options.n_gpu_layers
        model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
        try:
            use = measure_context(model, shape, options, role, lines) if model else None
        finally:
            llama_cpp.llama_model_free(model)
    if use is None:
        said = [line.strip() for line in lines if "error" in line or "failed" in line]
        cause = said[0] if said else "llama.cpp gave no cause"
        raise SpecdecError(f"{path} could not be examined: {cause}; try another file.", "model")
    return use


def measure_context(
    model: object,
    shape: Shape,
    options: ModelOptions,
    role: Role,
    lines: list[str],
    *,
    swa_full: bool = True,
) -> MemoryUse | None:
    """The same of a model that was loaded without its weights, `lines` being what `collected_log`
    collects; None where llama.cpp makes no context for it.

    Not `swa_full`: layers with a sliding window keep no more than that.
    """
    params = _context_params(shape, options, role)
    params.swa_full = swa_full
    lines.clear()
    context = llama_cpp.llama_init_from_model(model, params)
    if not context:
        return None
    llama_cpp.llama_free(context)
    log = "".join(lines)
    sizes = {"kv_cache": 0, "memory_recurrent": 0}
    for name, mib in _CACHES.findall(log):
        sizes[name] += round(float(mib) * _MIB)
    return MemoryUse(
        weights=int(llama_cpp.llama_model_size(model)),
        kv=sizes["kv_cache"],
        recurrent=sizes["memory_recurrent"],
        compute=sum(round(float(mib) * _MIB) for mib in _BUFFERS.findall(log)),
        output=4 * role.n_rows * shape.n_vocab,
    )


def _context_params(shape: Shape, options: ModelOptions, role: Role) -> Any:
    """llama.cpp's own structure of them."""
    params = llama_cpp.llama_context_default_params()
    params.n_ctx, params.n_batch = context_size(options, shape, role)
    params.n_ubatch = params.n_batch
    params.n_seq_max = 1
    params.n_outputs_max = role.n_rows
    params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    on_gpu = options.n_gpu_layers != 0 and has_gpu()
    if uses_flash_attention(options, on_gpu=on_gpu):
        params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
    params.type_k = _CACHE_TYPES[options.cache_type_k]
    params.type_v = _CACHE_TYPES[options.cache_type_v]
    params.n_rs_seq = role.n_snapshots
    return params


@contextmanager
def collected_log() -> Iterator[list[str]]:
    """Collect llama.cpp's log instead of showing it; afterwards it goes where it went before."""
    lines: list[str] = []

    def keep(_level: int, text: bytes, _user_data: object) -> None:
        lines.append(text.decode(errors="replace"))

    callback = llama_cpp.llama_log_callback(keep)
    before, user_data = llama_cpp.llama_log_callback(), ctypes.c_void_p()
    llama_cpp.llama_log_get(ctypes.byref(before), ctypes.byref(user_data))
    llama_cpp.llama_log_set(callback, ctypes.c_void_p(0))
    try:
        yield lines
    finally:
        llama_cpp.llama_log_set(before, user_data)
