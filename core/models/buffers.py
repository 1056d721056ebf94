"""Bytes of caches and buffers from a model's shape; one arithmetic for the app and the engine."""

from __future__ import annotations

from core.models.shape import Shape

CACHE_TYPE_BYTES = {
    **{"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32},
    **{"q5_1": 24 / 32, "q5_0": 22 / 32, "q4_1": 20 / 32, "q4_0": 18 / 32},
}
"""Bytes per element: block bytes over block length in ggml-common.h."""


def padded(n_ctx: int) -> int:
    """Cells that llama.cpp makes for a context: a multiple of 256."""
    return -(-n_ctx // 256) * 256


def kv_bytes(
    shape: Shape,
    n_ctx: int,
    type_k: str,
    type_v: str,
    *,
    transposed: bool = False,
    swa_full: bool = True,
    n_batch: int = 512,
) -> tuple[int, ...]:
    """Bytes of the K and V cache by layer, for `n_ctx` cells.

    `swa_full`: layers with a sliding window keep all tokens all the same, which is llama.cpp's
    default. `transposed`: without flash attention V is padded to the widest layer.
    """
    kept = n_ctx if swa_full else min(n_ctx, padded(min(n_ctx, shape.window + n_batch)))
    per_k, per_v = CACHE_TYPE_BYTES[type_k], CACHE_TYPE_BYTES[type_v]
    widest = max(shape.v) if transposed else 0
    return tuple(
        int((kept if window else n_ctx) * (k * per_k + (max(v, widest) if v else 0) * per_v))
        for k, v, window in zip(shape.k, shape.v, shape.windowed, strict=True)
    )


def state_bytes(shape: Shape, n_snapshots: int) -> tuple[int, ...]:
    """Bytes of the recurrent state by layer, with as many copies as llama.cpp keeps."""
    copies = 1 + (n_snapshots if shape.rolls_back else 0)
    return tuple(n_bytes * copies for n_bytes in shape.state)


def compute_bytes(
    shape: Shape,
    n_ctx: int,
    n_batch: int,
    *,
    n_rows: int,
    n_snapshots: int = 0,
    flash: bool,
) -> int:
    """About what llama.cpp reserves for the graph of a whole batch: its largest stage.

    Fitted to dry runs of llama, qwen3, qwen3moe, gemma3 and qwen35 shapes on a CPU: within a few
    percent where the scores of attention or dense layers lead, within a fifth for experts.
    """
    token = 4 * n_batch
    embd, q, ff = token * shape.n_embd, token * shape.n_q, token * shape.n_ff
    kv = token * (max(shape.k) + max(shape.v))
    scores = 0 if flash else token * n_ctx * shape.n_head
    attention = 3 * embd + (3 if shape.window or shape.is_recurrent else 2) * q + kv + scores
    feed_forward = 3 * ff + (4 if ff > embd else 1) * embd
    if shape.n_expert:
        expert = token * shape.n_expert_used * shape.n_ff_expert
        feed_forward = max(3 * expert + 5 * embd, (2 * shape.n_expert_used + 1) * embd + expert)
    state = 0
    if shape.is_recurrent:
        inner, key = token * shape.d_inner, token * shape.d_key
        state = 3 * embd + 4 * inner + key + 2 * q + kv + max(state_bytes(shape, n_snapshots))
    logits = 4 * min(n_batch, n_rows) * (shape.n_vocab + shape.n_embd) + embd
    mask = mask_bytes(shape, n_ctx, n_batch, flash=flash)
    return max(mask + max(attention, feed_forward, state), logits)


def mask_bytes(shape: Shape, n_ctx: int, n_batch: int, *, flash: bool) -> int:
    """The masks of attention: one for all tokens, another for those in a window."""
    kinds = {window for k, window in zip(shape.k, shape.windowed, strict=True) if k}
    return len(kinds) * n_ctx * n_batch * (2 if flash else 4)
