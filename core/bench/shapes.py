"""The shapes of real models that `bench --synthetic` can write, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.bench.gguf_writer import TensorType
from core.errors import SpecdecError


@dataclass(frozen=True)
class Shape:
    """A llama-type model: everything that the cost of decoding depends on, but the data."""

    n_layer: int
    n_embd: int
    n_ff: int
    n_head: int
    n_head_kv: int
    n_vocab: int
    n_ctx_train: int = 8192
    weights: TensorType = "Q8_0"

    @property
    def n_embd_kv(self) -> int:
        """Rows of the key and of the value projection."""
        return self.n_embd // self.n_head * self.n_head_kv


@dataclass(frozen=True)
class PairShape:
    """A target and its draft; `name` as it is given on the command line."""

    name: str
    target: Shape
    draft: Shape


_LLAMA_1_1B = Shape(22, 2048, 5632, 32, 4, 32000)
PAIRS = {
    pair.name: pair
    for pair in (
        PairShape("tiny", Shape(2, 128, 256, 4, 2, 4096), Shape(1, 128, 128, 4, 2, 4096)),
        PairShape("1.1b-50m", _LLAMA_1_1B, Shape(6, 512, 1408, 8, 2, 32000)),
        PairShape("1.1b-110m", _LLAMA_1_1B, Shape(10, 768, 2048, 12, 4, 32000)),
        # Llama 3.1 8B and Llama 3.2 1B. The latter's output matrix is its embedding matrix; here
        # it has its own, which takes memory but no time: the same rows are read for a token.
        PairShape(
            "8b-1b",
            Shape(32, 4096, 14336, 32, 8, 128256),
            Shape(16, 2048, 8192, 32, 8, 128256),
        ),
    )
}


def pair_shape(name: str) -> PairShape:
    """The pair of this name; with `-f16` behind it, in F16 instead of Q8_0. Raises SpecdecError
    (kind `settings`) where there is none."""
    base = name.lower().removesuffix("-f16")
    pair = PAIRS.get(base)
    if pair is None:
        known = ", ".join(PAIRS)
        raise SpecdecError(
            f"There is no synthetic shape of that name; choose one of {known}, each also with -f16 "
            "behind it.",
            kind="settings",
        )
    if base == name.lower():
        return pair
    target, draft = replace(pair.target, weights="F16"), replace(pair.draft, weights="F16")
    return PairShape(f"{base}-f16", target, draft)
