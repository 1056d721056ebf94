"""How tokens are chosen in a reply, on both sides: what the draft proposes, what the target keeps.

At temperature 0 both take the largest logit. Above it there are three ways, all lossless:

- `argmax`: the draft proposes its likeliest token, the target draws its own and compares;
- `coupled`: the draft draws with the noise that the target will draw with, the target compares;
- `rejection`: the draft draws with noise of its own, the target accepts by rejection sampling.

With the first two every token of the reply is the target's own draw, so a seed gives the same reply
with any draft. The third keeps more tokens than the second always, and than the first mostly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.engine.sampling import Distribution, distribution, draw, new_seed, uniform
from core.engine.verify import agreement, exact_match, overlap, rejection
from core.llama.context import Logits
from core.protocol import Sampling, VerifyMode

Way = Literal["argmax", "coupled", "rejection"]
_MEMORY = 0.95
_MEASURE_EVERY = 4
_DRAFT_SALT, _UNIFORM_SALT = 0x5D1F, 0xA77E


@dataclass(slots=True)
class WayRecord:
    """How many tokens each way would have kept of late, for one drafter."""

    kept: dict[Way, float] = field(
        default_factory=lambda: {"argmax": 0.0, "coupled": 0.0, "rejection": 0.0}
    )
    seen: float = 0.0

    def record(self, p: Distribution, q: Distribution) -> None:
        """The target's and the draft's distribution at the same place."""
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
        self._n_rounds = 0
        self._measures = False
        self._q: list[Distribution] = []

    def begin_round(self, drafter: str, position: int) -> None:
        """The next token to come is the one at `position` of the text."""
        self._position = position
        if self.sampling.temperature > 0:
            self._q = []
            self._n_rounds += 1
            self._record = self._records.setdefault(drafter, WayRecord())
            self._way = self._record.best(self._mode)
            self._measures = self._n_rounds % _MEASURE_EVERY == 1

    def pick(self, logits: Logits) -> tuple[int, float]:
        """The draft's next proposal from a row of its logits (n_vocab,), and its probability."""
        if self.sampling.temperature == 0 or (self._way == "argmax" and not self._measures):
            return likeliest(logits)
        q = distribution(logits, self.sampling)
        position = self._position + len(self._q)
        self._q.append(q)
        if self._way == "argmax":
            return int(q.tokens[0]), float(q.p[0])
        salt = _DRAFT_SALT if self._way == "rejection" else 0
        token = draw(q, self._seed ^ salt, position)
        return token, q.of(token)

    def verify(self, drafted: Sequence[int], logits: Logits) -> list[int]:
        """The tokens of the round, given the target's logits (len(drafted) + 1, n_vocab)."""
        if self.sampling.temperature == 0:
            likeliest_of: list[int] = logits.argmax(axis=1).tolist()
            return exact_match(drafted, likeliest_of.__getitem__)

        p = [distribution(logits[0], self.sampling)]

        def p_at(i: int) -> Distribution:
            if i == len(p):
                p.append(distribution(logits[i], self.sampling))
            return p[i]

        def draw_at(i: int, which: Distribution) -> int:
            return draw(which, self._seed, self._position + i)

        if self._way == "rejection" and self._q:
            salted = self._seed ^ _UNIFORM_SALT
            new = rejection(
                drafted, self._q, p_at, lambda i: uniform(salted, self._position + i), draw_at
            )
        else:
            new = exact_match(drafted, lambda i: draw_at(i, p_at(i)))
        if self._q and self._measures:
            self._record.record(p[0], self._q[0])
        return new


def likeliest(logits: Logits) -> tuple[int, float]:
    """The argmax of one row of logits (n_vocab,) and its softmax probability."""
    token = int(logits.argmax())
    return token, 1.0 / float(np.exp(logits - logits[token]).sum())
