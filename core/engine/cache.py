"""A KV cache and the tokens that are in it, so that what a new prompt shares with it is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.llama.context import Context, Logits


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """How many leading tokens `a` and `b` share."""
    n = min(len(a), len(b))
    if a[:n] == b[:n]:
        return n
    return next(i for i in range(n) if a[i] != b[i])


class TokenCache:
    """The KV cache of one context together with its tokens: `tokens[i]` sits at position i."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.tokens: list[int] = []
        self._n_prompt = -1

    @property
    def n_ctx(self) -> int:
        return self.context.n_ctx

    def keep(self, prompt: Sequence[int]) -> int:
        """Cut the cache back to the longest prefix it shares with `prompt`; returns its length,
        which is less where a recurrent state cannot go back there.

        Once the whole prompt is in, its end is a point to come back to, for another reply to it.
        """
        del self.tokens[self.context.n_past :]  # a batch that failed may have emptied it
        self.cut(common_prefix(self.tokens, prompt))
        self._n_prompt = len(prompt)
        self._mark_prompt()
        return len(self.tokens)

    def cut(self, n: int) -> list[int]:
        """Keep the first `n` tokens at most; returns those of them that were lost all the same,
        because a recurrent state could only go back to before them."""
        if n >= len(self.tokens):
            return []
        self.context.truncate(n)
        n_past = self.context.n_past
        lost = self.tokens[n_past:n]
        del self.tokens[n_past:]
        return lost

    def truncate(self, n: int) -> None:
        """Keep the first `n` tokens. What `cut` loses is decoded again."""
        self.prefill(self.cut(n))

    def checkpoint(self) -> None:
        """What follows may be taken back: see `Context.checkpoint`."""
        self.context.checkpoint()

    def extend(self, tokens: Sequence[int], n_rows: int) -> Logits:
        """Decode `tokens` after the cached ones; returns logits (n_rows, n_vocab), see Context."""
        logits = self.context.decode(tokens, n_rows)
        self.tokens += tokens
        self._mark_prompt()
        return logits

    def extend_on_trial(self, tokens: Sequence[int]) -> Logits:
        """Decode `tokens`, all but the first of which may be taken back, in one batch; returns
        logits for all."""
        if len(tokens) - 1 > self.context.n_snapshots:
            self.context.checkpoint()
        return self.extend(tokens, len(tokens))

    def prefill(
        self, tokens: Sequence[int], go_on: Callable[[int], bool] = lambda _done: True
    ) -> bool:
        """Decode a long run of tokens in chunks, for the cache's sake only.

        `go_on(done)` is asked between chunks with the tokens decoded so far; False stops, and False
        is returned; what was decoded stays.
        """
        step = self.context.n_batch
        for start in range(0, len(tokens), step):
            if start and not go_on(start):
                return False
            self.extend(tokens[start : start + step], 0)
        return True

    def _mark_prompt(self) -> None:
        if len(self.tokens) == self._n_prompt:
            self.context.checkpoint(lasting=True)
