"""What a reply is compared with: the target alone, where the reply's tokens are."""

from __future__ import annotations

import pytest

from core.engine.decode import Round
from core.engine.drafters import NOTHING, Proposal
from core.engine.governor import Plan
from core.engine.stats import Baseline, Tally
from core.protocol import ReplyStats


def round_of(n_accepted: int = 0, draft_s: float = 0.0) -> Round:
    proposal = Proposal([1] * n_accepted, [0.9] * n_accepted) if n_accepted else NOTHING
    tokens = [1] * (n_accepted + 1)
    return Round(tokens, proposal, n_accepted, n_accepted, "d", "model", Plan(8), draft_s, 0.0)


def slowing(n_rounds: int, n_accepted: int = 0, cost: float = 1.0) -> ReplyStats:
    """A reply whose target takes ever longer, as it does with the depth. A round costs as much as
    `cost` tokens of the target alone there."""
    tally, baseline, now = Tally(), Baseline(), 0.0
    for depth in range(n_rounds):
        alone_s = 0.01 * (1 + depth / 1500)
        seconds = cost * alone_s
        now += seconds
        baseline.record(depth, alone_s)
        tally.add(round_of(n_accepted), now)
        if (known := baseline.seconds(depth)) is not None:
            n = n_accepted + 1
            tally.compare(round_of(n_accepted), n * known if n_accepted else seconds, n * seconds)
    return tally.snapshot()


def test_a_long_reply_of_the_target_alone_is_as_fast_as_the_target_alone() -> None:
    assert slowing(6000).speedup == pytest.approx(1.0, rel=0.01)


def test_what_drafts_bring_does_not_grow_with_the_length_of_the_reply() -> None:
    for n_rounds in (200, 6000):
        stats = slowing(n_rounds, n_accepted=3, cost=2.0)
        assert stats.speedup == pytest.approx(2.0, rel=0.05), n_rounds
        assert stats.decode_tok_s and stats.baseline_tok_s
        assert stats.speedup == pytest.approx(stats.decode_tok_s / stats.baseline_tok_s)


def on_a_busy_machine(times: float) -> ReplyStats:
    """The target alone was measured while everything took so many times as long; then there are
    rounds of 24 ms of drafting and 120 of the target, which yield three tokens each."""
    tally, baseline, now = Tally(), Baseline(), 0.0
    for _ in range(6):
        baseline.record(0, 0.1 * times)
    for _ in range(50):
        now += 0.144
        round_ = round_of(2, draft_s=0.024)
        tally.add(round_, now)
        tally.compare(round_, 3 * (baseline.seconds(0) or 0), 3 * (0.144 - round_.draft_s))
    return tally.snapshot()


def test_a_speed_up_is_never_more_than_the_tokens_of_a_round() -> None:
    assert on_a_busy_machine(1).speedup == pytest.approx(3 * 100 / 144)
    for times in (2, 7):
        stats = on_a_busy_machine(times)
        assert stats.speedup == pytest.approx(3 * 120 / 144)
        assert stats.baseline_tok_s == stats.n_compared / stats.alone_s, "what the app adds up"


def test_without_a_measure_there_is_a_dash() -> None:
    assert (slowing(3).speedup, slowing(3).baseline_tok_s) == (None, None)
