"""How many tokens to propose next, or none: the speed of the target alone is the floor.

The governor knows what batches cost on this machine and what the target kept of late, and lets the
arithmetic in `policy` decide. Where a draft loses it pauses, says so, and probes again now and
then, seldomer the longer drafting loses.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import TYPE_CHECKING, Literal

from core.engine.acceptance import Acceptance
from core.engine.costs import CostCurve
from core.engine.policy import Policy, Prices, make_policy

if TYPE_CHECKING:
    from core.engine.decode import Round

AUTO_MAX = 16
"""The longest draft that `auto` considers; costs are measured up to one more."""
MARGIN = 1.01
"""A draft must promise to be so much faster than none: measurements are no better than that."""
PROBE_SHARES = (0.04, 0.005)
"""Share of the time that probes may take while paused: at first, and after long losing."""
PROBE_LENGTH = 4
PRIORS = {"model": 0.85, "lookup": 0.5}
"""Acceptance expected of a drafter that has no record yet. A lookup may be wrong for ever, and is
judged for nothing while it is paused."""
WORTH_MEASURING = 0.6
"""A draft that is kept so often is not paused on the word of a calibration alone: its cost is
measured in a few real rounds first."""
ARITHMETIC_SHARE = 0.01
"""Share of the time that the governor's own arithmetic may take."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Predicted tokens per second: of no draft, of what was chosen, of the best other length."""

    at_zero: float
    at_chosen: float
    other_len: int
    at_other: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What the governor decided for a round; `reason` is fit for the stats bar.

    `go_on(p)` is asked after each drafted token, with the draft's probabilities so far, whether to
    draft another; `keep(p)` in the end how many of the tokens to verify.
    """

    n_draft: int
    """The most tokens to draft."""
    reason: str = ""
    paused: bool = False
    forecast: Forecast | None = None
    expected: int | None = None
    """The length that is expected to be best, where it is left to `go_on`."""
    go_on: Callable[[Sequence[float | None]], bool] | None = None
    keep: Callable[[Sequence[float | None]], int] | None = None


class Governor:
    """Chooses the draft length of each round: a fixed one, or (`auto`) its own choice."""

    def __init__(self, draft_len: int | Literal["auto"], costs: CostCurve | None = None) -> None:
        self.draft_len = draft_len
        self.costs = costs or CostCurve()
        self._records: dict[str, Acceptance] = {}
        self._step_s: dict[str, deque[float]] = {}
        self._overhead_s: deque[float] = deque(maxlen=15)
        self._policy: tuple[str, Policy] | None = None
        self._forecasts: tuple[Forecast | None, Forecast | None] = (None, None)
        """Of pausing and of drafting, under the policy in force."""
        self._policy_s = self._since_policy_s = 0.0
        self._unjudged: list[tuple[int, int, float | None]] = []
        self._probe_was_right = False
        self._paused_rounds = 0
        self._probe_share = PROBE_SHARES[0]

    def begin_reply(self) -> None:
        """A new text begins: what was paused may be tried again soon."""
        self._unjudged = []
        self._probe_share = PROBE_SHARES[0]

    def price_draft(self, drafter: str, seconds_per_step: float) -> None:
        """What a draft step of this drafter costs, before any was taken in a reply."""
        self._step_s.setdefault(drafter, deque(maxlen=9)).append(seconds_per_step)

    def plan(
        self, *, drafter: str, kind: str, n_max: int, depth: int, baseline_known: bool
    ) -> Plan:
        """The draft length of the next round, at most `n_max`, at `depth` tokens of context."""
        if kind == "none":
            return Plan(0, "no draft")
        if self.draft_len == 0:
            return Plan(0, "draft length is 0")
        if n_max <= 0:
            return Plan(0, "no room for a draft")
        if not baseline_known:
            return Plan(0, "measuring the target alone")
        if self.draft_len != "auto":
            return Plan(min(self.draft_len, n_max), "fixed length")
        if drafter not in self._records:
            self._records[drafter] = Acceptance(AUTO_MAX, PRIORS[kind])
        return self._choose(drafter, min(n_max, AUTO_MAX), depth)

    def record(self, round_: Round, *, depth: int, wall_s: float) -> None:
        """Learn from a round at `depth` tokens of context that took `wall_s` seconds in all."""
        self.costs.record(round_.n_verified + 1, depth, round_.verify_s)
        self._since_policy_s += wall_s
        self._overhead_s.append(max(wall_s - round_.draft_s - round_.verify_s, 0.0))
        proposal = round_.proposal
        if proposal.tokens:
            self.price_draft(round_.drafter, round_.draft_s / len(proposal.tokens))
            self._unjudged = list(zip(count(), proposal.tokens, proposal.p, strict=False))
        record = self._record_of(round_.drafter)
        for token in round_.tokens:  # also judges what was drafted but not verified
            if not self._unjudged:
                break
            position, proposed, p = self._unjudged.pop(0)
            record.record(position, p, token == proposed)
            self._probe_was_right = token == proposed
            if token != proposed:
                self._unjudged = []

    # -------------------------------------------------------------- auto

    def _choose(self, drafter: str, n_max: int, depth: int) -> Plan:
        policy = self._current_policy(drafter, depth)
        at_zero = policy.rates[0]
        if policy.rate > at_zero * MARGIN:
            self._paused_rounds, self._probe_share = 0, PROBE_SHARES[0]
            return self._draft(drafter, policy, n_max)
        best = policy.best_draft
        if (
            self._record_of(drafter).mean >= WORTH_MEASURING
            and best <= n_max
            and not self.costs.confirmed(best + 1, depth)
        ):
            return Plan(best, f"measuring a draft of {best}", forecast=self._forecasts[0])
        self._paused_rounds += 1
        reason = f"paused: would run at {policy.rates[best] / at_zero:.2f}×"
        probe = PROBE_LENGTH if self._probe_is_due(policy) else 0
        return Plan(
            n_draft=min(n_max, probe),
            reason=reason,
            paused=True,
            forecast=self._forecasts[0],
            keep=lambda _p: 0,
        )

    def _probe_is_due(self, policy: Policy) -> bool:
        """Whether to draft a few tokens without verifying them: what the target then says by
        itself judges them, so a probe costs draft steps alone. They may take a share of the time
        that shrinks the longer drafting loses. A probe that is right so far goes on at once."""
        cost = PROBE_LENGTH * policy.prices.t_draft
        right_so_far = self._probe_was_right and not self._unjudged
        if right_so_far or self._paused_rounds * policy.prices.v[1] * self._probe_share >= cost:
            self._paused_rounds = 0
            self._probe_share = max(self._probe_share / 2, PROBE_SHARES[1])
            return True
        return False

    def _draft(self, drafter: str, policy: Policy, n_max: int) -> Plan:
        record = self._record_of(drafter)
        joint = 1.0

        def go_on(p: Sequence[float | None]) -> bool:
            nonlocal joint
            if len(p) == 1 and p[0] is not None:
                record.record_first(p[0])
            joint *= record.given(p[-1])
            return joint > policy.go_on[len(p)]

        def keep(p: Sequence[float | None]) -> int:
            return policy.worth_verifying([record.given(confidence) for confidence in p])

        length = max(policy.best_fixed, 1)
        return Plan(
            n_draft=n_max,
            reason=f"drafting about {length}",
            forecast=self._forecasts[1],
            expected=length,
            go_on=go_on,
            keep=keep,
        )

    def _current_policy(self, drafter: str, depth: int) -> Policy:
        """The policy in force; made anew when it is worth it: what is learned changes slowly, and
        a tiny model's rounds are shorter than the arithmetic."""
        due = self._since_policy_s > self._policy_s / ARITHMETIC_SHARE
        if self._policy is None or self._policy[0] != drafter or due:
            started = time.perf_counter()
            policy = self._make_policy(drafter, depth)
            self._policy = (drafter, policy)
            self._forecasts = (_forecast(policy, 0), _forecast(policy, policy.best_draft))
            self._policy_s = time.perf_counter() - started
            self._since_policy_s = 0.0
        return self._policy[1]

    def _make_policy(self, drafter: str, depth: int) -> Policy:
        record = self._record_of(drafter)
        steps = self._step_s.get(drafter)
        prices = Prices(
            v=self.costs.table(AUTO_MAX + 1, depth),
            t_draft=median(steps) if steps else 0.0,
            h=median(self._overhead_s) if self._overhead_s else 0.0,
        )
        chances = [record.at(k) for k in range(AUTO_MAX)]
        return make_policy(prices, chances, record.first_proposals())

    def _record_of(self, drafter: str) -> Acceptance:
        if drafter not in self._records:
            self._records[drafter] = Acceptance(AUTO_MAX)
        return self._records[drafter]


def _forecast(policy: Policy, chosen: int) -> Forecast:
    others = [n for n in range(len(policy.rates)) if n != chosen]
    other = max(others, key=policy.rates.__getitem__)
    at_chosen = policy.rate if chosen else policy.rates[0]
    return Forecast(policy.rates[0], at_chosen, other, policy.rates[other])
