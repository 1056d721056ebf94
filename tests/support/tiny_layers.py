"""Weights of a tiny model's layers, by architecture; apart from the files that hold them.

The weights are random, but of a size at which the text depends on all that was said and does not
run in a circle.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tests.support.tiny_gguf import TinyModel

Array = NDArray[np.float32]
Weights = Iterator[tuple[str, Array]]
LFM2_CONVOLUTION = 3
"""Tokens that a short convolution of lfm2 sees."""


def random_weights(model: TinyModel, name: str, shape: tuple[int, ...], std: float = 1.0) -> Array:
    key = zlib.crc32(name.encode())
    weights = np.random.default_rng([model.seed, key]).standard_normal(shape, np.float32)
    if model.noise:
        rng = np.random.default_rng([model.seed, key, model.noise_seed])
        weights += np.float32(model.noise) * rng.standard_normal(shape, np.float32)
        weights /= np.float32(np.sqrt(1 + model.noise**2))
    return weights * np.float32(std)


def _matrix(model: TinyModel, name: str, rows: int, columns: int, gain: float = 1.0) -> Any:
    return name, random_weights(model, name, (rows, columns), gain / np.sqrt(columns))


def _llama_layer(model: TinyModel, i: int) -> Weights:
    prefix = f"blk.{i}."
    n, ff = model.n_embd, model.n_ff
    yield prefix + "attn_norm.weight", np.ones(n, np.float32)
    # Sharp attention (large q and k) makes the text depend on the whole context, not on the last
    # token alone, which would soon run in a circle.
    yield _matrix(model, prefix + "attn_q.weight", n, n, 2.0)
    yield _matrix(model, prefix + "attn_k.weight", n, n, 2.0)
    yield _matrix(model, prefix + "attn_v.weight", n, n, 2.0)
    yield _matrix(model, prefix + "attn_output.weight", n, n)
    yield prefix + "ffn_norm.weight", np.ones(n, np.float32)
    yield _matrix(model, prefix + "ffn_gate.weight", ff, n, 2.0)
    yield _matrix(model, prefix + "ffn_up.weight", ff, n)
    yield _matrix(model, prefix + "ffn_down.weight", n, ff)


def has_attention(model: TinyModel, i: int) -> bool:
    """Whether layer `i` attends: none of mamba's does, every second of lfm2's, the others' all."""
    return model.arch not in ("mamba", "lfm2") or (model.arch == "lfm2" and i % 2 == 1)


def _lfm2_layer(model: TinyModel, i: int) -> Weights:
    prefix, n, head = f"blk.{i}.", model.n_embd, model.n_embd // model.n_head
    for name, weights in _llama_layer(model, i):
        if has_attention(model, i) or not name.startswith(prefix + "attn_") or "norm" in name:
            yield name, weights
    if has_attention(model, i):
        yield prefix + "attn_q_norm.weight", np.full(head, 2.0, np.float32)
        yield prefix + "attn_k_norm.weight", np.full(head, 2.0, np.float32)
        return
    yield _matrix(model, prefix + "shortconv.conv.weight", n, LFM2_CONVOLUTION, 2.0)
    yield _matrix(model, prefix + "shortconv.in_proj.weight", 3 * n, n, 1.5)
    yield _matrix(model, prefix + "shortconv.out_proj.weight", n, n)


def _gemma3_layer(model: TinyModel, i: int) -> Weights:
    prefix = f"blk.{i}."
    yield from _llama_layer(model, i)
    head = model.n_embd // model.n_head
    # gemma3 multiplies the embeddings by sqrt(n_embd); the layers answer in kind.
    loud = np.full(model.n_embd, np.sqrt(model.n_embd), np.float32)
    yield prefix + "post_attention_norm.weight", loud
    yield prefix + "post_ffw_norm.weight", loud
    yield prefix + "attn_q_norm.weight", np.full(head, 2.0, np.float32)
    yield prefix + "attn_k_norm.weight", np.full(head, 2.0, np.float32)


def _mamba_layer(model: TinyModel, i: int) -> Weights:
    prefix = f"blk.{i}."
    n, inner, state, rank = model.n_embd, 2 * model.n_embd, 8, 4
    yield prefix + "attn_norm.weight", np.ones(n, np.float32)
    yield _matrix(model, prefix + "ssm_in.weight", 2 * inner, n)
    yield _matrix(model, prefix + "ssm_conv1d.weight", inner, 4, 2.0)
    yield prefix + "ssm_conv1d.bias", np.zeros(inner, np.float32)
    yield _matrix(model, prefix + "ssm_x.weight", rank + 2 * state, inner, 2.0)
    yield _matrix(model, prefix + "ssm_dt.weight", inner, rank)
    yield prefix + "ssm_dt.bias", np.zeros(inner, np.float32)
    decay = -np.tile(np.linspace(0.05, 1.0, state, dtype=np.float32), (inner, 1))
    yield prefix + "ssm_a", decay
    yield prefix + "ssm_d", np.ones(inner, np.float32)
    yield _matrix(model, prefix + "ssm_out.weight", n, inner, 2.0)


LAYERS: dict[str, Callable[[TinyModel, int], Weights]] = {
    "llama": _llama_layer,
    "gemma3": _gemma3_layer,
    "mamba": _mamba_layer,
    "lfm2": _lfm2_layer,
}
