"""A context on a model: the KV cache of one sequence, and the one way tokens are decoded."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence

import llama_cpp
import numpy as np
from llama_cpp.llama_cpp import _lib
from numpy.typing import NDArray

from core.errors import SpecdecError
from core.llama import log
from core.llama.devices import usable_cores
from core.llama.memory import free_bytes, kv_bytes_on_cpu
from core.llama.model import Model
from core.protocol import ModelOptions

DEFAULT_N_CTX = 8192
MIN_N_CTX = 256
"""llama.cpp aborts on a batch larger than the context, and a verification is a batch."""
Logits = NDArray[np.float32]

# As an address instead of a typed pointer: no ctypes object is made per call.
_logits_address = _lib["llama_get_logits"]
_logits_address.argtypes, _logits_address.restype = [ctypes.c_void_p], ctypes.c_void_p

_FLASH_ATTN = {"auto": -1, "off": 0, "on": 1}
# ggml_type by name; the package does not name BF16.
_CACHE_TYPES = {"bf16": 30} | {
    name: getattr(llama_cpp, f"GGML_TYPE_{name.upper()}")
    for name in ("f32", "f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
}


class Context:
    """Owns one `llama_context` and counts what it holds.

    `n_past` tokens are in the cache, at positions 0 to n_past-1. `decode_s` adds up the seconds
    spent inside llama.cpp, results awaited, so that what Python costs can be told.
    """

    def __init__(self, model: Model, options: ModelOptions, *, max_rows: int) -> None:
        """`max_rows`: the most logits rows one call may ask for, which bounds a buffer of
        `max_rows` times the vocabulary. Raises SpecdecError where the memory does not suffice."""
        self.model = model
        n_ctx = options.n_ctx or min(model.n_ctx_train or DEFAULT_N_CTX, DEFAULT_N_CTX)
        self.n_ctx = max(n_ctx, MIN_N_CTX)
        self.n_batch = max(min(options.n_batch, self.n_ctx), max_rows)
        self.max_rows = max_rows
        self.n_past = 0
        self.decode_s = 0.0
        self.n_threads = options.n_threads or usable_cores()
        self.threads_are_fixed = options.n_threads > 0
        self._flash_attn = _flash_attention(model, options)
        self.options_key = (
            f"{options.n_threads or 'auto'} of {usable_cores()} threads, "
            f"flash attention {self._flash_attn}, {options.cache_type_k}/{options.cache_type_v}"
        )
        _require_memory(model, self.n_ctx, options)
        self.handle = self._create(options)
        self.n_ctx = int(llama_cpp.llama_n_ctx(self.handle))
        self.n_rollback = self._max_rollback()
        self._memory = llama_cpp.llama_get_memory(self.handle)
        self._allocate_batch()

    def close(self) -> None:
        """Free the cache."""
        if self.handle:
            llama_cpp.llama_free(self.handle)
            self.handle = 0

    def decode(self, tokens: Sequence[int], n_rows: int) -> Logits:
        """Append `tokens` to the cache in one batch (at most `n_batch` of them).

        Returns logits of shape (n_rows, n_vocab) for all tokens (`n_rows == len(tokens)`), the last
        one (1) or none (0). The array is llama.cpp's own buffer: valid until the next call.
        """
        n = len(tokens)
        batch = self._batch
        batch.n_tokens = n
        self._tokens[:n] = tokens
        batch.logits = self._flags[n_rows == n, n_rows == 1]
        started = time.perf_counter()
        status = llama_cpp.llama_decode(self.handle, batch)
        if status == 0 and n_rows:
            address = _logits_address(self.handle)  # waits for the device
            self.decode_s += time.perf_counter() - started
            self.n_past += n
            return self._view(address)[:n_rows]
        llama_cpp.llama_synchronize(self.handle)  # a chunk of a prefill is timed, and cancellable
        self.decode_s += time.perf_counter() - started
        if status != 0:
            raise SpecdecError(_decode_error(status, self.n_past, n, self.n_ctx), "memory")
        self.n_past += n
        return self._nothing

    def use_threads(self, alone: int, batch: int) -> None:
        """CPU threads from now on: for a single token, and for a batch of several."""
        llama_cpp.llama_set_n_threads(self.handle, alone, batch)

    def truncate(self, n_past: int) -> bool:
        """Cut the cache back to its first `n_past` tokens.

        False, with the cache emptied, where the model keeps a state that cannot be cut back.
        """
        if n_past >= self.n_past:
            return True
        if n_past > 0 and llama_cpp.llama_memory_seq_rm(self._memory, 0, n_past, -1):
            self.n_past = n_past
            return True
        llama_cpp.llama_memory_clear(self._memory, False)
        self.n_past = 0
        return n_past == 0

    def _create(self, options: ModelOptions) -> int:
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = self.n_ctx
        params.n_batch = params.n_ubatch = self.n_batch
        params.n_seq_max = 1
        params.n_outputs_max = self.max_rows
        params.n_rs_seq = self.max_rows if self.model.keeps_recurrent_state else 0
        params.n_threads = params.n_threads_batch = self.n_threads
        params.flash_attn_type = _FLASH_ATTN[self._flash_attn]
        params.type_k = _CACHE_TYPES[options.cache_type_k]
        params.type_v = _CACHE_TYPES[options.cache_type_v]
        params.no_perf = True
        log.forget_complaints()
        handle: int | None = llama_cpp.llama_init_from_model(self.model.handle, params)
        if not handle:
            cause = log.last_complaint() or "not enough memory"
            raise SpecdecError(
                f"A context of {self.n_ctx} tokens could not be made ({cause}); "
                "choose a smaller one with --ctx, or another cache type.",
                "memory",
            )
        return handle

    def _max_rollback(self) -> int:
        if not self.model.keeps_recurrent_state:
            return self.n_ctx
        return int(llama_cpp.llama_n_rs_seq(self.handle))

    def _allocate_batch(self) -> None:
        # Positions and sequence ids stay NULL: llama.cpp then counts on from the cache itself.
        self._tokens = (llama_cpp.llama_token * self.n_batch)()
        self._batch = llama_cpp.llama_batch()
        self._batch.token = self._tokens
        flags = ctypes.c_int8 * self.n_batch
        every, none = flags(*([1] * self.n_batch)), flags()
        pointer = ctypes.POINTER(ctypes.c_int8)
        every_p, none_p = ctypes.cast(every, pointer), ctypes.cast(none, pointer)
        last_p = pointer()  # NULL: llama.cpp outputs the last token only
        # by (all rows wanted, one row wanted); for a single token both hold
        self._flags = {
            (True, False): every_p,
            (True, True): every_p,
            (False, True): last_p,
            (False, False): none_p,
        }
        self._nothing: Logits = np.empty((0, self.model.n_vocab), np.float32)
        self._address = 0
        self._logits = self._nothing

    def _view(self, address: int) -> Logits:
        # llama.cpp may move its buffer when more rows are asked for than before.
        if address != self._address:
            size = self.max_rows * self.model.n_vocab
            buffer = (ctypes.c_float * size).from_address(address)
            self._logits = np.ctypeslib.as_array(buffer).reshape(self.max_rows, -1)
            self._address = address
        return self._logits


def _flash_attention(model: Model, options: ModelOptions) -> str:
    """`auto` is llama.cpp's own choice on a GPU. On a CPU its flash attention takes a batch row by
    row (measured here: 1.2 ms for four tokens of the bundled target, 0.86 ms without), so it is
    off, unless a quantised V cache needs it."""
    if options.flash_attn != "auto" or model.n_layers_gpu:
        return options.flash_attn
    return "off" if options.cache_type_v in ("f32", "f16", "bf16") else "on"


def _require_memory(model: Model, n_ctx: int, options: ModelOptions) -> None:
    needed = kv_bytes_on_cpu(model, n_ctx, options.cache_type_k, options.cache_type_v)
    free = free_bytes()
    if free is not None and needed > free:
        raise SpecdecError(
            f"A context of {n_ctx} tokens takes {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are "
            "free; choose a smaller one with --ctx, or another cache type.",
            "memory",
        )


def _decode_error(status: int, n_past: int, n: int, n_ctx: int) -> str:
    if status == 1:
        return f"The context is full ({n_past} + {n} of {n_ctx} tokens); start a new chat."
    return (
        f"llama.cpp could not decode a batch of {n} tokens (status {status}); "
        "see the engine log, and try a smaller context or fewer GPU layers."
    )
