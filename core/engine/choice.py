"""How tokens are chosen in a reply, on both sides: what the draft proposes, what the target keeps.

At temperature 0 both take the largest logit. Above it there are three ways, all lossless:

- `argmax`: the draft proposes its likeliest token, the target draws its own and compares;
- `coupled`: the draft draws with the noise that the target will draw with, the target compares;
- `rejection`: the draft draws with noise of its own, the target accepts by rejection sampling.

With the first two every token of the reply is the target's own draw, so a seed gives the same reply
with any draft. The third keeps more tokens than the second always, and than the first mostly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.engine.leading import likeliest
from core.engine.noise import new_seed, uniform
from core.engine.penalties import penalties
from core.engine.sampling import Distribution, distribution, draw
from core.engine.verify import agreement, exact_match, overlap, rejection
from core.llama.context import Ids, Logits
from core.protocol import Sampling, VerifyMode

Way = Literal["argmax", "coupled", "rejection"]
_MEMORY = 0.95
_MEASURE_EVERY = 8
_MEASURED = 32
"""So many of the likeliest tokens are compared: the work grows with the square."""
_DRAFT_SALT, _UNIFORM_SALT, _OTHERS_SALT = 0x5D1F, 0xA77E, 0x07E5


@dataclass(slots=True)
class WayRecord:
    """How many tokens each way would have kept of late, for one drafter."""

    kept: dict[Way, float] = field(
        default_factory=lambda: {"argmax": 0.0, "coupled": 0.0, "rejection": 0.0}
    )
    seen: float = 0.0

    def record(self, p: Distribution, q: Distribution) -> None:
        """The target's and the draft's distribution at the same place."""
        p, q = p.first(_MEASURED), q.first(_MEASURED)
        chances: dict[Way, float] = {
            "argmax": p.of(int(q.tokens[0])),
            "coupled": agreement(p, q),
            "rejection": overlap(p, q),
        }
        self.seen = self.seen * _MEMORY + 1
        for way, chance in chances.items():
            self.kept[way] = self.kept[way] * _MEMORY + chance

    def best(self, mode: VerifyMode) -> Way:
        """The way that keeps most among those that `mode` allows."""
        if mode == "rejection":
            return "rejection"
        ways: tuple[Way, ...] = ("coupled", "argmax")
        return max(ways if mode == "exact" else (*ways, "rejection"), key=self.kept.__getitem__)


class Chooser:
    """Chooses the tokens of one reply."""

    def __init__(
        self,
        sampling: Sampling,
        mode: VerifyMode = "exact",
        records: dict[str, WayRecord] | None = None,
    ) -> None:
        """`records` by drafter, learned from and added to. `auto` means `exact` where a seed was
        given: the reply must not depend on how far the draft looked ahead."""
        self.sampling = sampling
        self._mode: VerifyMode = "exact" if mode == "auto" and sampling.seed is not None else mode
        self._seed = new_seed(sampling)
        self._records = {} if records is None else records
        self._record = WayRecord()
        self._way: Way = "coupled"
        self._position = 0
        self.n_forgotten = 0
        """Tokens that the text has lost at its beginning: positions count on all the same."""
        self._n_rounds = 0
        self._measures = False
        self._q: list[Distribution] = []
        self._penalties = penalties(sampling)

    def begin_round(self, drafter: str, text: Sequence[int]) -> None:
        """The next token to come follows `text`, a list that only grows while it is the same."""
        self._position = len(text) + self.n_forgotten
        if self._penalties:
            self._penalties.begin(text)
        if self.sampling.temperature > 0:
            self._q = []
            self._n_rounds += 1
            if drafter not in self._records:
                self._records[drafter] = WayRecord()
            self._record = self._records[drafter]
            self._way = self._record.best(self._mode)
            self._measures = self._n_rounds % _MEASURE_EVERY == 1

    @property
    def must_verify_all(self) -> bool:
        """Whether no proposal of this round may be passed over because of what it is: rejection
        sampling replaces only what it rejects, so a token that was passed over for being unlikely
        would come more seldom than the target has it. (None of the round at all is no choice among
        them.)"""
        return self._way == "rejection" and bool(self._q)

    def pick(self, logits: Logits, ids: Ids | None = None) -> tuple[int, float]:
        """The draft's next proposal from a row of its logits (n_vocab,), or from the largest of it
        (k,) that belong to the tokens `ids`, and its probability.

        Penalties change the row in place."""
        if self._penalties:
            self._penalties.apply(logits, ids)
        token, p = self._pick(logits, ids)
        if self._penalties:
            self._penalties.push(token)
        return token, p

    def verify(self, drafted: Sequence[int], logits: Logits) -> list[int]:
        """The tokens of the round, given the target's logits (len(drafted) + 1, n_vocab), which
        penalties change in place."""
        if self._penalties:
            self._penalties.rewind()

        def row(i: int) -> Logits:
            """What follows the text and `i` drafted tokens; to be asked for once each, in order."""
            if self._penalties:
                if i:
                    self._penalties.push(drafted[i - 1])
                self._penalties.apply(logits[i])
            here: Logits = logits[i]
            return here

        if self.sampling.temperature == 0:
            return exact_match(drafted, lambda i: int(row(i).argmax()))
        p: list[Distribution] = []

        def p_at(i: int) -> Distribution:
            if i == len(p):
                p.append(distribution(row(i), self.sampling))
            return p[i]

        new = self._keep(drafted, p_at)
        if self._q and self._measures:
            self._record.record(p[0], self._q[0])
        return new

    def _pick(self, logits: Logits, ids: Ids | None) -> tuple[int, float]:
        if self.sampling.temperature == 0 or (self._way == "argmax" and not self._measures):
            at, p = likeliest(logits)
            return (at if ids is None else int(ids[at])), p
        q = distribution(logits, self.sampling).alone()
        if ids is not None:
            q = Distribution(ids[q.tokens].astype(np.int64), q.p)
        position = self._position + len(self._q)
        self._q.append(q)
        if self._way == "argmax":
            return int(q.tokens[0]), float(q.p[0])
        salt = _DRAFT_SALT if self._way == "rejection" else 0
        token = draw(q, self._seed ^ salt, position)
        return token, q.of(token)

    def _keep(self, drafted: Sequence[int], p_at: Callable[[int], Distribution]) -> list[int]:
        def draw_at(i: int, which: Distribution) -> int:
            return draw(which, self._seed, self._position + i)

        def uniform_at(i: int) -> float:
            return uniform(self._seed ^ _UNIFORM_SALT, self._position + i)

        def other_at(i: int) -> int | None:
            others, position = p_at(i).others, self._position + i
            if others is None:
                return None
            until = -math.log(uniform(self._seed ^ _OTHERS_SALT, position))
            return others.before(until, self._seed, position)

        if self._way == "rejection" and self._q:
            return rejection(drafted, self._q, p_at, other_at, uniform_at, draw_at)
        return exact_match(drafted, lambda i: draw_at(i, p_at(i)))
