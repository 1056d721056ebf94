"""How each token of a reply came, as the engine's rounds told it. No Textual here.

Kept in arrays: a reply of 10,000 tokens takes about 300 kB, most of it where each is a round.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.protocol import DrafterKind, Origin, ReplyStats, Round, TokenPiece

ORIGINS: tuple[Origin, ...] = ("accepted", "corrected", "bonus", "target")
_CODES = {origin: code for code, origin in enumerate(ORIGINS)}
_ACCEPTED = _CODES["accepted"]
_NO_P = math.nan

Vocabulary = dict[int, bytes | str]
"""What tokens are, by id: the bytes that they add to a text, or the name of a control token."""


def learn(vocabulary: Vocabulary, pieces: Iterable[TokenPiece]) -> None:
    """Take over what the engine says tokens are."""
    for piece in pieces:
        data = piece.piece.encode("latin-1", "replace")
        vocabulary[piece.id] = piece.piece if piece.control else data


@dataclass(frozen=True)
class Proposed:
    """A proposal, and the draft's own probability for it where it says one."""

    id: int
    p: float | None


@dataclass(frozen=True)
class RoundFacts:
    """One round: where its tokens are, what was rejected, and what it took, in seconds."""

    number: int
    first: int
    """Index of its first token in the reply."""
    n_tokens: int
    n_accepted: int
    rejected: tuple[Proposed, ...]
    drafter: str
    kind: DrafterKind
    draft_s: float
    verify_s: float

    @property
    def n_drafted(self) -> int:
        return self.n_accepted + len(self.rejected)


@dataclass
class Counts:
    """Tokens by how they came, counted one by one."""

    accepted: dict[str, int] = field(default_factory=dict)
    """By drafter, in the order in which they first had a token accepted."""
    corrected: int = 0
    bonus: int = 0
    alone: int = 0
    rejected: int = 0
    rounds: int = 0

    @property
    def n_accepted(self) -> int:
        return sum(self.accepted.values())

    @property
    def n_drafted(self) -> int:
        return self.n_accepted + self.rejected

    @property
    def n_tokens(self) -> int:
        return self.n_accepted + self.corrected + self.bonus + self.alone

    def agree(self, stats: ReplyStats) -> bool:
        """Whether the engine's own totals of the reply say the same."""
        engine = (stats.n_tokens, stats.n_accepted, stats.n_drafted, stats.n_rounds)
        return engine == (self.n_tokens, self.n_accepted, self.n_drafted, self.rounds)


class Trace:
    """Grows by rounds; tokens are named by their index in the reply, rounds from 0."""

    def __init__(self, vocabulary: Vocabulary, n_before: int = 0) -> None:
        self.vocabulary = vocabulary
        """Shared by all replies of one target; it goes on growing."""
        self.n_before = n_before
        """Characters of the reply that were there before: it was continued."""
        self.drafters: list[tuple[str, DrafterKind]] = []
        self.counts = Counts()
        self._ids, self._p = array("i"), array("f")
        self._origins = bytearray()
        self._rejected, self._rejected_p = array("i"), array("f")
        # by round: where its tokens and its rejected proposals begin, and what it was
        self._first, self._first_rejected = array("i"), array("i")
        self._drafter = array("H")
        self._draft_s, self._verify_s = array("f"), array("f")

    @property
    def n_tokens(self) -> int:
        return len(self._ids)

    @property
    def n_rounds(self) -> int:
        return len(self._first)

    def add(self, round_: Round, drafter: str) -> None:
        """Append what a round brought; `drafter` is what the screen calls the one who proposed."""
        self._first.append(len(self._ids))
        self._first_rejected.append(len(self._rejected))
        self._drafter.append(self._number_of(drafter, round_.drafter_kind))
        self._draft_s.append(round_.draft_s)
        self._verify_s.append(round_.verify_s)
        for token in round_.tokens:
            self._ids.append(token.id)
            self._p.append(_NO_P if token.p_draft is None else token.p_draft)
            self._origins.append(_CODES[token.origin])
        for place, id in enumerate(round_.rejected):
            p = round_.rejected_p[place] if place < len(round_.rejected_p) else None
            self._rejected.append(id)
            self._rejected_p.append(_NO_P if p is None else p)
        self._count(self.n_rounds - 1)

    def token(self, index: int) -> int:
        return self._ids[index]

    def origin(self, index: int) -> Origin:
        return ORIGINS[self._origins[index]]

    def p(self, index: int) -> float | None:
        """The draft's own probability for the token, where it says one."""
        return _known(self._p[index])

    def round_of(self, index: int) -> int:
        """The round that brought a token."""
        return bisect_right(self._first, index) - 1

    def round(self, number: int) -> RoundFacts:
        first, end = self._first[number], self._end(self._first, number, len(self._ids))
        first_rejected = self._first_rejected[number]
        end_rejected = self._end(self._first_rejected, number, len(self._rejected))
        name, kind = self.drafters[self._drafter[number]]
        return RoundFacts(
            number=number,
            first=first,
            n_tokens=end - first,
            n_accepted=self._origins.count(_ACCEPTED, first, end),
            rejected=tuple(
                Proposed(self._rejected[i], _known(self._rejected_p[i]))
                for i in range(first_rejected, end_rejected)
            ),
            drafter=name,
            kind=kind,
            draft_s=self._draft_s[number],
            verify_s=self._verify_s[number],
        )

    def next_corrected(self, index: int, step: int) -> int | None:
        """The nearest token after (`step` 1) or before (-1) this one that replaced a proposal."""
        code = bytes([_CODES["corrected"]])
        if step > 0:
            found = self._origins.find(code, index + 1)
        else:
            found = self._origins.rfind(code, 0, max(0, index))
        return None if found < 0 else found

    # -------------------------------------------------------------- how it is done

    def _number_of(self, name: str, kind: DrafterKind) -> int:
        if (name, kind) not in self.drafters:
            self.drafters.append((name, kind))
        return self.drafters.index((name, kind))

    def _end(self, starts: array[int], number: int, end: int) -> int:
        return starts[number + 1] if number + 1 < len(starts) else end

    def _count(self, number: int) -> None:
        """Count the tokens of a round by their own origins, not by what the round says of them."""
        first, counts = self._first[number], self.counts
        name = self.drafters[self._drafter[number]][0]
        n_accepted = self._origins.count(_ACCEPTED, first)
        if n_accepted:
            counts.accepted[name] = counts.accepted.get(name, 0) + n_accepted
        counts.corrected += self._origins.count(_CODES["corrected"], first)
        counts.bonus += self._origins.count(_CODES["bonus"], first)
        counts.alone += self._origins.count(_CODES["target"], first)
        counts.rejected += len(self._rejected) - self._first_rejected[number]
        counts.rounds += 1


def _known(p: float) -> float | None:
    return None if math.isnan(p) else p
