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

    @property
    def n_ctx(self) -> int:
        return self.context.n_ctx

    def keep(self, prompt: Sequence[int]) -> int:
        """Cut the cache back to the longest prefix it shares with `prompt`; returns its length."""
        self.truncate(common_prefix(self.tokens, prompt))
        return len(self.tokens)

    def truncate(self, n: int) -> None:
        """Keep the first `n` tokens; all are dropped where the model's state cannot be cut back."""
        if n < len(self.tokens):
            self.context.truncate(n)
            del self.tokens[self.context.n_past :]

    def extend(self, tokens: Sequence[int], n_rows: int) -> Logits:
        """Decode `tokens` after the cached ones; returns logits (n_rows, n_vocab), see Context."""
        logits = self.context.decode(tokens, n_rows)
        self.tokens += tokens
        return logits

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
