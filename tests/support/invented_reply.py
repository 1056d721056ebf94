"""A reply as the engine would tell it, round by round: every way in which a token can come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle

from core.protocol import Forecast, ReplyStats, Round, TokenInfo, TokenPiece

QUESTION = "What is the factorial of a number, and how do I compute it in Python?"
REPLY = '''<think>
The user wants a definition and code. Keep it short.
</think>

The **factorial** of `n` is the product of all whole numbers from 1 to `n`:

1. `0! = 1`, by definition
2. `n! = n × (n − 1)!`
   - so `5! = 120`

```python
def factorial(n: int) -> int:
    """The product of 1 to n."""
    return 1 if n < 2 else n * factorial(n - 1)  # recursion
```

| n | n! |
|---|---|
| 3 | 6 |
| 10 | 3,628,800 |

> For large numbers use `math.factorial`.
'''
GUESSES = (" a", " sum", "\n\n", " the", "`x", " =", " and", ":")
"""What the draft proposes where it is wrong; beside the reply's own pieces in the vocabulary."""
END, END_NAME = 2, "<|im_end|>"
KEPT = (5, 5, 3, 5, 1, 4, 5, 2, 5, 5, 0, 5)
"""Of five proposals each, round by round."""
DECODE_TOK_S, BASELINE_TOK_S = 142.0, 61.5


class Told:
    """Cuts a text into tokens and tells rounds of it; `drafter` is who proposes."""

    def __init__(self, id: str, text: str, drafter: str = "draft-0.5b") -> None:
        self.id, self._drafter = id, drafter
        self._pieces = re.findall(r" ?\w{1,5}|\n+|[^\w\n]", text)
        self._ids = {piece: 100 + n for n, piece in enumerate((*GUESSES, *self._pieces))}
        self._named: set[int] = set()
        self._kept = [0] * 5
        self._stats = ReplyStats(n_prompt=41, n_prefilled=40, ttft_s=0.21, prefill_tok_s=310.0)
        self._guesses = cycle(GUESSES)

    def rounds(self, paused: bool = False) -> Iterator[Round]:
        """All rounds of the reply; a few of them drafted by prompt lookup, `paused` ones by
        nobody."""
        at, kept = 0, cycle((0,) if paused else KEPT)
        while at < len(self._pieces):
            n_drafted = 0 if paused else 5
            n = min(next(kept), len(self._pieces) - at)
            own = self._pieces[at + n] if at + n < len(self._pieces) else END_NAME
            yield self._round(self._pieces[at : at + n], own, n_drafted)
            at += n + 1

    def _round(self, accepted: list[str], own: str, n_drafted: int) -> Round:
        self._count(len(accepted), n_drafted)
        lookup = n_drafted and self._stats.n_rounds % 7 == 3
        rejected = [next(self._guesses) for _ in range(n_drafted - len(accepted))]
        origin = "target" if not n_drafted else "corrected" if rejected else "bonus"
        at_chosen, at_other = (142.0, 131.0) if n_drafted else (61.0, 55.5)
        ids = [self._id(piece) for piece in accepted]
        tokens = [
            TokenInfo(id=id, origin="accepted", p_draft=None if lookup else 0.97 - 0.06 * n)
            for n, id in enumerate(ids)
        ]
        tokens.append(TokenInfo(id=self._id(own), origin=origin))
        return Round(
            id=self.id,
            text="".join(accepted) + ("" if own == END_NAME else own),
            tokens=tokens,
            rejected=[self._id(piece) for piece in rejected],
            rejected_p=[] if lookup else [0.41 / (n + 1) for n in range(len(rejected))],
            pieces=self._unnamed([*accepted, own, *rejected]),
            n_drafted=n_drafted,
            n_accepted=len(accepted),
            drafter=("prompt lookup" if lookup else self._drafter) if n_drafted else "none",
            drafter_kind=("lookup" if lookup else "model") if n_drafted else "none",
            draft_s=0.004,
            verify_s=0.0166,
            n_ctx_used=41 + self._stats.n_tokens,
            paused=not n_drafted,
            reason="drafting ~5" if n_drafted else "paused: would run at 0.91×",
            forecast=Forecast(at_zero=61.0, at_chosen=at_chosen, other_len=8, at_other=at_other),
            stats=self._stats,
        )

    def _id(self, piece: str) -> int:
        return END if piece == END_NAME else self._ids[piece]

    def _unnamed(self, pieces: list[str]) -> list[TokenPiece]:
        new = {self._id(piece): piece for piece in pieces if self._id(piece) not in self._named}
        self._named |= set(new)
        return [
            TokenPiece(id=END, piece=END_NAME, control=True)
            if id == END
            else TokenPiece(id=id, piece=piece.encode().decode("latin-1"))
            for id, piece in new.items()
        ]

    def _count(self, n_accepted: int, n_drafted: int) -> None:
        """The totals with one round more; the rate grows a little while the reply does."""
        stats = self._stats
        n_rounds = stats.n_rounds + 1
        drafted, accepted = stats.n_drafted + n_drafted, stats.n_accepted + n_accepted
        for place in range(n_accepted):
            self._kept[place] += 1
        n_compared = stats.n_compared + n_accepted + 1 if stats.n_rounds else 0
        rate = DECODE_TOK_S - 60.0 / n_rounds if n_drafted else BASELINE_TOK_S - 1
        self._stats = replace(
            stats,
            n_tokens=stats.n_tokens + n_accepted + 1,
            n_rounds=n_rounds,
            n_drafted=drafted,
            n_accepted=accepted,
            acceptance_rate=accepted / drafted if drafted else None,
            accepted_per_position=[n / n_rounds for n in self._kept] if drafted else [],
            tokens_per_round=(stats.n_tokens + n_accepted + 1) / n_rounds,
            decode_tok_s=rate,
            baseline_tok_s=BASELINE_TOK_S,
            n_compared=n_compared,
            alone_s=n_compared / BASELINE_TOK_S,
            speedup=rate / BASELINE_TOK_S,
            draft_len=n_drafted,
            drafter="model" if n_drafted else "none",
        )
