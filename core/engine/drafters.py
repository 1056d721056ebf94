"""Who proposes tokens: a draft model, prompt lookup, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.engine.cache import TokenCache, common_prefix
from core.llama.context import Logits
from core.protocol import DrafterKind


@dataclass(frozen=True, slots=True)
class Proposal:
    """Tokens proposed to follow, with the drafter's own probability of each (None: it has none)."""

    tokens: list[int] = field(default_factory=list)
    p: list[float | None] = field(default_factory=list)


NOTHING = Proposal()
GoOn = Callable[[Sequence[float | None]], bool]
Pick = Callable[[Logits], tuple[int, float]]
"""Chooses a token from a row of logits (n_vocab,); returns it with its probability."""


class Drafter(Protocol):
    """Proposes what follows a text. `tokens` grows between calls of one reply; a drafter keeps
    whatever it can from call to call and finds out by itself what was accepted."""

    kind: DrafterKind
    name: str
    n_max: int
    """The longest proposal it can make."""

    def begin(self, tokens: list[int], go_on: Callable[[int], bool]) -> bool:
        """Get ready for a reply to `tokens`. False where `go_on` stopped it."""
        ...

    def propose(self, tokens: list[int], n: int, pick: Pick, go_on: GoOn | None = None) -> Proposal:
        """At most `n` tokens to follow `tokens`, each chosen by `pick`; fewer, or none, where it
        has no idea, or where `go_on` (asked with the probabilities so far) says that the next does
        not pay."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


class NoDrafter:
    """Proposes nothing: the target alone, one token a round."""

    kind: DrafterKind = "none"
    name = "none"
    n_max = 0

    def begin(self, tokens: list[int], go_on: Callable[[int], bool]) -> bool:  # noqa: ARG002
        return True

    def propose(
        self,
        tokens: list[int],  # noqa: ARG002
        n: int,  # noqa: ARG002
        pick: Pick,  # noqa: ARG002
        go_on: GoOn | None = None,  # noqa: ARG002
    ) -> Proposal:
        return NOTHING

    def close(self) -> None:
        return None


class ModelDrafter:
    """A small model that proposes its own likeliest continuation.

    Its cache is kept from round to round: after a rejection it is cut back to what was accepted;
    after a full acceptance it lacks only the last proposal, which joins the next round's first
    batch. So a round costs as many draft calls as it proposes tokens.
    """

    kind: DrafterKind = "model"

    def __init__(
        self, name: str, cache: TokenCache, n_vocab_target: int, close: Callable[[], None]
    ) -> None:
        self._is_eog = cache.context.model.is_eog
        self.name = name
        self.n_max = min(cache.context.max_rows, cache.context.n_rollback)
        self._cache = cache
        # A padded draft vocabulary may be larger: ids the target does not have are never proposed.
        self._n_vocab = min(n_vocab_target, cache.context.model.n_vocab)
        self._close = close
        self._agreed = 0

    @property
    def cache(self) -> TokenCache:
        """The draft's own cache; whoever empties it may do so between two replies."""
        return self._cache

    def begin(self, tokens: list[int], go_on: Callable[[int], bool]) -> bool:
        """Bring the draft's cache up to all but the last of `tokens`, keeping a shared prefix."""
        self._agreed = self._cache.keep(tokens)
        missing = tokens[self._agreed : -1]
        if len(tokens) > self._cache.n_ctx:
            return True  # too long for this draft: `propose` will say nothing
        return self._cache.prefill(missing, go_on)

    def propose(self, tokens: list[int], n: int, pick: Pick, go_on: GoOn | None = None) -> Proposal:
        n = min(n, self.n_max, self._cache.n_ctx - len(tokens))
        if n <= 0:
            return NOTHING
        batch = self._catch_up(tokens)
        proposed: list[int] = []
        p: list[float | None] = []
        while True:
            logits = self._cache.extend(batch, 1)
            token, p_token = pick(logits[0, : self._n_vocab])
            proposed.append(token)
            p.append(p_token)
            ends = len(proposed) == n or self._is_eog(token)
            if (go_on and not go_on(p)) or ends:
                return Proposal(proposed, p)
            batch = [token]

    def close(self) -> None:
        self._close()

    def _catch_up(self, tokens: list[int]) -> list[int]:
        """Drop rejected proposals from the cache; returns the tokens that it lacks, at least one.

        Everything before `_agreed` is known to be equal, so a round costs no more than its length.
        """
        cache, agreed = self._cache, min(self._agreed, len(self._cache.tokens))
        agreed += common_prefix(cache.tokens[agreed:], tokens[agreed:])
        cache.truncate(min(agreed, len(tokens) - 1))
        missing = tokens[len(cache.tokens) :]
        if len(missing) > cache.context.n_batch:
            cache.prefill(missing[:-1])
            missing = missing[-1:]
        self._agreed = len(tokens)
        return missing


class PromptLookupDrafter:
    """Proposes what followed the last time the text ended in the same few tokens.

    Costs nothing and wins on text that repeats. After Saxena, "Prompt Lookup Decoding" (2023).
    The index of n-grams grows with the text: constant time per token.
    """

    kind: DrafterKind = "lookup"
    name = "prompt lookup"
    n_max = 64
    sizes = (4, 3, 2)
    """Lengths of the suffix looked for, longest first."""

    def __init__(self) -> None:
        self._n_indexed = 0
        self._last: dict[tuple[int, ...], int] = {}

    def begin(self, tokens: list[int], go_on: Callable[[int], bool]) -> bool:  # noqa: ARG002
        self._n_indexed = 0
        self._last.clear()
        return True

    def propose(
        self,
        tokens: list[int],
        n: int,
        pick: Pick,  # noqa: ARG002 - it knows tokens, no logits
        go_on: GoOn | None = None,  # noqa: ARG002 - a lookup costs the same whatever its length
    ) -> Proposal:
        self._index(tokens)
        for size in self.sizes:
            follows = self._last.get(tuple(tokens[-size:])) if len(tokens) > size else None
            if follows is not None and n > 0:
                found = tokens[follows : follows + n]
                return Proposal(found, [None] * len(found))
        return NOTHING

    def close(self) -> None:
        return None

    def _index(self, tokens: list[int]) -> None:
        """Note where each n-gram of the text ends, the last one excepted: nothing follows it."""
        for end in range(max(self._n_indexed, 1), len(tokens)):
            for size in self.sizes:
                if end >= size:
                    self._last[tuple(tokens[end - size : end])] = end
        self._n_indexed = len(tokens)
