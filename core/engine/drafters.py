"""Who proposes tokens: a draft model, prompt lookup, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.engine.cache import TokenCache, common_prefix
from core.engine.suffixes import SuffixAutomaton
from core.llama.context import Ids, Logits
from core.protocol import DrafterKind

MAX_DRAFT = 64
"""The longest draft that any drafter proposes."""
ENDLESS = 2**63
"""The context of a drafter that has none to fill."""
STAND_IN = 0
"""The token that a draft reads where the text has one that it lacks."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Tokens proposed to follow, and how sure the drafter is of each, from 0 to 1 (None: it does
    not say): a draft model's own probability, a lookup's measure of its match."""

    tokens: list[int] = field(default_factory=list)
    p: list[float | None] = field(default_factory=list)


NOTHING = Proposal()
GoOn = Callable[[Sequence[float | None]], bool]
Pick = Callable[[Logits, Ids | None], tuple[int, float]]
"""Chooses a token from a row of logits (n_vocab,), or from the largest of it (k,) with the tokens
that they belong to; returns it with its probability."""


class Drafter(Protocol):
    """Proposes what follows a text. `tokens` grows between calls of one reply; a drafter keeps
    whatever it can from call to call and finds out by itself what was accepted."""

    kind: DrafterKind
    name: str
    n_max: int
    """The longest proposal it can make."""

    @property
    def n_ctx(self) -> int:
        """The longest text that it knows what to propose after, its proposal included."""
        ...

    def begin(self, tokens: list[int], go_on: Callable[[int], bool]) -> bool:
        """Get ready for a reply to `tokens`. False where `go_on` stopped it."""
        ...

    def foresee(self, tokens: list[int], n: int) -> Proposal | None:
        """What `propose` would give for `tokens`, where it is known at no cost; None where it takes
        work to know."""
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
    n_ctx = ENDLESS

    def begin(self, tokens: list[int], go_on: Callable[[int], bool]) -> bool:  # noqa: ARG002
        return True

    def foresee(self, tokens: list[int], n: int) -> Proposal:  # noqa: ARG002
        return NOTHING

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
        self,
        name: str,
        cache: TokenCache,
        n_vocab_target: int,
        n_max: int,
        close: Callable[[], None],
    ) -> None:
        self._is_eog = cache.context.model.is_eog
        self.name = name
        self.n_max = min(n_max, cache.context.n_rollback)
        self._cache = cache
        # Of two vocabularies that fit, either may go on longer: what the target lacks is never
        # proposed, and what the draft lacks it reads as something else.
        n_vocab = cache.context.model.n_vocab
        self._n_vocab = min(n_vocab_target, n_vocab)
        self._lacks_tokens = n_vocab < n_vocab_target
        self._close = close
        self._agreed = 0

    @property
    def cache(self) -> TokenCache:
        """The draft's own cache; whoever empties it may do so between two replies."""
        return self._cache

    @property
    def n_ctx(self) -> int:
        return self._cache.n_ctx

    def begin(self, tokens: list[int], go_on: Callable[[int], bool]) -> bool:
        """Bring the draft's cache up to all but the last of `tokens`, keeping a shared prefix."""
        text = self._readable(tokens[:-1])
        self._agreed = self._cache.keep(text)
        missing = text[self._agreed :]
        if len(tokens) > self._cache.n_ctx:
            return True  # too long for this draft: `propose` will say nothing
        return self._cache.prefill(missing, go_on)

    def foresee(self, tokens: list[int], n: int) -> Proposal | None:  # noqa: ARG002
        return None

    def propose(self, tokens: list[int], n: int, pick: Pick, go_on: GoOn | None = None) -> Proposal:
        n = min(n, self.n_max, self._cache.n_ctx - len(tokens))
        if n <= 0:
            return NOTHING
        batch = self._catch_up(tokens)
        proposed: list[int] = []
        p: list[float | None] = []
        while True:
            token, p_token = self._next(batch, pick)
            proposed.append(token)
            p.append(p_token)
            ends = len(proposed) == n or self._is_eog(token)
            if (go_on and not go_on(p)) or ends:
                return Proposal(proposed, p)
            if len(proposed) == 1:
                self._cache.checkpoint()  # up to here the text is certain
            batch = [token]

    def close(self) -> None:
        self._close()

    def _readable(self, tokens: list[int]) -> list[int]:
        """The text as the draft can read it: llama.cpp refuses a batch with a token that the model
        does not have."""
        if not self._lacks_tokens:
            return tokens
        return [token if token < self._n_vocab else STAND_IN for token in tokens]

    def _next(self, batch: list[int], pick: Pick) -> tuple[int, float]:
        """Decode `batch` and choose what follows it."""
        logits = self._cache.extend(batch, 1)
        if not self._cache.context.top_k:
            return pick(logits[0, : self._n_vocab], None)
        ids, top = self._cache.context.top()
        known = ids < self._n_vocab
        return pick(top[known], ids[known])

    def _catch_up(self, tokens: list[int]) -> list[int]:
        """Drop rejected proposals from the cache; returns the tokens that it lacks, at least one.

        Everything before `_agreed` is known to be equal, so a round costs no more than its length.
        """
        cache, agreed = self._cache, min(self._agreed, len(self._cache.tokens))
        agreed += common_prefix(cache.tokens[agreed:], self._readable(tokens[agreed:]))
        cache.cut(min(agreed, len(tokens) - 1))
        missing = self._readable(tokens[len(cache.tokens) :])
        if len(missing) > cache.context.n_batch:
            cache.prefill(missing[:-1])
            missing = missing[-1:]
        self._agreed = len(tokens)
        return missing


class PromptLookupDrafter:
    """Proposes what followed where the end of the text stood before, the longest match first.

    Costs nothing and wins on text that repeats. After Saxena, "Prompt Lookup Decoding" (2023). Its
    confidence grows with the length of the match; what it is worth, the governor learns.
    """

    kind: DrafterKind = "lookup"
    name = "prompt lookup"
    n_max = MAX_DRAFT
    n_ctx = ENDLESS
    min_match = 2

    def __init__(self) -> None:
        self._text = SuffixAutomaton()
        self._tokens: list[int] = []

    def begin(self, tokens: list[int], go_on: Callable[[int], bool]) -> bool:  # noqa: ARG002
        n_read = self._text.n_tokens
        if tokens[:n_read] != self._tokens[:n_read]:  # another text, or an earlier message changed
            self._text = SuffixAutomaton()
        self._tokens = tokens
        self._read(tokens)
        return True

    def foresee(self, tokens: list[int], n: int) -> Proposal:
        self._read(tokens)
        match, follows = self._text.match, self._text.follows
        if match < self.min_match or n <= 0:
            return NOTHING
        # where the match reaches the end of the text, its period goes on
        period = len(tokens) - follows
        found = [tokens[follows + i % period] for i in range(n)]
        return Proposal(found, [match / (match + 2)] * n)

    def propose(
        self,
        tokens: list[int],
        n: int,
        pick: Pick,  # noqa: ARG002 - it knows tokens, no logits
        go_on: GoOn | None = None,  # noqa: ARG002 - a lookup costs the same whatever its length
    ) -> Proposal:
        return self.foresee(tokens, n)

    def close(self) -> None:
        return None

    def _read(self, tokens: list[int]) -> None:
        for token in tokens[self._text.n_tokens :]:
            self._text.append(token)
