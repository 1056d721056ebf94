"""Makers of tiny GGUF files: chat models with random weights, drafts of them, and broken ones.

A model of a few thousand weights loads in llama.cpp in milliseconds and its greedy text is varied
and the same every time, so the engine is tested on the real library without a download. A
vocabulary of n tokens is the first n tokens of every larger one of the same kind, and the weights
of a tensor depend on the seed and its name only: two models of one seed differ only where their
parameters do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from gguf import GGUFValueType, GGUFWriter, LlamaFileType, TokenType

from tests.support.tiny_layers import (
    LAYERS,
    LFM2_CONVOLUTION,
    Array,
    has_attention,
    random_weights,
)

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
WORDS = """
the and of to a in is that it for was on are as with his they at be this from have or by one had not
but what all were when we there can an your which their said if do will each about how up out them
then she many some so these would other into has more her two like him see time could no make than
first been its who now people my made over did down only way find
""".split()  # noqa: SIM905 - ninety quoted words read worse


@dataclass(frozen=True)
class TinyModel:
    """Everything that a tiny model is made from; equal parameters make equal files.

    `logit_std` is about the standard deviation of the logits of printable tokens: the larger, the
    more certain the model is at a given temperature. `eos_gain` is the EOS token's share of it: 0
    (its logit is then 0, so greedy text never ends by itself) up to 1 (as likely as any token).
    With `raw_bytes`, tokens that are no printable text may be generated like all others.
    """

    vocab_size: int = 512
    n_layer: int = 1
    n_embd: int = 32
    n_head: int = 2
    n_ff: int = 64
    n_ctx_train: int = 512
    seed: int = 0
    logit_std: float = 3.0
    eos_gain: float = 0.0
    raw_bytes: bool = False
    arch: Literal["llama", "mamba", "gemma3", "lfm2"] = "llama"
    tokenizer: Literal["gpt2", "llama"] = "gpt2"
    pre: str = "qwen2"
    add_bos: bool = False
    add_eos: bool = False
    chat_template: str | None = CHATML
    token_overrides: Mapping[int, str] = field(default_factory=dict)
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    weights_type: Literal["F32", "F16"] = "F32"
    name: str = "tiny"
    split_max_tensors: int = 0
    noise: float = 0.0
    noise_seed: int = 1

    @property
    def eos_id(self) -> int:
        """Id of `<|im_end|>`, which ends a turn."""
        return (256 if self.tokenizer == "gpt2" else 259) + SPECIALS.index("<|im_end|>")

    @property
    def bos_id(self) -> int:
        """Id of `<|endoftext|>`, or of `<s>` in a SentencePiece vocabulary."""
        return 256 if self.tokenizer == "gpt2" else 1


def write_tiny_model(path: Path, **parameters: Any) -> TinyModel:
    """Write a loadable chat model and return what it was made from.

    With `split_max_tensors` several files `STEM-0000k-of-0000n.gguf` are written beside `path`
    instead of it.
    """
    model = TinyModel(**parameters)
    _write(path, model, _tensors(model))
    return model


def write_draft_of(path: Path, target: TinyModel, noise: float = 0.05, **changes: Any) -> TinyModel:
    """Write a draft of `target`: its weights with a share of noise, and `changes` to its shape.

    `noise` is the perturbation's standard deviation over the weights' own. Measured share of
    greedy tokens on which the default shape agrees: 0 → 1.00, 0.01 → 0.94, 0.03 → 0.82,
    0.05 → 0.71, 0.1 → 0.50, 0.2 → 0.23, 0.5 → 0.03 (less with more layers or tokens). Fewer
    `n_layer` keeps the first layers; a smaller `vocab_size` keeps the first tokens.
    """
    changed: dict[str, Any] = {"name": f"{target.name}-draft", "noise": noise} | changes
    draft = replace(target, **changed)
    _write(path, draft, _tensors(draft))
    return draft


def write_vocab_only(path: Path, **parameters: Any) -> TinyModel:
    """Write a header with metadata and vocabulary, and no tensors."""
    model = TinyModel(**parameters)
    _write(path, model, iter(()))
    return model


def write_embedding_model(path: Path, arch: str = "bert", **metadata: Any) -> None:
    """Write the header of an embedding model with one small tensor; not loadable."""
    write_gguf(
        path, arch, {f"{arch}.pooling_type": 1, f"{arch}.attention.causal": False} | metadata
    )


def write_gguf(path: Path, arch: str, metadata: Mapping[str, Any], tensors: int = 1) -> None:
    """Write any header with `tensors` tensors of 32 weights: to be classified, not loaded."""
    writer = GGUFWriter(path, arch)
    _add(writer, metadata)
    for i in range(tensors):
        writer.add_tensor(f"t.{i}.weight", np.zeros(32, np.float32))
    _finish(writer)


def truncate_file(path: Path, keep: float) -> int:
    """Cut the file to a share of its size (`keep` up to 1.0) or to so many bytes; the new size."""
    size = int(path.stat().st_size * keep) if isinstance(keep, float) else keep
    with path.open("r+b") as file:
        file.truncate(size)
    return size


# ------------------------------------------------------------------ the file


def _write(path: Path, model: TinyModel, tensors: Iterator[tuple[str, Array]]) -> None:
    writer = GGUFWriter(path, model.arch, split_max_tensors=model.split_max_tensors)
    half = model.weights_type == "F16"
    writer.add_name(model.name)
    writer.add_type("model")
    writer.add_file_type(LlamaFileType.MOSTLY_F16 if half else LlamaFileType.ALL_F32)
    _add_shape(writer, model)
    _add_vocabulary(writer, model)
    _add(writer, model.metadata)
    for name, weights in tensors:
        # llama.cpp wants norms, biases and state-space parameters in F32.
        matrix = weights.ndim == 2 and name.endswith(".weight") and "conv" not in name
        writer.add_tensor(name, weights.astype(np.float16) if half and matrix else weights)
    _finish(writer)


def _add(writer: GGUFWriter, metadata: Mapping[str, Any]) -> None:
    types = {bool: GGUFValueType.BOOL, int: GGUFValueType.UINT32, float: GGUFValueType.FLOAT32}
    for key, value in metadata.items():
        if isinstance(value, list):
            writer.add_array(key, value)
        else:
            # The later of two values under one key wins, which lets `metadata` correct a default.
            for entries in writer.kv_data:
                entries.pop(key, None)
            writer.add_key_value(key, value, types.get(type(value), GGUFValueType.STRING))


def _finish(writer: GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_shape(writer: GGUFWriter, model: TinyModel) -> None:
    writer.add_vocab_size(model.vocab_size)
    writer.add_context_length(model.n_ctx_train)
    writer.add_embedding_length(model.n_embd)
    writer.add_feed_forward_length(0 if model.arch == "mamba" else model.n_ff)
    writer.add_block_count(model.n_layer)
    writer.add_head_count(0 if model.arch == "mamba" else model.n_head)
    writer.add_layer_norm_rms_eps(1e-5)
    if model.arch == "mamba":
        writer.add_ssm_conv_kernel(4)
        writer.add_ssm_inner_size(2 * model.n_embd)
        writer.add_ssm_state_size(8)
        writer.add_ssm_time_step_rank(4)
        return
    if model.arch == "lfm2":
        writer.add_shortconv_l_cache(LFM2_CONVOLUTION)
        heads = [model.n_head * has_attention(model, i) for i in range(model.n_layer)]
        writer.add_head_count_kv(heads)
    else:
        writer.add_head_count_kv(model.n_head)
    writer.add_rope_dimension_count(model.n_embd // model.n_head)
    if model.arch == "gemma3":
        writer.add_key_length(model.n_embd // model.n_head)
        writer.add_value_length(model.n_embd // model.n_head)
        writer.add_sliding_window(32)


# ------------------------------------------------------------------ the vocabulary


def _add_vocabulary(writer: GGUFWriter, model: TinyModel) -> None:
    tokens, types, merges = vocabulary(model.vocab_size, model.tokenizer)
    for index, text in model.token_overrides.items():
        tokens[index] = text
    writer.add_tokenizer_model(model.tokenizer)
    writer.add_tokenizer_pre(model.pre if model.tokenizer == "gpt2" else "default")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if model.tokenizer == "gpt2":
        writer.add_token_merges(merges)
    else:
        writer.add_token_scores([-float(i) for i in range(len(tokens))])
        writer.add_unk_token_id(0)
    writer.add_bos_token_id(model.bos_id)
    writer.add_eos_token_id(model.eos_id)
    writer.add_add_bos_token(model.add_bos)
    writer.add_add_eos_token(model.add_eos)
    if model.chat_template is not None:
        writer.add_chat_template(model.chat_template)


def vocabulary(size: int, tokenizer: str = "gpt2") -> tuple[list[str], list[int], list[str]]:
    """Token texts, token types and merges (none for a SentencePiece vocabulary) of `size` tokens.

    Bytes first, then the special tokens, then words with their merges, then filler: so any text
    can be tokenized from 259 tokens on (262 for SentencePiece).
    """
    if tokenizer == "llama":
        base = [
            ("<unk>", TokenType.UNKNOWN),
            ("<s>", TokenType.CONTROL),
            ("</s>", TokenType.CONTROL),
        ]
        base += [(f"<0x{byte:02X}>", TokenType.BYTE) for byte in range(256)]
        space = "\u2581"
    else:
        base = [(character, TokenType.NORMAL) for character in _byte_characters()]
        space = "\u0120"
    base += [(text, TokenType.CONTROL) for text in SPECIALS]
    if size < len(base):
        raise ValueError(f"a {tokenizer} vocabulary has at least {len(base)} tokens")
    merges = _merges(space)[: size - len(base)]
    if tokenizer == "llama":  # pieces need single characters to grow from
        pieces = [space, *(chr(c) for c in range(33, 127))]
        pieces += [left + right for left, right in _merges(space)]
        base += [(piece, TokenType.NORMAL) for piece in pieces[: size - len(base)]]
        merges = []
    else:
        base += [(left + right, TokenType.NORMAL) for left, right in merges]
    used = {text for text, _ in base}
    for filler in _filler(space):
        if len(base) >= size:
            break
        if filler not in used:
            base.append((filler, TokenType.NORMAL))
    texts, types = zip(*base, strict=True)
    return list(texts), [int(t) for t in types], [f"{left} {right}" for left, right in merges]


@cache
def _byte_characters() -> list[str]:
    """GPT-2's printable stand-in for each of the 256 bytes, in the order of the bytes."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = {byte: 256 + i for i, byte in enumerate(b for b in range(256) if b not in shown)}
    return [chr(hidden.get(byte, byte)) for byte in range(256)]


@cache
def _merges(space: str) -> list[tuple[str, str]]:
    """Pairs that build WORDS letter by letter, each with a space before it."""
    pairs: dict[tuple[str, str], None] = {}
    for word in WORDS:
        left = space
        for letter in word:
            pairs[left, letter] = None
            left += letter
    return list(pairs)


def _filler(space: str) -> Iterator[str]:
    """Endless made-up words: ` baba`, ` babe`, ... from two syllables up."""
    syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    length = 2
    while True:
        for parts in product(syllables, repeat=length):
            yield space + "".join(parts)
        length += 1


# ------------------------------------------------------------------ the weights


def _tensors(model: TinyModel) -> Iterator[tuple[str, Array]]:
    """Tensors by their GGUF names. NumPy shapes are the reverse of ggml's: (rows, columns)."""
    yield (
        "token_embd.weight",
        random_weights(model, "token_embd.weight", (model.vocab_size, model.n_embd)),
    )
    # lfm2's own name for it, kept by llama.cpp
    norm = "token_embd_norm.weight" if model.arch == "lfm2" else "output_norm.weight"
    yield norm, np.ones(model.n_embd, np.float32)
    output = random_weights(model, "output.weight", (model.vocab_size, model.n_embd))
    yield "output.weight", output * _output_gain(model)[:, None]
    for i in range(model.n_layer):
        yield from LAYERS[model.arch](model, i)


def _output_gain(model: TinyModel) -> Array:
    """Scale of each token's output row: the normalised state has length sqrt(n_embd)."""
    tokens, types, _ = vocabulary(model.vocab_size, model.tokenizer)
    gain = np.full(model.vocab_size, model.logit_std / np.sqrt(model.n_embd), np.float32)
    if not model.raw_bytes:
        shown = np.array(
            [
                kind == TokenType.NORMAL
                and (len(text) > 1 or 33 <= ord(text) < 127 or text in "\u0120\u2581")
                for text, kind in zip(tokens, types, strict=True)
            ]
        )
        gain[~shown] = 0
    special = np.array(types) == TokenType.CONTROL
    gain[special] = 0
    gain[model.eos_id] = model.eos_gain * model.logit_std / np.sqrt(model.n_embd)
    return gain
