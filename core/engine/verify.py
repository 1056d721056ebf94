"""Who accepts: pure functions that compare what was drafted with what the target says.

Rejection sampling (Leviathan et al. 2023, Chen et al. 2023) has its place here beside exact match.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence


def exact_match(drafted: Sequence[int], choose: Callable[[int], int]) -> list[int]:
    """Tokens of a round: the drafted ones that the target chose too, then one of the target's own.

    `choose(i)` is the target's token after the i-th drafted one (0: before any of them), asked for
    in order and never beyond the first that differs. So every token is drawn from the target's own
    distribution, and at temperature 0 the result is the target's greedy text.
    """
    tokens = []
    for i, proposed in enumerate(drafted):
        token = choose(i)
        tokens.append(token)
        if token != proposed:
            return tokens
    tokens.append(choose(len(drafted)))
    return tokens
