"""Who accepts: pure functions that compare what was drafted with what the target says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.engine.sampling import Distribution


def exact_match(drafted: Sequence[int], choose: Callable[[int], int]) -> list[int]:
    """Tokens of a round: the drafted ones that the target chose too, then one of the target's own.

    `choose(i)` is the target's token after the i-th drafted one (0: before any of them), asked for
    in order and never beyond the first that differs. So every token is drawn from the target's own
    distribution, however the drafted ones came about, and at temperature 0 the result is the
    target's greedy text.
    """
    tokens = []
    for i, proposed in enumerate(drafted):
        token = choose(i)
        tokens.append(token)
        if token != proposed:
            return tokens
    tokens.append(choose(len(drafted)))
    return tokens


def rejection(
    drafted: Sequence[int],
    q: Sequence[Distribution],
    p: Callable[[int], Distribution],
    other: Callable[[int], int | None],
    uniform: Callable[[int], float],
    draw: Callable[[int, Distribution], int],
) -> list[int]:
    """Tokens of a round by rejection sampling (Leviathan et al. 2023, algorithm 1).

    `drafted[i]` was drawn from `q[i]`; `p(i)` is the target's distribution at the same place. It is
    kept with probability min(1, p(x)/q(x)); else a token is drawn from the normalised max(p − q, 0)
    and ends the round. Either way the token is distributed as p.

    What `p(i)` does not list goes first: `other(i)` is one of its others, with the chance that they
    have together, or None; only then the listed ones are in question, with the probabilities that
    they have among themselves. `other(i)` and `uniform(i)` must be independent of how `drafted[i]`
    was drawn and of each other, and `draw(i, ·)` of all on the tokens that it can draw.
    """
    tokens = []
    for i, x in enumerate(drafted):
        target, token = p(i), other(i)
        if token is None:
            kept = uniform(i) * q[i].of(x) < target.of(x)
            token = x if kept else draw(i, residual(target, q[i]))
        tokens.append(token)
        if token != x:
            return tokens
    tokens.append(draw(len(drafted), p(len(drafted))))
    return tokens


def residual(p: Distribution, q: Distribution) -> Distribution:
    """The normalised max(p − q, 0) of the listed tokens. Where p nowhere exceeds q (they are equal
    up to rounding, and nothing would be rejected), p."""
    rest = np.maximum(p.p - _of(q, p.tokens.tolist()), 0.0)
    total = rest.sum()
    if total <= 0:
        return p.alone()
    kept = rest > 0
    return Distribution(p.tokens[kept], rest[kept] / total)


def overlap(p: Distribution, q: Distribution) -> float:
    """Chance that rejection sampling keeps a token drawn from q: Σ min(p, q)."""
    return float(np.minimum(p.p, _of(q, p.tokens.tolist())).sum())


def agreement(p: Distribution, q: Distribution) -> float:
    """Chance that p and q draw the same token with the same clocks:
    Σⱼ 1 / Σₖ max(pₖ/pⱼ, qₖ/qⱼ) (Daliri, Musco, Suresh 2024)."""
    every = list(dict.fromkeys(p.tokens.tolist() + q.tokens.tolist()))
    p_every, q_every = _of(p, every), _of(q, every)
    both = (p_every > 0) & (q_every > 0)
    ratios = np.maximum(p_every / p_every[both][:, None], q_every / q_every[both][:, None])
    return float((1.0 / ratios.sum(axis=1)).sum())


def _of(which: Distribution, tokens: list[int]) -> NDArray[np.float64]:
    """The probabilities of `tokens`, 0 of one that is not listed."""
    known = dict(zip(which.tokens.tolist(), which.p.tolist(), strict=True))
    return np.array([known.get(token, 0.0) for token in tokens])
