"""The runner on the real engine, and the medians and ratios that are made of its samples."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from core.bench.driver import EngineReply
from core.bench.plot import Axes, Series, bar_chart, line_chart
from core.bench.prompts import KINDS, prompts
from core.bench.report import costs_plot, result_document, result_plot
from core.bench.results import BenchResult, Sample
from core.bench.runner import BenchPlan, _turns, run_bench, run_costs
from core.errors import SpecdecError
from core.models.records import records_for
from core.protocol import DraftChoice, Load, ReplyStats

PLOT_WORDS = "{http://www.w3.org/2000/svg}text"


@pytest.fixture(scope="module")
def plan(load: Load) -> BenchPlan:
    return BenchPlan(
        replace(load, draft_len=3),
        prompts(["easy", "hard"]),
        repeats=2,
        max_tokens=64,
        lengths=(0, 1, 3, 6),
    )


@pytest.fixture(scope="module")
def result(plan: BenchPlan) -> BenchResult:
    return run_bench(plan)


def words_of(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(PLOT_WORDS)]


# ------------------------------------------------------------------ runs


def test_every_prompt_runs_in_every_variant_and_repeat(result: BenchResult) -> None:
    assert result.variants == ("none", "3", "1", "6")
    keys = {(s.variant, s.kind, s.prompt, s.repeat) for s in result.samples}
    assert len(keys) == len(result.samples) == 4 * 2 * 3 * 2
    assert {s.n_tokens for s in result.samples} == {64}
    # a rate is that of the tokens after the first round, which brings 1 + 6 at most
    assert all(s.tok_s and s.wall_s > (64 - 7) / s.tok_s for s in result.samples)


def test_fixed_lengths_are_kept_from_the_first_round_on(result: BenchResult) -> None:
    for sample in result.samples:
        if sample.variant == "none":
            assert (sample.n_rounds, sample.n_drafted) == (64, 0)
        else:
            length = int(sample.variant)
            assert sample.n_tokens - sample.n_accepted == sample.n_rounds
            # the last rounds of a reply have no room for a whole draft
            assert length * (sample.n_rounds - length) <= sample.n_drafted
            assert sample.n_drafted <= length * sample.n_rounds


def test_variants_alternate_and_turn_round_in_every_other_repeat(plan: BenchPlan) -> None:
    turns = [(repeat, p.kind, p.number, variant) for repeat, p, variant in _turns(plan)]
    assert [t[3] for t in turns[:4]] == ["none", "3", "1", "6"]
    assert [t[3] for t in turns[-4:]] == ["6", "1", "3", "none"]
    assert len({t[:3] for t in turns[:4]}) == 1


def test_what_the_governor_achieved_with_a_draft_is_recorded_and_fixed_lengths_are_not(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    plan = BenchPlan(load, prompts(["easy"])[:1], repeats=2, max_tokens=32, lengths=(3,))
    run_bench(plan)
    records = records_for(Path(load.target))
    assert {draft: record.n_replies for draft, record in records.items()} == {load.draft.path: 2}


def test_progress_is_told_up_to_the_last_reply(load: Load) -> None:
    heard: list[tuple[int, int]] = []
    short = BenchPlan(load, prompts(["easy"])[:1], repeats=1, max_tokens=8)
    run_bench(short, lambda done, of: heard.append((done, of)))
    assert heard == [(0, 2), (1, 2), (2, 2)]


def test_prompt_lookup_is_measured_like_a_model(load: Load) -> None:
    lookup = replace(load, draft=DraftChoice(kind="lookup"))
    result = run_bench(BenchPlan(lookup, prompts(["easy"])[:1], repeats=1, max_tokens=8))
    assert result.drafter.kind == "lookup"
    assert result.variants == ("none", "auto")


def test_a_draft_that_does_not_load_is_a_failure(load: Load) -> None:
    gone = replace(load, draft=DraftChoice(kind="model", path="/nowhere.gguf"))
    with pytest.raises(SpecdecError, match="nowhere"):
        run_bench(BenchPlan(gone, prompts(["easy"])))


def test_the_cost_curve_is_measured_for_every_size_and_grows_in_the_end(load: Load) -> None:
    loaded, costs = run_costs(load)
    assert sorted(costs.target) == list(range(1, 18))
    assert 0 < costs.target[1] < costs.target[17]
    assert costs.draft and costs.draft < 10 * costs.target[1]
    words = words_of(costs_plot(loaded, costs))
    assert {"tokens in the batch", "milliseconds", "target batch", "draft step", "17"} <= set(words)


def test_without_a_draft_there_is_no_draft_step(load: Load) -> None:
    alone = replace(load, draft=DraftChoice())
    _, costs = run_costs(alone)
    assert costs.draft is None


# ------------------------------------------------------------------ figures


def sample(
    variant: str, prompt: int, repeat: int, tok_s: float | None, **changes: object
) -> Sample:
    base = Sample(variant, "code", prompt, repeat, 10, 5, 10, 4, tok_s, 1.0, "text")
    return replace(base, **changes)  # type: ignore[arg-type]


@pytest.fixture
def counted(result: BenchResult) -> BenchResult:
    """Three pairs by hand: the ratios are 2, 3 and 0.5; a reply too short to say; no pair."""
    samples = (
        sample("none", 0, 0, 10.0, n_drafted=0, n_accepted=0),
        sample("auto", 0, 0, 20.0, n_accepted=8),
        sample("none", 0, 1, 10.0, n_drafted=0, n_accepted=0),
        sample("auto", 0, 1, 30.0, n_accepted=4),
        sample("none", 1, 0, 100.0, kind="story", n_drafted=0, n_accepted=0),
        sample("auto", 1, 0, 50.0, kind="story", text="another"),
        sample("none", 1, 1, 100.0, kind="story", n_drafted=0, n_accepted=0),
        sample("auto", 1, 1, None, kind="story"),
    )
    return replace(result, variants=("none", "auto"), kinds=("code", "story"), samples=samples)


def test_speed_up_is_the_median_of_ratios_not_the_ratio_of_medians(counted: BenchResult) -> None:
    assert counted.ratio("auto", "none") == 2.0
    assert counted.ratio("auto", "none", "story") == 0.5
    assert counted.figures("auto").tok_s == 30.0
    assert counted.figures("auto", "code").speedup == 2.5
    assert counted.figures("auto", "code").acceptance_rate == 12 / 20
    assert counted.figures("none").acceptance_rate is None
    assert counted.figures("auto").tokens_per_round == 2.0


def test_what_was_not_measured_is_none(counted: BenchResult) -> None:
    assert counted.figures("server").tok_s is None
    assert counted.ratio("auto", "server") is None
    assert counted.same_text("auto", "server") is None
    assert counted.same_text("auto", "none") == 0.75


def test_the_best_fixed_length_may_be_none_at_all(counted: BenchResult) -> None:
    assert counted.best_fixed() == "none"
    four = [sample("4", 0, 0, 90.0), sample("4", 0, 1, 95.0)]
    with_four = replace(counted, variants=("none", "auto", "4"), samples=(*counted.samples, *four))
    assert with_four.best_fixed("code") == "4"
    assert with_four.fixed_lengths == ("4",)


def test_the_rate_after_so_many_tokens_leaves_out_the_time_before_them() -> None:
    # 1 token at 0 s, 11 at 1 s, 21 at 3 s: 10 tok/s at first, 5 tok/s later
    rounds = (
        ReplyStats(n_tokens=1),
        ReplyStats(n_tokens=11, decode_tok_s=10.0),
        ReplyStats(n_tokens=21, decode_tok_s=20 / 3),
    )
    reply = EngineReply("", rounds[-1], rounds, 3.5)
    assert reply.tok_s_after(0) == pytest.approx(20 / 3)
    assert reply.tok_s_after(1) == pytest.approx(20 / 3)
    assert reply.tok_s_after(8) == pytest.approx(5.0)
    assert reply.tok_s_after(20) is None
    assert reply.tok_s_after(40) is None


def test_skipped_tokens_leave_the_counts_alone(plan: BenchPlan) -> None:
    short = replace(plan, prompts=plan.prompts[:1], lengths=(), repeats=1, skip_tokens=32)
    result = run_bench(short)
    assert {s.n_tokens for s in result.samples} == {64}
    assert all(s.tok_s for s in result.samples)


# ------------------------------------------------------------------ prompts, documents, plots


def test_there_are_six_kinds_of_two_or_three_prompts_each() -> None:
    assert len(KINDS) == 6
    for kind in KINDS:
        asked = prompts([kind])
        assert 2 <= len(asked) <= 3
        assert all(p.messages[-1].role == "user" and p.kind == kind for p in asked)
    assert all(len(p.messages) >= 5 for p in prompts(["chat"]))
    with pytest.raises(SpecdecError, match="choose among code, mathematics"):
        prompts(["poetry"])


def test_the_document_holds_figures_by_variant_and_kind(
    result: BenchResult, plan: BenchPlan
) -> None:
    document = json.loads(json.dumps(result_document(result, plan)))
    easy = document["variants"]["3"]["by_kind"]["easy"]
    assert easy["n_replies"] == 6
    assert easy["speedup"] == result.ratio("3", "none", "easy")
    assert document["best_fixed"] == result.best_fixed()
    assert set(document["ratios"]) == {"3 / best fixed"}
    assert len(document["replies"]) == len(result.samples)
    assert "text" not in document["replies"][0]


def test_a_sweep_is_plotted_over_the_lengths_and_kinds_as_bars(
    result: BenchResult, counted: BenchResult
) -> None:
    words = words_of(result_plot(result))
    assert {"draft length (tokens)", "tok/s", "fixed length", "0", "1", "3", "6"} <= set(words)
    words = words_of(result_plot(counted))
    assert {"kind of prompt", "speed-up over the target alone (×)", "code", "story"} <= set(words)
    assert "2.50" in words and "0.50" in words


def test_plots_are_well_formed_whatever_the_names_and_values() -> None:
    axes = Axes("a < b & c", "x", "y")
    for top in (0.0, 1e-4, 0.9, 1.0, 7.3, 4999.0):
        lines = [Series("<l>", [(1, top), (3, top / 2)]), Series("d", [(1, 0.0), (3, top)], True)]
        words = words_of(line_chart(axes, lines, [1, 3]))
        assert "a < b & c" in words and "<l>" in words
        assert "nan" not in words
        bars = bar_chart(axes, ["p"], [Series("s", [(0, top)])], reference=1.0)
        assert "p" in words_of(bars)
        heights = [
            float(element.get("y", "0"))
            for element in ElementTree.fromstring(bars).iter("{http://www.w3.org/2000/svg}rect")
        ]
        assert min(heights) >= 0
