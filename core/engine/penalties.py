"""Penalties on tokens that the text has lately: repeat, presence and frequency, as llama.cpp's.

`llama_sampler_penalties` and llama-server count the last n tokens of everything, the prompt and
its special tokens included; so does this. It owns a state, the counts, which moves with the text
and with what is drafted, so that a row of logits costs as much as it has penalised tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.llama.context import Ids, Logits
from core.protocol import Sampling

_ROOM = 1024


class Penalties:
    """The last tokens of a text, and what they do to the logits of the next one."""

    def __init__(self, sampling: Sampling) -> None:
        self._repeat = np.float32(sampling.repeat_penalty)
        self._presence = np.float32(sampling.presence_penalty)
        self._frequency = np.float32(sampling.frequency_penalty)
        self._last_n = sampling.repeat_last_n
        self._text: Sequence[int] = ()
        self._n_text = 0
        self._tokens: NDArray[np.int64] = np.empty(_ROOM, np.int64)
        self._n = 0
        self._counts: NDArray[np.float32] = np.empty(0, np.float32)
        """How often each token is among the last n."""

    def begin(self, text: Sequence[int]) -> None:
        """What comes next follows `text`, a list that grows at its end; another list is read anew,
        as is one that has become shorter."""
        if text is self._text and len(text) >= self._n_text:
            self.rewind()
            for token in text[self._n_text :]:
                self.push(token)
        else:
            self._read(text)
        self._text, self._n_text = text, len(text)

    def push(self, token: int) -> None:
        """`token` follows, accepted or on trial."""
        if self._n == len(self._tokens):
            self._tokens = np.resize(self._tokens, 2 * self._n)
        self._tokens[self._n] = token
        self._n += 1
        self._count(token, 1)
        if self._n > self._last_n:
            self._count(int(self._tokens[self._n - 1 - self._last_n]), -1)

    def rewind(self) -> None:
        """Take back what was pushed since `begin`."""
        while self._n > self._n_text:
            self._n -= 1
            self._count(int(self._tokens[self._n]), -1)
            if self._n >= self._last_n:
                self._count(int(self._tokens[self._n - self._last_n]), 1)

    def apply(self, logits: Logits, ids: Ids | None = None) -> None:
        """Penalise a row (n_vocab,) in place, in float32 as llama.cpp computes; or the part of one
        (k,) that belongs to the tokens `ids`.

        The row is llama.cpp's own buffer: it is read once, by who chooses the token, and written
        anew by the next decode. A token that stands twice among the last is written twice, with
        the same value.
        """
        tokens = self._tokens[max(self._n - self._last_n, 0) : self._n]
        if ids is not None:
            at = np.isin(ids, tokens).nonzero()[0]
            logits[at] = self._penalised(logits[at], ids[at])
            return
        if len(self._counts) > len(logits):  # a draft may lack the target's last tokens
            tokens = tokens[tokens < len(logits)]
        logits[tokens] = self._penalised(logits[tokens], tokens)

    def _penalised(self, x: Logits, tokens: NDArray[np.int64] | Ids) -> Logits:
        if self._repeat != 1:
            x = np.where(x > 0, x / self._repeat, x * self._repeat)
        if self._frequency or self._presence:
            x = x - (self._counts[tokens] * self._frequency + self._presence)
        return x

    def _read(self, text: Sequence[int]) -> None:
        self._n = len(text)
        self._tokens = np.empty(self._n + _ROOM, np.int64)
        self._tokens[: self._n] = text
        last = self._tokens[max(self._n - self._last_n, 0) : self._n]
        self._counts = np.bincount(last).astype(np.float32)

    def _count(self, token: int, change: int) -> None:
        if token >= len(self._counts):
            more = np.zeros(token + _ROOM - len(self._counts), np.float32)
            self._counts = np.concatenate([self._counts, more])
        self._counts[token] += change


def penalties(sampling: Sampling) -> Penalties | None:
    """None where the settings change nothing."""
    changes = (sampling.repeat_penalty, sampling.presence_penalty, sampling.frequency_penalty)
    return Penalties(sampling) if sampling.repeat_last_n > 0 and changes != (1, 0, 0) else None
