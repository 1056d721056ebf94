"""Packs conversations into rows of tokens for training, with the mask of the assistant's tokens."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from core.demo.corpus import conversations
from core.demo.tokenizer import encode


@dataclass(frozen=True)
class Batch:
    """`tokens` (rows, n + 1) and `own` (rows, n): whether the assistant writes token i + 1."""

    tokens: Tensor
    own: Tensor

    @property
    def inputs(self) -> Tensor:
        """The tokens that are read, (rows, n)."""
        return self.tokens[:, :-1]

    @property
    def targets(self) -> Tensor:
        """The tokens to predict, (rows, n)."""
        return self.tokens[:, 1:]


Piece = tuple[np.ndarray, np.ndarray]


class Packer:
    """An endless source of batches: every row begins with a new conversation and is full."""

    def __init__(self, tokenizer: Tokenizer, seed: int, skip: int = 0) -> None:
        self._tokenizer = tokenizer
        self._talks = islice(conversations(seed), skip, None)
        self._pieces: Iterator[Piece] = self._encoded()

    def _encoded(self) -> Iterator[Piece]:
        while True:
            yield from encode(self._tokenizer, list(islice(self._talks, 256)))

    def _row(self, n: int) -> Piece:
        ids, own, length = [], [], 0
        while length < n:
            piece, mask = next(self._pieces)
            ids.append(piece)
            own.append(mask)
            length += len(piece)
        return np.concatenate(ids)[:n], np.concatenate(own)[:n]

    def batch(self, rows: int, n: int) -> Batch:
        """`rows` rows of `n` predicted tokens."""
        made = [self._row(n + 1) for _ in range(rows)]
        tokens = torch.from_numpy(np.stack([ids for ids, _ in made]).astype(np.int64))
        own = torch.from_numpy(np.stack([mask[1:] for _, mask in made]))
        return Batch(tokens, own)
