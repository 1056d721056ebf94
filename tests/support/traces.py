"""Replies made up round by round, for what is counted and drawn of them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from core.protocol import Origin, ReplyStats, Round, TokenInfo, TokenPiece
from tui.trace import Trace, learn

TEXT = "The café's √2 — 日本語 and 👩\u200d💻, naïve\te\u0301t.\n\nSo  it\x1b[31m goes\n"


def round_of(
    accepted: Sequence[int] = (),
    own: int | None = None,
    rejected: Sequence[int] = (),
    p: float | None = 0.9,
    drafter: str = "small",
    stats: ReplyStats | None = None,
) -> Round:
    """A round as the engine would tell it."""
    n_drafted = len(accepted) + len(rejected)
    origin: Origin = "target" if not n_drafted else "corrected" if rejected else "bonus"
    tokens = [TokenInfo(id=id, origin="accepted", p_draft=p) for id in accepted]
    if own is not None:
        tokens.append(TokenInfo(id=own, origin=origin))
    kind = "lookup" if drafter == "prompt lookup" else "model" if n_drafted else "none"
    return Round(
        id="reply-1",
        text="",
        tokens=tokens,
        rejected=list(rejected),
        rejected_p=[] if p is None else [p / 2 for _ in rejected],
        n_drafted=n_drafted,
        n_accepted=len(accepted),
        drafter=drafter if n_drafted else "none",
        drafter_kind=kind,
        draft_s=0.001,
        verify_s=0.002,
        n_ctx_used=1,
        stats=stats or ReplyStats(),
    )


def trace_of(rounds: Sequence[Round], pieces: Sequence[str | bytes]) -> Trace:
    """A trace of these rounds; token n is the n-th piece, a `bytes` one taken as it is."""
    trace = Trace({})
    data = [piece.encode() if isinstance(piece, str) else piece for piece in pieces]
    learn(
        trace.vocabulary,
        [TokenPiece(id=id, piece=each.decode("latin-1")) for id, each in enumerate(data)],
    )
    for round_ in rounds:
        trace.add(round_, round_.drafter)
    return trace


def invented(seed: int, n_rounds: int = 60) -> tuple[Trace, bytes]:
    """A reply of rounds of every sort, of a text cut anywhere, within characters too; and its
    bytes."""
    random = Random(seed)
    data = (TEXT * 40).encode()
    pieces: list[bytes] = []
    rounds: list[Round] = []
    at = 0

    def next_token() -> int:
        nonlocal at
        size = random.choice((1, 1, 2, 3, 5, 8, 40 if random.random() < 0.05 else 4))
        pieces.append(data[at : at + size])
        at += size
        return len(pieces) - 1

    for _ in range(n_rounds):
        accepted = [next_token() for _ in range(random.choice((0, 0, 1, 2, 5)))]
        own = next_token()
        n_rejected = random.choice((0, 1, 3))
        rejected = [random.randrange(len(pieces)) for _ in range(n_rejected)]
        drafter = random.choice(("small", "prompt lookup"))
        rounds.append(round_of(accepted, own, rejected, drafter=drafter))
    return trace_of(rounds, pieces), data[:at]
