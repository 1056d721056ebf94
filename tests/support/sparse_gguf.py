"""Makers of GGUF files of real shapes whose weights are a hole: gigabytes to look at, kilobytes on
disk. For what reads headers and for llama.cpp's dry runs; there is nothing in them to decode with.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from core.models.quantisation import TENSOR_TYPES

Meta = str | bool | int | float | list[int] | list[bool] | list[str]

_TYPE_IDS = {name: (number, *sizes) for number, (name, *sizes) in TENSOR_TYPES.items()}
_ALIGNMENT = 32


@dataclass(frozen=True)
class SparseModel:
    """A model by its numbers. `quant` is the type of the matrices; norms and the like are F32."""

    arch: str = "llama"
    n_layer: int = 22
    n_embd: int = 2048
    n_ff: int = 5632
    n_head: int = 32
    n_head_kv: int = 4
    head_size: int = 64
    n_vocab: int = 32000
    n_ctx_train: int = 8192
    quant: str = "Q4_K"
    tied: bool = False
    n_expert: int = 0
    n_expert_used: int = 0
    n_ff_expert: int = 0
    window: int = 0
    state_size: int = 128
    n_state_heads: int = 16
    n_value_heads: int = 32
    every: int = 4
    """Of a hybrid: every so-manieth layer has attention."""
    metadata: Mapping[str, Meta] = field(default_factory=dict)


LLAMA_1B = SparseModel()
QWEN3_8B = SparseModel("qwen3", 36, 4096, 12288, 32, 8, 128, 151936, 40960)
QWEN3_06B = SparseModel("qwen3", 28, 1024, 3072, 16, 8, 128, 151936, 40960, quant="Q8_0", tied=True)
QWEN3_30B_A3B = SparseModel(
    *("qwen3moe", 48, 2048, 6144, 32, 4, 128, 151936, 40960),
    n_expert=128,
    n_expert_used=8,
    n_ff_expert=768,
)
GEMMA3_4B = SparseModel(
    *("gemma3", 34, 2560, 10240, 8, 4, 256, 262144, 131072), tied=True, window=1024
)
QWEN35_4B = SparseModel("qwen35", 32, 2560, 9216, 16, 4, 256, 248320, 262144, tied=True)


def write_sparse(path: Path, model: SparseModel, *, parts: int = 1) -> Path:
    """Write the model, in so many files named as llama.cpp names parts; the path of the first.

    It has no token texts, which llama.cpp allows, unless `metadata` brings them.
    """
    tensors = _tensors(model)
    size = -(-len(tensors) // parts)
    first = path
    for no in range(parts):
        here = path
        metadata: dict[str, Meta] = {}
        if parts > 1:
            here = path.with_name(f"{path.stem}-{no + 1:05}-of-{parts:05}.gguf")
            metadata = {"split.no": no, "split.count": parts, "split.tensors.count": len(tensors)}
        if no == 0:
            first, metadata = here, _metadata(model) | metadata
        else:
            metadata = {"general.architecture": model.arch} | metadata
        _write(here, metadata, tensors[no * size : (no + 1) * size])
    return first


def write_header(path: Path, metadata: Mapping[str, Meta]) -> Path:
    """Write a header without tensors."""
    _write(path, metadata, [])
    return path


def _metadata(model: SparseModel) -> dict[str, Meta]:
    arch = model.arch
    keys: dict[str, Meta] = {
        "general.architecture": arch,
        "general.name": f"{arch} sparse",
        "tokenizer.ggml.model": "none",
        f"{arch}.vocab_size": model.n_vocab,
        f"{arch}.context_length": model.n_ctx_train,
        f"{arch}.embedding_length": model.n_embd,
        f"{arch}.block_count": model.n_layer,
        f"{arch}.feed_forward_length": model.n_ff,
        f"{arch}.attention.head_count": model.n_head,
        f"{arch}.attention.head_count_kv": model.n_head_kv,
        f"{arch}.attention.key_length": model.head_size,
        f"{arch}.attention.value_length": model.head_size,
        f"{arch}.attention.layer_norm_rms_epsilon": 1e-6,
        f"{arch}.rope.dimension_count": model.head_size,
    }
    if model.window:
        keys[f"{arch}.attention.sliding_window"] = model.window
    if model.n_expert:
        keys[f"{arch}.expert_count"] = model.n_expert
        keys[f"{arch}.expert_used_count"] = model.n_expert_used
        keys[f"{arch}.expert_feed_forward_length"] = model.n_ff_expert
    if arch == "qwen35":
        keys |= {
            f"{arch}.rope.dimension_sections": [11, 11, 10, 0],
            f"{arch}.ssm.conv_kernel": 4,
            f"{arch}.ssm.state_size": model.state_size,
            f"{arch}.ssm.group_count": model.n_state_heads,
            f"{arch}.ssm.time_step_rank": model.n_value_heads,
            f"{arch}.ssm.inner_size": model.n_value_heads * model.state_size,
            f"{arch}.full_attention_interval": model.every,
        }
    return keys | dict(model.metadata)


# ------------------------------------------------------------------ the tensors

_Tensor = tuple[str, tuple[int, ...], str]
"""Name, dimensions as ggml has them (innermost first), type."""


def _tensors(model: SparseModel) -> list[_Tensor]:
    n, quant = model.n_embd, model.quant
    tensors: list[_Tensor] = [
        ("token_embd.weight", (n, model.n_vocab), quant),
        ("output_norm.weight", (n,), "F32"),
    ]
    if not model.tied:
        tensors.append(("output.weight", (n, model.n_vocab), "Q6_K" if quant != "F16" else quant))
    for i in range(model.n_layer):
        recurrent = model.arch == "qwen35" and (i + 1) % model.every
        layer = _linear_attention(model) if recurrent else _attention(model)
        tensors += [(f"blk.{i}.{name}", dims, kind) for name, dims, kind in layer + _ffn(model)]
    return tensors


def _attention(model: SparseModel) -> list[_Tensor]:
    n, head, quant = model.n_embd, model.head_size, model.quant
    n_q, n_kv = model.n_head * head, model.n_head_kv * head
    gate = 2 if model.arch == "qwen35" else 1
    tensors: list[_Tensor] = [
        ("attn_norm.weight", (n,), "F32"),
        ("attn_q.weight", (n, n_q * gate), quant),
        ("attn_k.weight", (n, n_kv), quant),
        ("attn_v.weight", (n, n_kv), quant),
        ("attn_output.weight", (n_q, n), quant),
    ]
    if model.arch != "llama":
        tensors += [("attn_q_norm.weight", (head,), "F32"), ("attn_k_norm.weight", (head,), "F32")]
    return tensors


def _linear_attention(model: SparseModel) -> list[_Tensor]:
    n, quant = model.n_embd, model.quant
    key, value = model.state_size * model.n_state_heads, model.state_size * model.n_value_heads
    return [
        ("attn_norm.weight", (n,), "F32"),
        ("attn_qkv.weight", (n, 2 * key + value), quant),
        ("attn_gate.weight", (n, value), quant),
        ("ssm_conv1d.weight", (4, 2 * key + value), "F32"),
        ("ssm_dt.bias", (model.n_value_heads,), "F32"),
        ("ssm_a", (model.n_value_heads,), "F32"),
        ("ssm_beta.weight", (n, model.n_value_heads), quant),
        ("ssm_alpha.weight", (n, model.n_value_heads), quant),
        ("ssm_norm.weight", (model.state_size,), "F32"),
        ("ssm_out.weight", (value, n), quant),
    ]


def _ffn(model: SparseModel) -> list[_Tensor]:
    n, ff, quant = model.n_embd, model.n_ff, model.quant
    norms = {
        "gemma3": ("post_attention_norm", "ffn_norm", "post_ffw_norm"),
        "qwen35": ("post_attention_norm",),
    }.get(model.arch, ("ffn_norm",))
    tensors: list[_Tensor] = [(f"{name}.weight", (n,), "F32") for name in norms]
    if model.n_expert:
        ff, count = model.n_ff_expert, model.n_expert
        return [
            *tensors,
            ("ffn_gate_inp.weight", (n, count), "F32"),
            ("ffn_gate_exps.weight", (n, ff, count), quant),
            ("ffn_up_exps.weight", (n, ff, count), quant),
            ("ffn_down_exps.weight", (ff, n, count), quant),
        ]
    return [
        *tensors,
        ("ffn_gate.weight", (n, ff), quant),
        ("ffn_up.weight", (n, ff), quant),
        ("ffn_down.weight", (ff, n), quant),
    ]


# ------------------------------------------------------------------ the file


def _write(path: Path, metadata: Mapping[str, Meta], tensors: Sequence[_Tensor]) -> None:
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        head += _text(key) + (_SPLIT[key](value) if key in _SPLIT else _value(value))
    offset = 0
    for name, dims, kind in tensors:
        number, block, block_bytes = _TYPE_IDS[kind]
        head += _text(name) + struct.pack(f"<I{len(dims)}Q", len(dims), *dims)
        head += struct.pack("<IQ", number, offset)
        offset = _padded(offset + math.prod(dims) // block * block_bytes)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(_padded(len(head)) + offset)


# llama.cpp insists on these types.
_SPLIT = {
    "split.no": partial(struct.pack, "<IH", 2),
    "split.count": partial(struct.pack, "<IH", 2),
    "split.tensors.count": partial(struct.pack, "<Ii", 5),
}


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: Meta) -> bytes:
    match value:
        case str():
            return struct.pack("<I", 8) + _text(value)
        case bool():
            return struct.pack("<I?", 7, value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
    texts = [text for text in value if isinstance(text, str)]
    if texts:
        return struct.pack("<IIQ", 9, 8, len(texts)) + b"".join(map(_text, texts))
    code, kind = ("?", 7) if value and isinstance(value[0], bool) else ("i", 5)
    return struct.pack(f"<IIQ{len(value)}{code}", 9, kind, len(value), *value)
