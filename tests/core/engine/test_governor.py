"""The governor against a simulated machine: costs that were measured, chances that are known.

No clock is read: the seconds are those of the cost table, so every figure here is exact.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.engine.costs import CostCurve
from core.engine.decode import Round
from core.engine.drafters import Proposal
from core.engine.governor import Governor, Offer, Plan

CPU = {1: 28, 2: 60, 3: 68, 4: 72, 5: 107, 6: 113, 8: 96, 12: 120, 16: 152, 17: 160}
GPU = {1: 10, 2: 10.3, 3: 10.5, 4: 10.8, 5: 11, 6: 11.2, 8: 11.5, 9: 14, 12: 15, 16: 16, 17: 17}
ALONE_S = 0.028
MACHINES = {"cpu": (CPU, 1.0), "gpu": (GPU, 1.7), "slow draft": (CPU, 2.8)}
Text = Callable[[int, random.Random], tuple[float, float]]
"""Chance that the draft is right at a position, and the probability it claims."""


def tokens_per_second(
    machine: str,
    text: Text,
    length: int | str,
    n: int = 400,
    seed: int = 0,
    skip: int = 0,
    calibration: dict[int, float] | None = None,
    disturbed: int = 0,
) -> float:
    """Simulate a reply of `n` tokens; tokens per millisecond after the first `skip`, times 1000.
    Until `disturbed` tokens are there, batches take eight times as long."""
    costs, t_draft = MACHINES[machine]
    rng = random.Random(seed)
    facts = [text(i, rng) for i in range(n + 100)]
    right = [rng.random() < chance for chance, _ in facts]
    governor = Governor(length, CostCurve(calibration or costs))
    governor.price_draft("d", t_draft)
    done, clock, at_skip = 0, 0.0, (0, 0.0)
    while done < n:
        plan = governor.plan([Offer("d", "model", 64)], depth=done, alone_s=ALONE_S)
        p: list[float | None] = []
        while len(p) < plan.n_draft:
            p.append(facts[done + len(p)][1])
            if plan.go_on and not plan.go_on(p):
                break
        n_verified = plan.keep(p) if plan.keep else len(p)
        n_accepted = next((i for i in range(n_verified) if not right[done + i]), n_verified)
        proposed = [done + i if right[done + i] else -1 for i in range(len(p))]
        noise = 1 + abs(rng.gauss(0, 0.03))
        round_ = Round(
            tokens=[done + i for i in range(n_accepted + 1)],
            proposal=Proposal(proposed, p),
            n_verified=n_verified,
            n_accepted=n_accepted,
            drafter="d",
            kind="model",
            plan=plan,
            draft_s=len(p) * t_draft,
            verify_s=(8 if n_verified and done < disturbed else 1)
            * float(np.interp(n_verified + 1, list(costs), list(costs.values())))
            * noise,
        )
        seconds = round_.draft_s + round_.verify_s
        governor.record(round_, depth=done, wall_s=seconds)
        clock += seconds
        done += n_accepted + 1
        if done < skip:
            at_skip = (done, clock)
    return 1000 * (done - at_skip[0]) / (clock - at_skip[1])


def mean_speed(machine: str, text: Text, length: int | str, n_seeds: int = 8, **more: Any) -> float:
    speeds = [tokens_per_second(machine, text, length, seed=s, **more) for s in range(n_seeds)]
    return sum(speeds) / len(speeds)


def best_fixed(machine: str, text: Text, n: int = 400) -> float:
    lengths = (0, 1, 2, 3, 4, 5, 7, 8, 11, 15)
    return max(mean_speed(machine, text, length, n_seeds=4, n=n) for length in lengths)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("alpha", [0.3, 0.6, 0.8, 0.95])
def test_auto_comes_near_the_best_fixed_length(machine: str, alpha: float):
    def text(_: int, __: random.Random) -> tuple[float, float]:
        return alpha, 0.9

    assert mean_speed(machine, text, "auto") >= 0.93 * best_fixed(machine, text)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("claim", [0.3, 0.9, 0.999])
def test_a_draft_that_is_never_right_costs_next_to_nothing(machine: str, claim: float):
    def text(_: int, __: random.Random) -> tuple[float, float]:
        return 0.0, claim

    alone = mean_speed(machine, text, 0)
    assert mean_speed(machine, text, "auto", skip=64) >= 0.98 * alone


@pytest.mark.parametrize("machine", MACHINES)
def test_a_text_that_turns_is_followed(machine: str):
    def text(i: int, rng: random.Random) -> tuple[float, float]:
        chance = rng.betavariate(9, 1) if (i // 100) % 2 == 0 else rng.betavariate(1, 3)
        return chance, chance

    assert mean_speed(machine, text, "auto", n=1200) >= best_fixed(machine, text, n=1200)


def test_a_calibration_that_was_disturbed_is_put_right():
    def text(_: int, __: random.Random) -> tuple[float, float]:
        return 0.9, 0.9

    disturbed = {n: ms * (6 if n > 1 else 1) for n, ms in GPU.items()}
    speed = mean_speed("gpu", text, "auto", calibration=disturbed)
    assert speed >= 0.85 * best_fixed("gpu", text)


def test_one_size_that_was_measured_badly_is_tried_all_the_same():
    def text(_: int, __: random.Random) -> tuple[float, float]:
        return 0.85, 0.9

    disturbed = GPU | {4: GPU[4] * 1.15, 5: GPU[5] * 1.15, 6: GPU[6] * 1.15, 8: GPU[8] * 1.15}
    speed = mean_speed("gpu", text, "auto", calibration=disturbed)
    assert speed >= 0.93 * mean_speed("gpu", text, "auto")


@pytest.mark.parametrize("machine", MACHINES)
def test_a_calibration_that_had_no_time_keeps_nothing_untried(machine: str):
    def text(_: int, __: random.Random) -> tuple[float, float]:
        return 0.9, 0.9

    one_token = {1: MACHINES[machine][0][1]}
    speed = mean_speed(machine, text, "auto", calibration=one_token)
    assert speed >= 0.85 * best_fixed(machine, text)


@pytest.mark.parametrize("machine", ["cpu", "slow draft"])
def test_a_machine_that_others_used_for_a_while_is_not_judged_by_that_for_good(machine: str):
    def text(_: int, __: random.Random) -> tuple[float, float]:
        return 0.9, 0.9

    speed = mean_speed(machine, text, "auto", n=1200, skip=400, disturbed=100)
    assert speed >= 0.95 * best_fixed(machine, text)


def round_of(plan: Plan, tokens: list[int], proposal: Proposal, **more: Any) -> Round:
    n_verified = plan.keep(proposal.p) if plan.keep else len(proposal.tokens)
    facts = {"drafter": "d", "kind": "model", "draft_s": 0.0, "verify_s": CPU[1] / 1000} | more
    n_accepted = len(tokens) - 1
    return Round(tokens, proposal, n_verified, n_accepted, plan=plan, **facts)


def test_pausing_is_said_with_what_it_saves():
    governor = two()
    for _ in range(60):
        wrong = round_of(Plan(1), [7], Proposal([8], [0.9]))
        governor.record(wrong, depth=0, wall_s=0.028)
    plan = governor.plan([Offer("d", "model", 9)], depth=0, alone_s=ALONE_S)
    assert plan.paused and plan.length == 0
    assert plan.reason.startswith("paused: would run at 0.")
    assert plan.forecast.at_chosen == plan.forecast.at_zero > plan.forecast.at_other


def test_what_is_predicted_is_a_multiple_of_what_the_target_alone_was_measured_at():
    """Though calibration and rounds have it otherwise: there is one figure for the target alone."""
    governor = two()
    learn(governor, 40, lookup_right=False, model_right=True)
    forecasts = []
    for alone_s in (0.028, 0.056):
        governor._policy = None
        plan = governor.plan([Offer("d", "model", 16)], depth=40, alone_s=alone_s)
        assert plan.forecast.at_zero == pytest.approx(1 / alone_s)
        forecasts.append(plan.forecast)
    ratios = [f.at_chosen / f.at_zero for f in forecasts]
    assert ratios[0] == pytest.approx(ratios[1])
    assert ratios[0] == pytest.approx(governor._policy[1].rate / governor._policy[1].rates[0])


def test_a_round_beside_others_tells_nothing_of_prices_but_of_the_draft():
    governor = two()
    learn(governor, 20, lookup_right=False, model_right=True)
    before = governor.costs.table(17, 0)
    track = governor._track("d", "model")
    steps, mean = list(track.step_s), track.record.mean
    for i in range(20):
        wrong = round_of(Plan(1), [7], Proposal([8], [0.9]), draft_s=0.5, verify_s=2.0)
        governor.record(wrong, depth=i, wall_s=None)
    assert governor.costs.table(17, 0) == before
    assert list(track.step_s) == steps
    governor.plan([Offer("d", "model", 9)], depth=0, alone_s=ALONE_S)
    assert track.record.mean < mean


def test_a_length_that_is_measured_is_forecast_as_that_length():
    """The calibration says that no draft pays, and is not believed yet."""
    dear = {n: ms * (30 if n > 1 else 1) for n, ms in GPU.items()}
    governor = two(dear)
    for i in range(40):
        right = round_of(Plan(0), [1], Proposal([1], [0.9]), verify_s=0.01)
        governor.record(right, depth=i, wall_s=0.01)
    plan = governor.plan([Offer("d", "model", 16)], depth=40, alone_s=ALONE_S)
    assert plan.reason == f"measuring a draft of {plan.n_draft}" and plan.length == plan.n_draft
    assert plan.forecast.at_chosen < plan.forecast.at_zero, "the reason for the doubt"
    assert (plan.forecast.other_len, plan.forecast.at_other) == (0, plan.forecast.at_zero)


def test_a_fixed_length_is_kept_to():
    governor = Governor(5)
    assert governor.plan([Offer("d", "model", 9)], depth=0, alone_s=ALONE_S).n_draft == 5
    assert governor.plan([Offer("d", "model", 3)], depth=0, alone_s=ALONE_S).n_draft == 3


def test_the_length_that_was_chosen_is_not_what_there_is_room_for():
    fixed = Governor(5)
    for n_max in (9, 3):
        plan = fixed.plan([Offer("d", "model", n_max)], depth=0, alone_s=ALONE_S)
        assert plan.length == 5
    short = Offer("d", "model", 3, n_most=4)  # more it can never take back
    assert fixed.plan([short], depth=0, alone_s=ALONE_S).length == 4
    none = Offer("none", "none", 0)
    assert fixed.plan([none], depth=0, alone_s=ALONE_S).length == 0


def test_the_last_tokens_of_a_reply_are_drafted_where_that_is_faster_than_one_by_one():
    governor = Governor("auto", CostCurve({n: ms / 1000 for n, ms in CPU.items()}))
    governor.price_draft("d", 0.001)
    governor._track("d", "model").record.record([(0, 0.97, True)] * 8)
    assert governor.plan([Offer("d", "model", 64)], depth=0, alone_s=ALONE_S).length == 11
    for n_max, n_kept in ((1, 0), (2, 2), (3, 3)):  # a batch of two costs more than two single ones
        plan = governor.plan([Offer("d", "model", n_max)], depth=0, alone_s=ALONE_S)
        assert plan.go_on and plan.keep
        p = [0.97] * n_max
        assert all(plan.go_on(p[:k]) for k in range(1, n_kept))
        assert plan.keep(p) == n_kept


@pytest.mark.parametrize(
    ("offer", "alone_s"),
    [
        (Offer("d", "model", 0), ALONE_S),
        (Offer("d", "model", 9), None),
        (Offer("lookup", "lookup", 9, Proposal()), ALONE_S),
    ],
)
def test_where_there_is_nothing_to_choose_no_length_is_chosen(
    offer: Offer, alone_s: float | None
) -> None:
    plan = two().plan([offer], depth=0, alone_s=alone_s)
    assert (plan.n_draft, plan.length) == (0, None)


def test_no_drafter_no_draft():
    plan = Governor("auto").plan([Offer("none", "none", 0)], depth=0, alone_s=ALONE_S)
    assert plan.n_draft == 0
    assert not plan.paused


# ------------------------------------------------------------------ two drafters


def offers(match: float, *, right: bool) -> list[Offer]:
    """A draft model, helped by a lookup that foresees six tokens; token 1 follows everywhere."""
    foreseen = Proposal([1 if right else 2] * 6, [match] * 6)
    return [Offer("d", "model", 16), Offer("lookup", "lookup", 16, foreseen)]


def learn(governor: Governor, n: int, lookup_right: bool, model_right: bool) -> None:
    """Rounds in which the model drafts and the lookup is judged beside it."""
    for i in range(n):
        proposal = Proposal([1 if model_right else 2] * 3, [0.9] * 3)
        tokens = [1] * (4 if model_right else 1)
        plan = Plan(3)
        round_ = round_of(plan, tokens, proposal, draft_s=0.003, verify_s=0.072)
        governor.record(round_, offers(0.8, right=lookup_right), depth=i, wall_s=0.075)


def two(costs: dict[int, float] = CPU) -> Governor:
    governor = Governor("auto", CostCurve({n: ms / 1000 for n, ms in costs.items()}))
    governor.price_draft("d", 0.001)
    return governor


def test_a_lookup_with_the_better_record_goes_first():
    governor = two()
    learn(governor, 40, lookup_right=True, model_right=False)
    plan = governor.plan(offers(0.8, right=True), depth=40, alone_s=ALONE_S)
    assert plan.by == 1
    assert plan.n_draft > 1
    assert not plan.paused


def test_where_the_drafts_context_is_full_it_is_up_to_those_that_help_it():
    governor = two()
    learn(governor, 40, lookup_right=True, model_right=True)
    full = Offer("d", "model", 0, is_full=True)
    helped = [full, offers(0.97, right=True)[1]]
    plan = governor.plan(helped, depth=40, alone_s=ALONE_S)
    assert (plan.by, plan.reason) == (1, f"looking up {plan.n_draft}")
    nothing = Offer("lookup", "lookup", 16, Proposal())
    for alone in ([full], [full, nothing]):
        plan = governor.plan(alone, depth=40, alone_s=ALONE_S)
        assert (plan.by, plan.n_draft, plan.length, plan.paused) == (0, 0, 0, True)
        assert plan.reason == "draft's context is full"
    governor.draft_len = 4
    assert governor.plan(helped, depth=40, alone_s=ALONE_S).reason == "draft's context is full"
    governor.draft_len = 0
    assert governor.plan(helped, depth=40, alone_s=ALONE_S).reason == "draft length is 0"


def test_a_lookup_with_the_poorer_record_stands_back():
    governor = two()
    learn(governor, 40, lookup_right=False, model_right=True)
    plan = governor.plan(offers(0.8, right=False), depth=40, alone_s=ALONE_S)
    assert plan.by == 0
    assert plan.n_draft > 1


def test_a_lookup_is_trusted_by_the_length_of_its_match():
    governor = two()
    learn(governor, 40, lookup_right=False, model_right=False)
    for i in range(40):  # long matches are right all the same
        round_ = round_of(Plan(0), [1], Proposal(), verify_s=0.028)
        governor.record(round_, offers(0.97, right=True), depth=i, wall_s=0.028)
    assert governor.plan(offers(0.97, right=True), depth=80, alone_s=ALONE_S).by == 1
    assert governor.plan(offers(0.8, right=True), depth=80, alone_s=ALONE_S).by == 0


def test_a_fixed_length_is_the_chosen_drafters_own():
    governor = Governor(4)
    plan = governor.plan(offers(0.99, right=True), depth=0, alone_s=ALONE_S)
    assert (plan.by, plan.n_draft) == (0, 4)


def test_a_lookup_alone_waits_for_something_to_look_up():
    offer = Offer("lookup", "lookup", 16, Proposal())
    plan = two().plan([offer], depth=0, alone_s=ALONE_S)
    assert (plan.n_draft, plan.paused, plan.reason) == (0, False, "nothing to look up")
