"""A context on a model: the KV cache of one sequence, and the one way tokens are decoded."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import llama_cpp
import numpy as np
from llama_cpp.llama_cpp import _lib
from numpy.typing import NDArray

from core.errors import SpecdecError
from core.llama import log
from core.llama.devices import usable_cores
from core.llama.memory import require_memory
from core.llama.model import Model
from core.models.memory import DEFAULT_N_CTX, MIN_N_CTX, uses_flash_attention
from core.protocol import ModelOptions

N_SNAPSHOTS = 8
"""Each takes the memory of a whole recurrent state and a few nodes a layer of llama.cpp's graph,
which aborts when that is full (from 14 on nemotron_h, 16 on lfm2moe, 24 on lfm2)."""
N_LASTING = 2
"""Lasting checkpoints kept: the end of this prompt and of the one before."""
NO_ROOM = 1
"""What `llama_decode` returns for a full cache, which it leaves as it was."""
Logits = NDArray[np.float32]
Ids = NDArray[np.int32]

# As an address instead of a typed pointer: no ctypes object is made per call.
_logits_address = _lib["llama_get_logits"]
_logits_address.argtypes, _logits_address.restype = [ctypes.c_void_p], ctypes.c_void_p

_top_ids = _lib["llama_get_sampled_candidates_ith"]
_top_logits = _lib["llama_get_sampled_logits_ith"]
for _ask in (_top_ids, _top_logits):
    _ask.argtypes, _ask.restype = [ctypes.c_void_p, ctypes.c_int32], ctypes.c_void_p

_FLASH_ATTN = {"auto": -1, "off": 0, "on": 1}
# ggml_type by name; the package does not name BF16.
_CACHE_TYPES = {"bf16": 30} | {
    name: getattr(llama_cpp, f"GGML_TYPE_{name.upper()}")
    for name in ("f32", "f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
}


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """A recurrent state as it was when the cache held `n_past` tokens."""

    n_past: int
    data: NDArray[np.uint8]
    flags: int
    lasting: bool


class Context:
    """Owns one `llama_context` and counts what it holds.

    `n_past` tokens are in the cache, at positions 0 to n_past-1. `decode_s` adds up the seconds
    spent inside llama.cpp, results awaited, so that what Python costs can be told.

    A cache of keys and values can be cut back to any length. A recurrent or hybrid model keeps a
    state besides, which knows no way back. Two things help: snapshots, which llama.cpp takes of the
    last tokens of one batch where the architecture is made for it; and checkpoints, states saved
    at a point to which `truncate` may return.
    """

    def __init__(
        self,
        model: Model,
        options: ModelOptions,
        *,
        max_rows: int,
        n_snapshots: int = N_SNAPSHOTS,
        top_k: int = 0,
    ) -> None:
        """`max_rows`: the most logits rows one call may ask for, which bounds a buffer of
        `max_rows` times the vocabulary. `n_snapshots`: how many to ask for where there is a
        recurrent state. `top_k`: let the device find the largest logits of a row and send no
        others, for `top`, where it can (else the attribute is 0). Raises SpecdecError where the
        memory does not suffice."""
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
        require_memory(model, self.n_ctx, options)
        self._has_state = model.keeps_recurrent_state
        self._checkpoints: list[_Checkpoint] = []
        self._n_last = self._sampler = self.top_k = 0
        self.handle = self._create(options, n_snapshots)
        with ExitStack() as undo:
            undo.callback(self.close)
            self._find_out(top_k)
            undo.pop_all()

    def close(self) -> None:
        """Free the cache."""
        if self.handle:
            llama_cpp.llama_free(self.handle)
            self.handle = 0
        if self._sampler:
            llama_cpp.llama_sampler_free(self._sampler)
            self._sampler = 0

    def decode(self, tokens: Sequence[int], n_rows: int) -> Logits:
        """Append `tokens` to the cache in one batch (at most `n_batch` of them).

        Returns logits of shape (n_rows, n_vocab) for all tokens (`n_rows == len(tokens)`), the last
        one (1) or none (0). The array is llama.cpp's own buffer: valid until the next call. With a
        `top_k` it is empty, and `top` knows of the last token alone.
        """
        n = len(tokens)
        n_rows = min(n_rows, 1) if self.top_k else n_rows
        batch = self._batch
        batch.n_tokens = n
        self._tokens[:n] = tokens
        batch.logits = self._flags[n_rows == n, n_rows == 1]
        started = time.perf_counter()
        status = llama_cpp.llama_decode(self.handle, batch)
        if status == 0 and n_rows and not self.top_k:
            address = _logits_address(self.handle)  # waits for the device
            self.decode_s += time.perf_counter() - started
            self._n_last = n
            self.n_past += n
            return self._view(address)[:n_rows]
        llama_cpp.llama_synchronize(self.handle)  # a chunk of a prefill is timed, and cancellable
        self.decode_s += time.perf_counter() - started
        if status != 0:
            error = _decode_error(status, self.n_past, n, self.n_ctx)
            if self._has_state and status != NO_ROOM:  # llama.cpp cannot take back what it began
                self._clear()
            raise SpecdecError(error, "memory")
        self._n_last = n
        self.n_past += n
        return self._nothing

    def top(self) -> tuple[Ids, Logits]:
        """The `top_k` largest logits (top_k,) that follow the last token decoded, in no order, and
        the tokens that they belong to; copies."""
        n = llama_cpp.llama_get_sampled_candidates_count_ith(self.handle, -1)
        ids, logits = (ask(self.handle, -1) for ask in (_top_ids, _top_logits))
        return (
            np.ctypeslib.as_array((ctypes.c_int32 * n).from_address(ids)).copy(),
            np.ctypeslib.as_array((ctypes.c_float * n).from_address(logits)).copy(),
        )

    def use_threads(self, alone: int, batch: int) -> None:
        """CPU threads from now on: for a single token, and for a batch of several."""
        llama_cpp.llama_set_n_threads(self.handle, alone, batch)

    def truncate(self, n_past: int) -> None:
        """Cut the cache back to its first `n_past` tokens, or to fewer where a recurrent state
        cannot go back there: to the last checkpoint before, or to nothing."""
        if n_past >= self.n_past:
            return
        self._checkpoints = [c for c in self._checkpoints if c.n_past <= n_past]
        if n_past > 0 and self._cut(n_past):
            return
        latest = max(self._checkpoints, key=lambda c: c.n_past, default=None)
        if n_past > 0 and latest and self._restore(latest):
            return
        self._clear()

    def checkpoint(self, *, lasting: bool = False) -> None:
        """Save the state at this point, where there is one that `truncate` could not cut back.

        A checkpoint holds until the next one, on the device that computes; a `lasting` one lies in
        main memory, and the latest N_LASTING are kept. Raises SpecdecError where llama.cpp does not
        save the state.
        """
        if not self._saves or self.n_past == 0:
            return
        if any(c.n_past == self.n_past and c.lasting >= lasting for c in self._checkpoints):
            return
        saved = self._save(lasting=lasting)
        if saved is None:
            raise SpecdecError(
                f"llama.cpp could not save the recurrent state of {self.model.path}; see the "
                "engine log, and choose no draft.",
                "draft",
            )
        passing = [c for c in self._checkpoints if lasting and not c.lasting]
        lasts = [c for c in self._checkpoints if c.lasting]
        self._checkpoints = [*passing, *(lasts[1 - N_LASTING :] if lasting else lasts), saved]

    def _find_out(self, top_k: int) -> None:
        """What llama.cpp made of it, and what it can do, by trial."""
        self.n_ctx = int(llama_cpp.llama_n_ctx(self.handle))
        self._memory = llama_cpp.llama_get_memory(self.handle)
        self._allocate_batch()
        self.top_k = self._sample_on_device(min(top_k, self.model.n_vocab))
        self.n_snapshots = int(llama_cpp.llama_n_rs_seq(self.handle))
        self._saves = self._has_state and self._can_save()
        self.n_rollback = self.n_snapshots if self._has_state and not self._saves else self.n_ctx

    def _sample_on_device(self, top_k: int) -> int:
        """`top_k` where a trial shows that the device finds them, else 0."""
        if top_k == 0:
            return 0
        params = llama_cpp.llama_sampler_chain_default_params()
        self._sampler = llama_cpp.llama_sampler_chain_init(params)
        llama_cpp.llama_sampler_chain_add(self._sampler, llama_cpp.llama_sampler_init_top_k(top_k))
        if llama_cpp.llama_set_sampler(self.handle, 0, self._sampler):
            self.top_k = top_k
            self.decode([0], 1)
            n = llama_cpp.llama_get_sampled_candidates_count_ith(self.handle, -1)
            self._clear()
            if n == top_k:
                return top_k
        llama_cpp.llama_set_sampler(self.handle, 0, None)
        return 0

    def _can_save(self) -> bool:
        """Tried once at load, which allocates what it takes: no reply shall fail for it."""
        self.decode([0], 0)
        saved = self._save(lasting=False)
        can = saved is not None and self._restore(saved)
        self._clear()
        return can

    def _clear(self) -> None:
        llama_cpp.llama_memory_clear(self._memory, False)
        self.n_past = self._n_last = 0
        self._checkpoints.clear()

    def _save(self, *, lasting: bool) -> _Checkpoint | None:
        """None where it fails. Only what cannot be cut back is saved; the device keeps one."""
        flags = llama_cpp.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY
        if not lasting:
            flags |= llama_cpp.LLAMA_STATE_SEQ_FLAGS_ON_DEVICE
        started = time.perf_counter()
        size = llama_cpp.llama_state_seq_get_size_ext(self.handle, 0, flags)
        data = np.empty(size, np.uint8)
        done = llama_cpp.llama_state_seq_get_data_ext(self.handle, _bytes(data), size, 0, flags)
        self.decode_s += time.perf_counter() - started
        if size == 0 or done != size:
            return None
        return _Checkpoint(self.n_past, data, flags, lasting)

    def _restore(self, saved: _Checkpoint) -> bool:
        started = time.perf_counter()
        size = saved.data.size
        done = llama_cpp.llama_state_seq_set_data_ext(
            self.handle, _bytes(saved.data), size, 0, saved.flags
        )
        # the attention layers of a hybrid model still hold what came after
        whole = done == size and llama_cpp.llama_memory_seq_rm(self._memory, 0, saved.n_past, -1)
        self.decode_s += time.perf_counter() - started
        self.n_past, self._n_last = saved.n_past, 0
        return bool(whole)

    def _cut(self, n_past: int) -> bool:
        """Cut the cache in place, if that can be done.

        llama.cpp writes snapshots for the tokens of one batch, never moves them, and takes any
        rollback up to `n_rs_seq` for good, once between two batches (llama-memory-recurrent.cpp):
        the first token of a batch, and whatever is older than that, it would bring back wrong.
        """
        back = self.n_past - n_past
        if self._has_state and back > min(self.n_snapshots, self._n_last - 1):
            return False
        if not llama_cpp.llama_memory_seq_rm(self._memory, 0, n_past, -1):
            return False
        self.n_past, self._n_last = n_past, 0
        return True

    def _create(self, options: ModelOptions, n_snapshots: int) -> int:
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = self.n_ctx
        params.n_batch = params.n_ubatch = self.n_batch
        params.n_seq_max = 1
        params.n_outputs_max = self.max_rows
        params.n_rs_seq = n_snapshots if self._has_state else 0  # clamped to 0 by most
        params.n_threads = params.n_threads_batch = self.n_threads
        params.flash_attn_type = _FLASH_ATTN[self._flash_attn]
        params.type_k = _CACHE_TYPES[options.cache_type_k]
        params.type_v = _CACHE_TYPES[options.cache_type_v]
        params.no_perf = True
        log.forget_complaints()
        handle: int | None = llama_cpp.llama_init_from_model(self.model.handle, params)
        if not handle:
            cause = log.last_complaint() or "not enough memory"
            way_out = "choose a smaller one with --ctx, or another cache type"
            if "flash_attn" in cause:
                way_out = "leave --flash-attn at auto, or choose f16 for the V cache"
            raise SpecdecError(
                f"A context of {self.n_ctx:,} tokens could not be made ({cause}); {way_out}.",
                "memory",
            )
        return handle

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


def _bytes(data: NDArray[np.uint8]) -> ctypes.Array[ctypes.c_uint8]:
    return (ctypes.c_uint8 * data.size).from_buffer(data.data)


def _flash_attention(model: Model, options: ModelOptions) -> str:
    """`auto` is llama.cpp's own choice on a GPU. On a CPU its flash attention takes a batch row by
    row (measured here: 1.2 ms for four tokens of the bundled target, 0.86 ms without), so it is
    off, unless a quantised V cache needs it."""
    if options.flash_attn != "auto" or model.n_layers_gpu:
        return options.flash_attn
    return "on" if uses_flash_attention(options, on_gpu=False) else "off"


def _decode_error(status: int, n_past: int, n: int, n_ctx: int) -> str:
    if status == NO_ROOM:
        return f"The context is full ({n_past} + {n} of {n_ctx} tokens); start a new chat."
    return (
        f"llama.cpp could not decode a batch of {n} tokens (status {status}); "
        "see the engine log, and try a smaller context or fewer GPU layers."
    )
