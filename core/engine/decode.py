"""The loop: draft, verify, accept; one Round at a time.

Leviathan, Kalman, Matias: "Fast Inference from Transformers via Speculative Decoding" (2023);
Chen et al.: "Accelerating Large Language Model Decoding with Speculative Sampling" (2023).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from core.engine.cache import TokenCache
from core.engine.choice import Chooser
from core.engine.drafters import Drafter, Proposal
from core.engine.governor import Plan
from core.protocol import DrafterKind


@dataclass(frozen=True, slots=True)
class Round:
    """Everything there is to know about one round; statistics, events and tests are made of it."""

    tokens: list[int]
    """What the reply grew by: the accepted proposals, then one token of the target's own (which is
    missing only where an accepted proposal ended the generation)."""
    proposal: Proposal
    """All that was drafted; the first `n_verified` of it were put before the target."""
    n_verified: int
    n_accepted: int
    drafter: str
    kind: DrafterKind
    plan: Plan
    draft_s: float
    verify_s: float

    @property
    def drafted(self) -> list[int]:
        """The proposals that were verified."""
        return self.proposal.tokens[: self.n_verified]


def speculate(
    target: TokenCache,
    drafter: Drafter,
    tokens: list[int],
    plan: Plan,
    chooser: Chooser,
    is_eog: Callable[[int], bool],
) -> Round:
    """One round. `tokens` is the text so far, all but the last of it in the target's cache; it
    grows by what the round yields, and the cache follows."""
    n_past = len(tokens) - 1
    t0 = time.perf_counter()

    # Draft: x₁ … x_γ from the small model.
    chooser.begin_round(drafter.name, tokens)
    proposal = drafter.propose(tokens, plan.n_draft, chooser.pick, plan.go_on)
    drafted = proposal.tokens
    if plan.keep and (plan.paused or not chooser.must_verify_all):
        drafted = drafted[: plan.keep(proposal.p)]
    t1 = time.perf_counter()

    # Verify: γ + 1 distributions of the target in one batch.
    logits = target.extend_on_trial([tokens[-1], *drafted])
    new = chooser.verify(drafted, logits)

    # Accept: keep the prefix on which both agree and the target's next token; forget the rest.
    n_accepted = len(new) - 1  # all but the last were drafted
    new = _until_end(new, is_eog)
    n_accepted = min(n_accepted, len(new))
    target.truncate(n_past + len(new))
    tokens += new
    t2 = time.perf_counter()
    return Round(
        tokens=new,
        proposal=proposal,
        n_verified=len(drafted),
        n_accepted=n_accepted,
        drafter=drafter.name,
        kind=drafter.kind,
        plan=plan,
        draft_s=t1 - t0,
        verify_s=t2 - t1,
    )


def _until_end(new: list[int], is_eog: Callable[[int], bool]) -> list[int]:
    for i, token in enumerate(new):
        if is_eog(token):
            return new[: i + 1]
    return new
