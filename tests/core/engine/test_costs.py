from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.engine.cache import TokenCache
from core.engine.costs import (
    SIZES,
    TUNED_BATCH,
    CostCurve,
    CostStore,
    calibrate,
    expected,
    fewest_worth,
    plausible_step,
    tune_threads,
)
from core.engine.session import Session

CURVE = {1: 28.0, 2: 60.0, 4: 72.0, 8: 96.0}


def test_beyond_the_last_size_a_token_more_costs_what_it_did_so_far():
    assert expected({1: 30.0, 2: 40.0, 4: 60.0}, 6) == 80.0
    assert expected({1: 30.0, 4: 40.0, 8: 20.0}, 12) == 20.0, (
        "a curve that falls is not drawn on below 0"
    )
    with pytest.raises(IndexError):
        expected({}, 3)


def test_where_next_to_nothing_is_known_larger_sizes_are_taken_for_cheap():
    curve = CostCurve({1: 70.0})
    assert curve.table(16, 0)[16] < 16 * 70.0 / 4
    for _ in range(3):
        curve.record(2, 0, 90.0)
    assert 90.0 < curve.table(16, 0)[16] < 16 * 70.0 / 4


def test_a_measured_size_counts_as_it_is_and_scales_the_rest():
    curve = CostCurve(CURVE)
    for _ in range(5):
        curve.record(4, 100, 36.0)
    table = curve.table(8, 100)
    assert table[4] == 36.0
    assert table[8] == pytest.approx(48.0)


def test_a_size_between_two_measured_ones_costs_what_the_dearer_does():
    table = CostCurve({1: 28.0, 5: 107.0, 8: 96.0, 12: 120.0}).table(12, 0)
    assert table[6] == table[7] == 107.0
    assert table[9] == table[11] == 120.0


def test_optimism_is_for_what_was_not_met_yet():
    curve = CostCurve(CURVE)
    for _ in range(3):
        curve.record(4, 100, 72.0)
    table = curve.table(8, 100, optimism=0.9)
    assert (table[1], table[4]) == (28.0, 72.0)
    assert table[8] == pytest.approx(0.9 * 96.0)


def test_outliers_are_dropped():
    curve = CostCurve(CURVE)
    for seconds in (72, 72, 9000, 72, 72, 72):
        curve.record(4, 100, seconds)
    assert curve.table(8, 100)[4] == 72


def test_depths_are_told_apart():
    curve = CostCurve(CURVE)
    for _ in range(5):
        curve.record(1, 7000, 56.0)
    assert curve.table(8, 7000)[8] == pytest.approx(192.0)
    assert curve.table(8, 100)[8] == 96.0


def test_without_a_calibration_it_learns_from_what_it_sees():
    curve = CostCurve()
    assert curve.missing((1, 2)) == [1, 2]
    for _ in range(3):
        curve.record(1, 0, 2.0)
    assert curve.table(2, 0)[1] == 2.0


def test_a_real_context_is_measured_and_left_empty(session: Session):
    curve = calibrate(session.target, (1, 4, 8), budget_s=0.5)
    table = curve.table(8, 0)
    assert all(seconds > 0 for seconds in table[1:])
    assert session.target.tokens == []


def test_the_tokens_that_are_measured_differ(session: Session, monkeypatch: pytest.MonkeyPatch):
    """Else a mixture of experts would be taken for cheaper than it is."""
    batches: list[Sequence[int]] = []
    extend = TokenCache.extend

    def seen(cache: TokenCache, tokens: Sequence[int], n_rows: int) -> object:
        batches.append(tokens)
        return extend(cache, tokens, n_rows)

    monkeypatch.setattr(TokenCache, "extend", seen)
    monkeypatch.setattr("core.engine.costs.SMALL_S", 10.0)
    monkeypatch.setattr(session.target.context, "threads_are_fixed", False)
    monkeypatch.setattr(session.target.context, "n_threads", 2)
    for n, measure in (
        (8, lambda: calibrate(session.target, (1, 8), budget_s=5)),
        (TUNED_BATCH, lambda: tune_threads(session.target)),
    ):
        batches.clear()
        measure()
        assert all(len(set(batch)) > n // 2 for batch in batches if len(batch) == n)
        assert len({tuple(batch) for batch in batches if len(batch) == 1}) > 1
    counts = Counter(tuple(batch) for batch in batches if len(batch) == TUNED_BATCH)
    assert max(counts.values()) == 2, "the same ones with one thread and with two"


def test_a_budget_of_nothing_still_measures_one_token(session: Session):
    assert calibrate(session.target, (1, 4, 8), budget_s=0).table(1, 0)[1] > 0


def test_what_was_measured_is_kept_on_disk(tmp_path: Path):
    store = CostStore(tmp_path / "deep" / "costs.json")
    assert store.load("model|gpu") is None
    store.save("model|gpu", CostCurve(CURVE))
    store.save("other", CostCurve({1: 1.0}))
    assert store.load("model|gpu").measured() == CURVE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"k": 3}',
        '{"k": {"one": 2}}',
        '{"k": {}}',
        '{"k": {"1": 0}}',
        '{"k": {"1": NaN}}',
        '{"k": {"8": 1}}',
    ],
)
def test_a_damaged_file_counts_as_none(tmp_path: Path, text: str):
    path = tmp_path / "costs.json"
    path.write_text(text)
    assert CostStore(path).load("k") is None
    CostStore(path).save("k", CostCurve(CURVE))


def test_what_there_was_no_time_for_is_measured_in_idle_moments(session: Session):
    session.governor.costs = CostCurve({1: 1.0, 8: 2.0})
    while session.measure_in_idle_moment():
        pass
    assert session.governor.costs.missing(SIZES) == []
    assert session.governor.costs.measured()[8] == 2.0, "what is known is not measured again"


@pytest.mark.parametrize(
    ("one", "two", "fewest"),
    [
        ([4.0, 4.1, 4.0], [2.0, 2.1, 2.0], 2),
        ([4.0, 4.1, 4.0], [3.5, 3.6, 3.5], 1),  # not worth it
        ([4.0, 9.0, 9.0], [3.9, 4.0, 4.0], 1),  # one was disturbed
        ([4.0, 4.1, 4.0], [2.0, 90.0, 90.0], 1),  # two wait for each other
    ],
)
def test_several_threads_are_used_where_they_are_worth_it(
    one: list[float], two: list[float], fewest: int
):
    assert fewest_worth({1: one, 2: two}) == fewest


def test_a_step_is_no_dearer_than_the_drafts_size_makes_likely():
    assert plausible_step(0.001, 0.028, 0.05) == 0.001
    assert plausible_step(9.0, 0.028, 0.05) == pytest.approx(0.007)
    assert plausible_step(9.0, 0.028, 0.9) == pytest.approx(0.9 * 0.028)


def test_nothing_is_measured_in_idle_moments_while_others_use_the_machine(session: Session):
    session.governor.costs = CostCurve({1: 1e-12})
    assert not session.measure_in_idle_moment()
    assert session.governor.costs.measured() == {1: 1e-12}


def test_what_is_known_is_not_replaced_by_what_a_busy_machine_says(
    session: Session, monkeypatch: pytest.MonkeyPatch
):
    kept = dict.fromkeys(SIZES, 1e-12)
    monkeypatch.setattr(session._costs, "load", lambda _key: CostCurve(kept))
    assert session._priced(session.target, "key", SIZES).measured() == kept
    kept = dict.fromkeys(SIZES, 1e9)  # it was busy then
    assert session._priced(session.target, "key", SIZES).measured() != kept


def test_nothing_is_measured_in_idle_moments_once_a_conversation_is_in_the_cache(session: Session):
    session.governor.costs = CostCurve({1: 1.0})
    session.target.extend([1, 2], 0)
    assert not session.measure_in_idle_moment()
    assert session.target.tokens == [1, 2]
