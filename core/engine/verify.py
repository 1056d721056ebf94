"""Who accepts: pure functions that compare what was drafted with what the target says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

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
    uniform: Callable[[int], float],
    draw: Callable[[int, Distribution], int],
) -> list[int]:
    """Tokens of a round by rejection sampling (Leviathan et al. 2023, algorithm 1).

    `drafted[i]` was drawn from `q[i]`; `p(i)` is the target's distribution at the same place. It is
    kept with probability min(1, p(x)/q(x)); else a token is drawn from the normalised max(p − q, 0)
    and ends the round. Either way the token is distributed as p. `uniform(i)` must be independent
    of how `drafted[i]` was drawn, and `draw(i, ·)` of both.
    """
    tokens = []
    for i, x in enumerate(drafted):
        target = p(i)
        if uniform(i) * q[i].of(x) < target.of(x):
            tokens.append(x)
            continue
        tokens.append(draw(i, residual(target, q[i])))
        return tokens
    tokens.append(draw(len(drafted), p(len(drafted))))
    return tokens


def residual(p: Distribution, q: Distribution) -> Distribution:
    """The normalised max(p − q, 0). Where p nowhere exceeds q (they are equal up to rounding, and
    nothing would be rejected), p itself."""
    rest = np.maximum(p.p - _on(q, p), 0.0)
    total = rest.sum()
    if total <= 0:
        return p
    kept = rest > 0
    return Distribution(p.tokens[kept], rest[kept] / total)


def overlap(p: Distribution, q: Distribution) -> float:
    """Chance that rejection sampling keeps a token drawn from q: Σ min(p, q)."""
    return float(np.minimum(p.p, _on(q, p)).sum())


def agreement(p: Distribution, q: Distribution) -> float:
    """Chance that p and q draw the same token with the same noise:
    Σⱼ 1 / Σₖ max(pₖ/pⱼ, qₖ/qⱼ) (Daliri, Musco, Suresh 2024)."""
    tokens = np.intersect1d(p.tokens, q.tokens)
    if not len(tokens):
        return 0.0
    every = np.union1d(p.tokens, q.tokens)
    p_every, q_every = _at(p, every), _at(q, every)
    p_both, q_both = _at(p, tokens), _at(q, tokens)
    ratios = np.maximum(p_every / p_both[:, None], q_every / q_both[:, None])
    return float((1.0 / ratios.sum(axis=1)).sum())


def _on(q: Distribution, p: Distribution) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The probabilities of q at the tokens of p, 0 where q lacks one."""
    return _at(q, p.tokens)


def _at(
    which: Distribution, tokens: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    order = which.tokens.argsort()
    found = which.tokens[order].searchsorted(tokens).clip(max=len(order) - 1)
    hit = order[found]
    return np.where(which.tokens[hit] == tokens, which.p[hit], 0.0)
