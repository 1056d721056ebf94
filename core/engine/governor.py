"""Who proposes next and how many tokens, or none: the speed of the target alone is the floor.

The governor knows what batches cost on this machine and what the target kept of late, and lets the
arithmetic in `policy` decide. A drafter whose proposal is known at no cost goes first wherever that
proposal promises more than the draft model does on average. Where a draft loses the governor
pauses, says so, and probes again now and then, seldomer the longer drafting loses.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING, Literal

from core.engine.acceptance import Acceptance, Verdict
from core.engine.costs import CostCurve
from core.engine.drafters import MAX_DRAFT, Proposal
from core.engine.policy import Policy, Prices, best_draft, make_policy
from core.protocol import DrafterKind, Forecast

if TYPE_CHECKING:
    from core.engine.decode import Round

AUTO_MAX = 16
"""The longest draft that `auto` considers; costs are measured up to one more."""
MARGIN = 1.01
"""A draft must promise to be so much faster than none: measurements are no better than that."""
PROBE_SHARES = (0.04, 0.005)
"""Share of the time that probes may take while paused: at first, and after long losing."""
PROBE_LENGTH = 4
PRIORS: dict[DrafterKind, float] = {"model": 0.85, "lookup": 0.5, "none": 0.0}
"""Acceptance expected of a drafter that has no record yet."""
WORTH_MEASURING = 0.6
"""A draft that is kept so often is not paused on the word of a calibration alone: its cost is
measured in a few real rounds first."""
DOUBT_AFTER = 64
"""Paused for so many rounds by the price of batches alone, it is measured again, then after twice
as many: a machine that others used for a while is not judged by that for good."""
VERDICTS_AT_ONCE = 8
OPTIMISM = 0.97
"""What a batch size that was not met in rounds is taken to cost, over its calibration: one bad
measurement at load must not keep a good length from being tried."""
ARITHMETIC_SHARE = 0.01
"""Share of the time that the governor's own arithmetic may take."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A drafter as the governor sees it before a round. `foreseen`: what it would propose, where
    that is known at no cost."""

    name: str
    kind: DrafterKind
    n_max: int
    """The longest draft that there is room for."""
    foreseen: Proposal | None = None
    n_most: int = MAX_DRAFT
    """The longest one where there is all the room in the world."""
    is_full: bool = False
    """Whether the text is too long for the drafter's own context."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the governor decided for a round; `reason` is fit for the stats bar.

    `go_on(p)` is asked after each drafted token, with the draft's probabilities so far, whether to
    draft another; `keep(p)` in the end how many of the tokens to verify.
    """

    n_draft: int
    """The most tokens to draft."""
    reason: str = ""
    by: int = 0
    """Which of the offers is to propose."""
    paused: bool = False
    forecast: Forecast | None = None
    length: int | None = None
    """The draft length that was chosen; about, where it is left to `go_on`. None where there was
    nothing to choose: no room, no match, or the target alone is measured."""
    go_on: Callable[[Sequence[float | None]], bool] | None = None
    keep: Callable[[Sequence[float | None]], int] | None = None


@dataclass(slots=True)
class _Track:
    """What is known of one drafter."""

    record: Acceptance
    step_s: deque[float] = field(default_factory=lambda: deque(maxlen=9))
    trial: list[tuple[int, int, float | None]] = field(default_factory=list)
    """Proposed and not yet judged: position, token, confidence."""
    verdicts: list[Verdict] = field(default_factory=list)
    """Not yet learned from."""
    was_right: bool = False
    """Whether the last token that was judged was right."""

    def propose(self, proposal: Proposal) -> None:
        """A new trial begins."""
        triples = zip(range(len(proposal.tokens)), proposal.tokens, proposal.p, strict=True)
        self.trial = list(triples)

    def judge(self, tokens: Sequence[int]) -> None:
        """Compare with what the text really went on with, verified or not."""
        n = 0
        for token, (position, proposed, confidence) in zip(tokens, self.trial, strict=False):
            n += 1
            self.was_right = token == proposed
            self.verdicts.append((position, confidence, self.was_right))
            if not self.was_right:
                self.trial = []
                return
        del self.trial[:n]

    def learn(self) -> None:
        """Let the record know of the verdicts since."""
        for start in range(0, len(self.verdicts), VERDICTS_AT_ONCE):
            self.record.record(self.verdicts[start : start + VERDICTS_AT_ONCE])
        self.verdicts.clear()


class Governor:
    """Chooses drafter and draft length of each round: a fixed length, or (`auto`) its own."""

    def __init__(self, draft_len: int | Literal["auto"], costs: CostCurve | None = None) -> None:
        self.draft_len = draft_len
        self.costs = costs or CostCurve()
        self._tracks: dict[str, _Track] = {}
        self._overhead_s: deque[float] = deque(maxlen=15)
        self._policy: tuple[str, Policy] | None = None
        self._forecasts: tuple[Forecast | None, Forecast | None] = (None, None)
        """Of pausing and of drafting, under the policy in force."""
        self._rest: tuple[Policy, Plan] | None = None
        self._shorter: tuple[Policy, int, Policy] | None = None
        self._policy_s = self._since_policy_s = 0.0
        self._paused_rounds = self._in_doubt = 0
        self._doubt_after = DOUBT_AFTER
        self._probe_share = PROBE_SHARES[0]

    def begin_reply(self) -> None:
        """A new text begins: what was paused may be tried again soon."""
        for track in self._tracks.values():
            track.trial = []
        self._probe_share = PROBE_SHARES[0]

    def price_draft(self, drafter: str, seconds_per_step: float) -> None:
        """What a draft step of this drafter costs, before any was taken in a reply."""
        self._track(drafter, "model").step_s.append(seconds_per_step)

    def plan(self, offers: Sequence[Offer], *, depth: int, alone_s: float | None) -> Plan:
        """The next round, at `depth` tokens of context, where a token takes the target alone
        `alone_s` seconds; None: that is to be measured first. The first of the offers is the
        drafter that the user chose; the others are there to help it under `auto`."""
        chosen = offers[0]
        if chosen.kind == "none" or self.draft_len == 0:
            reason = "no draft" if chosen.kind == "none" else "draft length is 0"
            return Plan(0, reason, length=0)
        if chosen.is_full:
            return self._plan_without(offers, depth, alone_s)
        if chosen.n_max <= 0:
            return Plan(0, "no room for a draft")
        if alone_s is None:
            return Plan(0, "measuring the target alone")
        if self.draft_len != "auto":
            length = min(self.draft_len, chosen.n_most)
            return Plan(min(length, chosen.n_max), "fixed length", length=length)
        return self._choose(offers, depth, alone_s)

    def record(
        self, round_: Round, offers: Sequence[Offer] = (), *, depth: int, wall_s: float | None
    ) -> None:
        """Learn from a round at `depth` tokens of context that took `wall_s` seconds in all (None:
        others used the machine, so that its time says nothing), and from what the offers foresaw.
        """
        self._since_policy_s += round_.draft_s + round_.verify_s if wall_s is None else wall_s
        if wall_s is not None:
            self._learn_prices(round_, depth, wall_s)
        for offer in offers:
            if offer.foreseen is not None:
                self._track(offer.name, offer.kind).propose(offer.foreseen)
        if round_.proposal.tokens and round_.kind == "model":
            track = self._track(round_.drafter, round_.kind)
            track.propose(round_.proposal)
            if (confidence := round_.proposal.p[0]) is not None:
                track.record.record_first(confidence)
        for track in self._tracks.values():
            track.judge(round_.tokens)

    def _plan_without(self, offers: Sequence[Offer], depth: int, alone_s: float | None) -> Plan:
        """The same where the chosen drafter's context is full: it is up to those that help it."""
        if self.draft_len == "auto" and offers[1:]:
            plan = self.plan(offers[1:], depth=depth, alone_s=alone_s)
            if plan.n_draft:
                return replace(plan, by=plan.by + 1)
        return Plan(0, "draft's context is full", paused=True, length=0)

    def _learn_prices(self, round_: Round, depth: int, wall_s: float) -> None:
        self.costs.record(round_.n_verified + 1, depth, round_.verify_s)
        self._overhead_s.append(max(wall_s - round_.draft_s - round_.verify_s, 0.0))
        if round_.proposal.tokens and round_.kind == "model":
            step_s = round_.draft_s / len(round_.proposal.tokens)
            self._track(round_.drafter, round_.kind).step_s.append(step_s)

    # -------------------------------------------------------------- auto

    def _choose(self, offers: Sequence[Offer], depth: int, alone_s: float) -> Plan:
        chosen = offers[0]
        policy = self._current_policy(chosen, depth, alone_s)
        rate = policy.rates[0] if chosen.foreseen else policy.rate
        for i, offer in enumerate(offers):
            if offer.foreseen and offer.foreseen.tokens and (n := self._worth(offer, policy, rate)):
                return Plan(n, f"looking up {n}", by=i, forecast=self._forecasts[1], length=n)
        n_max = min(chosen.n_max, AUTO_MAX)
        if chosen.foreseen is not None:
            return self._wait(chosen.foreseen, policy)
        if policy.rate > policy.rates[0] * MARGIN:
            self._paused_rounds, self._probe_share = 0, PROBE_SHARES[0]
            self._in_doubt, self._doubt_after = 0, DOUBT_AFTER
            return self._draft(chosen, policy, n_max)
        best = policy.best_draft
        if self._is_worth_measuring(chosen, policy, depth) and best <= n_max:
            reason = f"measuring a draft of {best}"
            forecast = _forecast(policy, best, policy.rates[best], alone_s)
            return Plan(best, reason, forecast=forecast, length=best)
        return self._pause(chosen, policy, n_max)

    def _is_worth_measuring(self, offer: Offer, policy: Policy, depth: int) -> bool:
        """Whether only the price of batches speaks against a draft, and that price is in doubt: it
        was not met in rounds yet, or so long ago that the machine may be another by now."""
        mean = self._track(offer.name, offer.kind).record.mean
        if mean < WORTH_MEASURING or not policy.could_pay:
            return False
        self._in_doubt += 1
        if self._in_doubt > self._doubt_after:
            self._in_doubt, self._doubt_after = 0, self._doubt_after * 2
            self.costs.forget_batches(depth)
        return not self.costs.confirmed(policy.best_draft + 1, depth)

    def _worth(self, offer: Offer, policy: Policy, rate: float) -> int:
        """How many of the foreseen tokens to verify; 0 where they promise less than `rate`."""
        assert offer.foreseen is not None
        record = self._track(offer.name, offer.kind).record
        chances = record.given(offer.foreseen.p[: min(offer.n_max, AUTO_MAX)])
        if not chances:
            return 0
        n, tokens, seconds = best_draft(policy.prices, chances, rate)
        return n if tokens > rate * seconds * MARGIN else 0

    def _wait(self, foreseen: Proposal, policy: Policy) -> Plan:
        """A lookup is the only drafter and does not pay now. It is judged all the same."""
        if not foreseen.tokens:
            return Plan(0, "nothing to look up")
        return self._paused(policy)

    def _pause(self, offer: Offer, policy: Policy, n_max: int) -> Plan:
        self._paused_rounds += 1
        probe = PROBE_LENGTH if self._probe_is_due(offer, policy) else 0
        plan = self._paused(policy)
        return replace(plan, n_draft=min(n_max, probe)) if probe else plan

    def _paused(self, policy: Policy) -> Plan:
        """Draft nothing and verify nothing; the same plan as long as the policy is the same."""
        if self._rest is None or self._rest[0] is not policy:
            ratio = policy.rates[policy.best_draft] / policy.rates[0]
            plan = Plan(
                n_draft=0,
                reason=f"paused: would run at {ratio:.2f}×",
                paused=True,
                forecast=self._forecasts[0],
                length=0,
                keep=lambda _p: 0,
            )
            self._rest = (policy, plan)
        return self._rest[1]

    def _probe_is_due(self, offer: Offer, policy: Policy) -> bool:
        """Whether to draft a few tokens without verifying them: what the target then says by
        itself judges them, so a probe costs draft steps alone. They may take a share of the time
        that shrinks the longer drafting loses. A probe that is right so far goes on at once, if
        the draft is cheap enough that being right would pay."""
        track = self._track(offer.name, offer.kind)
        cost = PROBE_LENGTH * policy.prices.t_draft
        right_so_far = track.was_right and not track.trial
        saved = self._paused_rounds * policy.prices.v[1] * self._probe_share
        if (right_so_far and policy.can_pay) or saved >= cost:
            self._paused_rounds = 0
            self._probe_share = max(self._probe_share / 2, PROBE_SHARES[1])
            return True
        return False

    def _draft(self, offer: Offer, policy: Policy, n_max: int) -> Plan:
        record = self._track(offer.name, offer.kind).record
        weights, joint = record.now, list[float]()  # the chance that so many are all kept
        length = max(policy.best_fixed, 1)
        if length > n_max:  # near the end: the rate in reach is what there is room for, no more
            policy = self._within(policy, n_max, record)

        def weigh(p: Sequence[float | None]) -> None:
            nonlocal weights
            for position in range(len(joint), len(p)):
                weights = record.survivors(weights, position, p[position])
                joint.append(sum(weights))

        def go_on(p: Sequence[float | None]) -> bool:
            weigh(p)
            return joint[-1] > policy.go_on[len(p)]

        def keep(p: Sequence[float | None]) -> int:
            weigh(p)
            return policy.worth_verifying(joint)

        return Plan(
            n_draft=n_max,
            reason=f"drafting ~{length}",
            forecast=self._forecasts[1],
            length=length,
            go_on=go_on,
            keep=keep,
        )

    def _within(self, policy: Policy, n_max: int, record: Acceptance) -> Policy:
        """The same for drafts of at most `n_max` tokens, made once: a target that cannot take more
        back has no room for the best length in any round."""
        known = self._shorter
        if known is None or known[0] is not policy or known[1] != n_max:
            shorter = make_policy(policy.prices, record.chances(n_max), record.first_proposals())
            known = self._shorter = (policy, n_max, shorter)
        return known[2]

    def _current_policy(self, offer: Offer, depth: int, alone_s: float) -> Policy:
        """The policy in force. What was seen is learned, and the policy made anew, after each round
        where a round takes long enough: a tiny model's are shorter than the arithmetic."""
        due = self._since_policy_s > self._policy_s / ARITHMETIC_SHARE
        if self._policy is None or self._policy[0] != offer.name or due:
            started = time.perf_counter()
            for track in self._tracks.values():
                track.learn()
            policy = self._make_policy(self._track(offer.name, offer.kind), depth)
            self._policy = (offer.name, policy)
            self._forecasts = (
                _forecast(policy, 0, policy.rates[0], alone_s),
                _forecast(policy, policy.best_draft, policy.rate, alone_s),
            )
            self._policy_s = time.perf_counter() - started
            self._since_policy_s = 0.0
        return self._policy[1]

    def _make_policy(self, track: _Track, depth: int) -> Policy:
        prices = Prices(
            v=self.costs.table(AUTO_MAX + 1, depth, OPTIMISM),
            t_draft=median(track.step_s) if track.step_s else 0.0,
            h=median(self._overhead_s) if self._overhead_s else 0.0,
        )
        return make_policy(prices, track.record.chances(AUTO_MAX), track.record.first_proposals())

    def _track(self, name: str, kind: DrafterKind) -> _Track:
        if name not in self._tracks:
            self._tracks[name] = _Track(Acceptance(AUTO_MAX, PRIORS[kind]))
        return self._tracks[name]


def _forecast(policy: Policy, chosen: int, at_chosen: float, alone_s: float) -> Forecast:
    """What a draft makes of the target alone is predicted; how fast that is, was measured."""
    others = [n for n in range(len(policy.rates)) if n != chosen]
    other = max(others, key=policy.rates.__getitem__)
    scale = 1.0 / (alone_s * policy.rates[0])
    rates = (policy.rates[0], at_chosen, policy.rates[other])
    at_zero, at_chosen, at_other = (rate * scale for rate in rates)
    return Forecast(at_zero=at_zero, at_chosen=at_chosen, other_len=other, at_other=at_other)
