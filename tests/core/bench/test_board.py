"""Drafts ranked: the arithmetic on samples that were made up, and a run on the real engine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.bench.board import first_difference, standings, wins
from core.bench.contenders import BoardPlan, Contender, board_document, run_board
from core.bench.prompts import prompts
from core.bench.results import Sample
from core.models.records import LOOKUP, records_for
from core.protocol import DraftChoice, Load


def sample(variant: str, prompt: int, repeat: int, tok_s: float, text: str = "same") -> Sample:
    n_drafted = 0 if variant == "none" else 10
    return Sample(variant, "own", prompt, repeat, 20, 10, n_drafted, n_drafted // 2, tok_s, 1, text)


SAMPLES = (
    *(sample("none", prompt, repeat, 100.0) for prompt in (0, 1) for repeat in (0, 1)),
    sample("a", 0, 0, 150.0),
    sample("a", 1, 0, 90.0),
    sample("a", 0, 1, 170.0),
    sample("a", 1, 1, 130.0, "another"),
    sample("b", 0, 0, 160.0),
    sample("b", 1, 0, 95.0),
)


def test_drafts_rank_by_the_median_of_their_replies_over_those_beside_them() -> None:
    first, second, third = standings(SAMPLES, ["none", "a", "b"])
    assert (first.variant, second.variant, third.variant) == ("a", "b", "none")
    assert first.speedup == pytest.approx(1.4)
    assert (first.low, first.high, first.n_faster) == (0.9, 1.7, 3)
    assert (first.n_prompts, first.n_replies, first.tok_s) == (2, 4, 140.0)
    assert (first.acceptance_rate, first.tokens_per_round, first.same_text) == (0.5, 2.0, 0.75)
    assert (third.speedup, third.acceptance_rate) == (1.0, None)


def test_a_reply_with_none_beside_it_does_not_count() -> None:
    alone = sample("a", 5, 0, 900.0)
    (standing,) = standings([*SAMPLES, alone], ["a"])
    assert (standing.n_replies, standing.high) == (4, 1.7)
    (nothing,) = standings([alone], ["a"])
    assert (nothing.n_replies, nothing.speedup, nothing.same_text) == (0, None, None)


def test_what_was_not_measured_stands_last() -> None:
    assert [s.variant for s in standings(SAMPLES, ["c", "none"])] == ["none", "c"]


def test_wins_count_where_both_answered() -> None:
    assert wins(SAMPLES, "b", "a") == (2, 2)
    assert wins(SAMPLES, "a", "none") == (3, 4)
    assert wins(SAMPLES, "c", "a") == (0, 0)


def test_the_first_difference_may_be_that_one_ends() -> None:
    assert first_difference("abc", "abc") is None
    assert first_difference("abc", "abd") == 2
    assert first_difference("abc", "abcd") == 3
    assert first_difference("", "x") == 0
    assert first_difference([7, 8, 9], [7, 1]) == 1


def test_a_board_on_the_real_engine_is_interleaved_and_recorded(load: Load) -> None:
    asked = prompts(["easy"])[:2]
    given = (Contender("good", load.draft), Contender("lookup", DraftChoice(kind="lookup")))
    plan = BoardPlan(load, given, asked, repeats=2, max_tokens=48)
    heard: list[tuple[int, int]] = []
    board = run_board(plan, lambda done, of: heard.append((done, of)))
    order = [(s.repeat, s.prompt, s.variant) for s in board.samples]
    assert order[:4] == [(0, 0, "none"), (0, 0, "good"), (0, 0, "lookup"), (0, 1, "none")]
    assert order[-3:] == [(1, 1, "lookup"), (1, 1, "good"), (1, 1, "none")]
    assert heard[-1] == (12, 12)
    by_name = {standing.variant: standing for standing in board.standings}
    assert set(by_name) == {"none", "good", "lookup"}
    assert all(s.n_replies == 4 and s.same_text == 1 for s in board.standings)
    records = records_for(Path(load.target))
    assert records[load.draft.path or ""].n_replies >= 4
    assert records[LOOKUP].n_replies >= 4
    document = json.loads(json.dumps(board_document(board, plan)))
    assert [row["draft"] for row in document["board"]] == [s.variant for s in board.standings]
    assert len(document["replies"]) == 12 and "text" not in document["replies"][0]


def test_what_a_draft_of_a_fixed_length_has_right_is_counted(load: Load) -> None:
    """Under `auto` it need not draft at all where the machine is busy."""
    plan = BoardPlan(
        replace(load, draft_len=3),
        (Contender("good", load.draft),),
        prompts(["easy"])[:1],
        repeats=1,
        max_tokens=24,
    )
    (rate,) = {s.acceptance_rate for s in run_board(plan).standings if s.variant == "good"}
    assert rate and rate > 0.5
