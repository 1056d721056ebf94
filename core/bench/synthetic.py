"""Models of a real shape whose text, and how often a draft is right about it, are dialled.

The next token is a fixed permutation of the last. The embedding of token t is a random code c_t of
±1, and the output row of its successor is the same code, so the successor has the largest logit by
far; the layers have their real size and add noise about a thousandth as large, which takes time and
changes nothing. The draft has codes of its own and another successor for a chosen share of tokens.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count, islice, product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.bench.gguf_writer import MetaValue, Tensor, TensorType, file_size, write_gguf
from core.bench.shapes import PairShape, Shape, pair_shape
from core.errors import SpecdecError

Ids = NDArray[np.int64]
Acceptance = tuple[float, float]
"""Chance that the draft is right about the next token: in the easy and in the hard region."""

REGIONS = ("easy", "hard", "turning")
ENTRIES = 3
"""Places in each region at which a text can begin: as many prompts a kind."""
SPAN = 100
"""Tokens of an easy or hard stretch of turning text; the dialled share holds in each stretch."""
SHAPE_KEY = "specdec.synthetic"
"""Metadata key that marks a synthetic model; its value is the name of the shape."""

_SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
# A prompt ends where its last message does: the marker at the end chooses the region.
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "{% endfor %}"
)
_LOGIT = 40.0  # of the successor; all others are about zero
_TILE_BLOCKS = 32749  # a prime: no two rows of a matrix begin alike
_CHUNK_BYTES = 8 * 2**20
_INT8_STD = 73.3  # of integers spread evenly from -127 to 127
_BRANCH = 0.03  # scale of what enters a layer, so that what leaves it is small


@dataclass(frozen=True)
class Pair:
    """The files of a synthetic pair."""

    target: Path
    draft: Path


def marker(region: str, entry: int) -> str:
    """The token that, at the end of a prompt, starts text of a region; `entry` from 0."""
    return f"<|{region} {entry + 1}|>"


def write_pair(
    folder: Path, shape: str, acceptance: Acceptance = (0.8, 0.5), seed: int = 0
) -> Pair:
    """Write `target.gguf` and `draft.gguf` of a named shape into `folder`.

    Raises SpecdecError where the shape is unknown, an acceptance is not from 0 to 1, or the disk
    has no room; OSError where it refuses.
    """
    pair = pair_shape(shape)
    if not all(0 <= share <= 1 for share in acceptance):
        raise SpecdecError("An acceptance is a share from 0 to 1, such as 0.8.", kind="settings")
    rng = np.random.default_rng(seed)
    cycles = _cycles(pair.target.n_vocab)
    target_next = _successors(pair.target.n_vocab, cycles)
    draft_next = _disturbed(target_next, cycles, acceptance, rng)
    models = [
        ("target", pair.target, _tensors(pair.target, target_next, seed + 1)),
        ("draft", pair.draft, _tensors(pair.draft, draft_next, seed + 2)),
    ]
    needed = sum(file_size(tensors) for _, _, tensors in models)
    _require_room(folder, needed, pair)
    for role, model, tensors in models:
        metadata = _metadata(f"{pair.name} {role}", model, pair.name)
        write_gguf(folder / f"{role}.gguf", metadata, tensors)
    return Pair(folder / "target.gguf", folder / "draft.gguf")


def _require_room(folder: Path, needed: int, pair: PairShape) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed * 1.02:
        raise SpecdecError(
            f"The pair {pair.name} takes {needed / 2**30:.1f} GiB and {folder} has "
            f"{free / 2**30:.1f} GiB left; point TMPDIR to a folder with more room.",
            kind="file",
        )


# ------------------------------------------------------------------ the text


def _cycles(n_vocab: int) -> list[tuple[str, Ids]]:
    """The cycles in which text runs, each with its region; a cycle begins with its marker.

    Bytes end the first cycle, so that any prompt leads into text. The specials lead to themselves:
    no text reaches them.
    """
    starts = [(region, entry) for region in REGIONS for entry in range(ENTRIES)]
    first = 256 + len(_SPECIALS)
    parts = np.array_split(np.arange(first + len(starts), n_vocab), len(starts))
    cycles = [
        (region, np.concatenate([[first + i], parts[i]])) for i, (region, _) in enumerate(starts)
    ]
    region, ids = cycles[0]
    cycles[0] = (region, np.concatenate([ids, np.arange(256)]))
    return cycles


def _successors(n_vocab: int, cycles: list[tuple[str, Ids]]) -> Ids:
    """What follows each token (n_vocab,), a permutation."""
    following = np.arange(n_vocab)
    for _, ids in cycles:
        following[ids] = np.roll(ids, -1)
    return following


def _disturbed(
    following: Ids, cycles: list[tuple[str, Ids]], acceptance: Acceptance, rng: np.random.Generator
) -> Ids:
    """The draft's permutation: the successors of a share of tokens, exact in every stretch of SPAN
    tokens, are exchanged among these tokens."""
    wrong: list[int] = []
    for region, ids in cycles:
        for i, start in enumerate(range(0, len(ids), SPAN)):
            hard = region == "hard" or (region == "turning" and i % 2 == 1)
            stretch = ids[start : start + SPAN]
            n_wrong = round(len(stretch) * (1 - acceptance[hard]))
            wrong += rng.choice(stretch, n_wrong, replace=False).tolist()
    disturbed = following.copy()
    order = rng.permutation(np.array(wrong, np.int64))
    disturbed[order] = following[np.roll(order, 1)]
    return disturbed


# ------------------------------------------------------------------ the header


def _metadata(name: str, shape: Shape, pair_name: str) -> dict[str, MetaValue]:
    texts, types = _vocabulary(shape.n_vocab)
    return {
        "general.architecture": "llama",
        "general.name": name,
        "general.type": "model",
        "general.file_type": {"F32": 0, "F16": 1, "Q8_0": 7}[shape.weights],
        SHAPE_KEY: pair_name,
        "llama.vocab_size": shape.n_vocab,
        "llama.context_length": shape.n_ctx_train,
        "llama.embedding_length": shape.n_embd,
        "llama.block_count": shape.n_layer,
        "llama.feed_forward_length": shape.n_ff,
        "llama.attention.head_count": shape.n_head,
        "llama.attention.head_count_kv": shape.n_head_kv,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": shape.n_embd // shape.n_head,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": texts,
        "tokenizer.ggml.token_type": types,
        "tokenizer.ggml.merges": ["\u0120 b"],
        "tokenizer.ggml.bos_token_id": 256,
        "tokenizer.ggml.eos_token_id": 256 + _SPECIALS.index("<|im_end|>"),
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": _TEMPLATE,
    }


def _vocabulary(n_vocab: int) -> tuple[list[str], list[int]]:
    """Texts and types: bytes, specials, markers, then made-up words with a space before them."""
    normal, control, user_defined = 1, 3, 4
    markers = [marker(region, entry) for region in REGIONS for entry in range(ENTRIES)]
    special = [
        *((text, control) for text in _SPECIALS),
        *((text, user_defined) for text in markers),
    ]
    base = [(text, normal) for text in _byte_characters()] + special
    words = [("\u0120" + word, normal) for word in islice(_words(), n_vocab - len(base))]
    texts, types = zip(*base, *words, strict=True)
    return list(texts), list(types)


def _byte_characters() -> list[str]:
    """GPT-2's printable stand-in for each of the 256 bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = {byte: 256 + i for i, byte in enumerate(b for b in range(256) if b not in printable)}
    return [chr(hidden.get(byte, byte)) for byte in range(256)]


def _words() -> Iterator[str]:
    """`b` (the tokenizer's one merge needs it), then endless words of two syllables and more."""
    yield "b"
    syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    for length in count(2):
        yield from map("".join, product(syllables, repeat=length))


# ------------------------------------------------------------------ the weights


def _tensors(shape: Shape, following: Ids, seed: int) -> list[Tensor]:
    """All tensors of a model in which `following[t]` follows token t."""
    n, ff, kv, vocab = shape.n_embd, shape.n_ff, shape.n_embd_kv, shape.n_vocab
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, (vocab, n // 8), np.uint8)  # a bit a weight
    preceding = np.argsort(following)
    signs = partial(_signs, codes, type=shape.weights)
    tensors = [
        Tensor(
            "token_embd.weight", (vocab, n), shape.weights, partial(signs, np.arange(vocab), 1.0)
        ),
        _constant("output_norm.weight", n, 1.0),
        Tensor("output.weight", (vocab, n), shape.weights, partial(signs, preceding, _LOGIT / n)),
    ]
    noise = _Noise(rng, shape.weights)
    for i in range(shape.n_layer):
        b = f"blk.{i}."
        tensors += [
            _constant(b + "attn_norm.weight", n, _BRANCH),
            noise.matrix(b + "attn_q.weight", n, n),
            noise.matrix(b + "attn_k.weight", kv, n),
            noise.matrix(b + "attn_v.weight", kv, n),
            noise.matrix(b + "attn_output.weight", n, n, gain=_BRANCH),
            _constant(b + "ffn_norm.weight", n, _BRANCH),
            noise.matrix(b + "ffn_gate.weight", ff, n),
            noise.matrix(b + "ffn_up.weight", ff, n),
            noise.matrix(b + "ffn_down.weight", n, ff),
        ]
    return tensors


def _constant(name: str, n: int, value: float) -> Tensor:
    return Tensor(name, (n,), "F32", lambda: [np.full(n, value, "<f4").tobytes()])


def _signs(codes: NDArray[np.uint8], rows: Ids, scale: float, type: TensorType) -> Iterator[bytes]:
    """The codes of `rows` as weights ±scale, encoded."""
    n = codes.shape[1] * 8
    step = max(1, _CHUNK_BYTES // n)
    for start in range(0, len(rows), step):
        bits = np.unpackbits(codes[rows[start : start + step]], axis=1)
        signs = bits.view(np.int8) * np.int8(2) - np.int8(1)
        if type == "F16":
            yield (signs * np.float16(scale)).astype("<f2").tobytes()
        else:
            yield _q8_0(signs * np.int8(127), scale / 127)


def _q8_0(quants: NDArray[np.int8], scale: float) -> bytes:
    """Blocks of 32 weights: a half-precision scale and 32 signed bytes."""
    blocks = np.empty(quants.size // 32, [("d", "<f2"), ("qs", "i1", 32)])
    blocks["d"], blocks["qs"] = scale, quants.reshape(-1, 32)
    return blocks.tobytes()


class _Noise:
    """Random matrices at the speed of the disk: one tile of random weights over and over."""

    def __init__(self, rng: np.random.Generator, type: TensorType) -> None:
        self._type = type
        self._quants = rng.integers(-127, 128, _TILE_BLOCKS * 32, np.int8)
        self._tiles: dict[float, bytes] = {}

    def matrix(self, name: str, rows: int, columns: int, gain: float = 1.0) -> Tensor:
        """Weights with a standard deviation of gain / √columns."""
        scale = gain / (np.sqrt(columns) * _INT8_STD)
        tensor = Tensor(name, (rows, columns), self._type, lambda: ())
        chunks = partial(self._chunks, float(scale), tensor.n_bytes)
        return Tensor(name, (rows, columns), self._type, chunks)

    def _chunks(self, scale: float, n_bytes: int) -> Iterator[bytes]:
        if scale not in self._tiles:
            self._tiles[scale] = (
                (self._quants * np.float32(scale)).astype("<f2").tobytes()
                if self._type == "F16"
                else _q8_0(self._quants, scale)
            )
        tile = self._tiles[scale]
        for start in range(0, n_bytes, len(tile)):
            yield tile[: n_bytes - start]
