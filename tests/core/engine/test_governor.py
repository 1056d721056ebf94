"""The governor against a simulated machine: costs that were measured, chances that are known.

No clock is read: the seconds are those of the cost table, so every figure here is exact.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from core.engine.costs import CostCurve, interpolate
from core.engine.decode import Round
from core.engine.drafters import Proposal
from core.engine.governor import Governor

CPU = {1: 28, 2: 60, 3: 68, 4: 72, 5: 107, 6: 113, 8: 96, 12: 120, 16: 152, 17: 160}
GPU = {1: 10, 2: 10.3, 3: 10.5, 4: 10.8, 5: 11, 6: 11.2, 8: 11.5, 9: 14, 12: 15, 16: 16, 17: 17}
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
) -> float:
    """Simulate a reply of `n` tokens; tokens per millisecond after the first `skip`, times 1000."""
    costs, t_draft = MACHINES[machine]
    rng = random.Random(seed)
    facts = [text(i, rng) for i in range(n + 100)]
    right = [rng.random() < chance for chance, _ in facts]
    governor = Governor(length, CostCurve(calibration or costs))
    governor.price_draft("d", t_draft)
    done, clock, at_skip = 0, 0.0, (0, 0.0)
    while done < n:
        plan = governor.plan(drafter="d", kind="model", n_max=64, depth=done, baseline_known=True)
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
            plan=plan,
            draft_s=len(p) * t_draft,
            verify_s=interpolate(costs, n_verified + 1) * noise,
        )
        seconds = round_.draft_s + round_.verify_s
        governor.record(round_, depth=done, wall_s=seconds)
        clock += seconds
        done += n_accepted + 1
        if done < skip:
            at_skip = (done, clock)
    return 1000 * (done - at_skip[0]) / (clock - at_skip[1])


def mean_speed(machine: str, text: Text, length: int | str, **more: Any) -> float:
    speeds = [tokens_per_second(machine, text, length, seed=s, **more) for s in range(8)]
    return sum(speeds) / len(speeds)


def best_fixed(machine: str, text: Text, n: int = 400) -> float:
    return max(mean_speed(machine, text, length, n=n) for length in range(17))


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


def test_pausing_is_said_with_what_it_saves():
    governor = Governor("auto", CostCurve(CPU))
    governor.price_draft("d", 1.0)
    for _ in range(60):
        governor._record_of("d").record(0, 0.9, False)
    plan = governor.plan(drafter="d", kind="model", n_max=9, depth=0, baseline_known=True)
    assert plan.paused
    assert plan.reason.startswith("paused: would run at 0.")
    assert plan.forecast.at_chosen == plan.forecast.at_zero > plan.forecast.at_other


def test_a_fixed_length_is_kept_to():
    governor = Governor(5)
    assert (
        governor.plan(drafter="d", kind="model", n_max=9, depth=0, baseline_known=True).n_draft == 5
    )
    assert (
        governor.plan(drafter="d", kind="model", n_max=3, depth=0, baseline_known=True).n_draft == 3
    )


def test_no_drafter_no_draft():
    plan = Governor("auto").plan(drafter="none", kind="none", n_max=0, depth=0, baseline_known=True)
    assert plan.n_draft == 0
    assert not plan.paused
