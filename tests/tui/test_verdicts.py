"""What a comparison says in the end."""

from __future__ import annotations

import pytest

from core.protocol import Command, Generate
from tests.support.scripted_engine import (
    GOOD,
    POOR,
    RATES,
    TEXT,
    Engine,
    comparison_of,
)
from tui.choices import LOOKUP
from tui.comparison import MOST_REPEATS
from tui.verdicts import TOO_SHORT, basis, parting, texts, verdict


@pytest.fixture
def engine() -> Engine:
    return Engine(dict(RATES))


def test_the_fastest_draft_with_its_figures(engine: Engine) -> None:
    comparison = comparison_of(engine, GOOD, LOOKUP)
    engine.run(comparison)
    found = verdict(comparison)
    assert found.winner == GOOD.key
    assert found.text == "good: 2.31×, 231 tok/s, 50% accepted · same text."
    assert texts(comparison) == "All texts are the same, as they must be."
    assert basis(comparison) == (
        "5 replies by each of at most 100 tokens, temperature 0; measured on this prompt only."
    )


def test_where_no_draft_is_faster_none_wins(engine: Engine) -> None:
    comparison = comparison_of(engine, POOR)
    engine.run(comparison)
    found = verdict(comparison)
    assert (found.winner, found.text) == ("none", "No draft is faster here: poor 0.97×.")


def test_what_is_not_always_so_is_said(engine: Engine) -> None:
    rates = iter([100, 120, 110, 130, 125, 90, 100, 125, 130, 110, 120, 100, 100, 120, 110])

    def vary(command: Command) -> None:
        if isinstance(command, Generate):
            engine.rates[engine.in_use] = float(next(rates))

    engine.hook = vary
    comparison = comparison_of(engine, LOOKUP, GOOD)
    engine.run(comparison)
    assert verdict(comparison).text.startswith("prompt lookup: 1.20×")
    assert verdict(comparison).text.endswith("faster than good in 3 of 5 replies.")


def test_several_prompts_are_judged_together(engine: Engine) -> None:
    comparison = comparison_of(engine, GOOD, prompts=3)
    engine.run(comparison)
    assert len(comparison.samples) == 2 * 3 * MOST_REPEATS
    assert "15 replies by each" in basis(comparison)
    assert "measured on these 3 prompts only" in basis(comparison)


def test_texts_that_differ_are_described_with_the_place(engine: Engine) -> None:
    engine.texts = {"lookup": "The fox sat down."}
    comparison = comparison_of(engine, LOOKUP)
    engine.run(comparison)
    assert parting(comparison, "lookup") == 8
    said = texts(comparison)
    assert "prompt lookup: another text after 8 characters, 8 tokens" in said
    assert "“sat down.”, alone “ran home.”" in said and "round differently" in said
    assert "another text" in verdict(comparison).text


def test_under_rejection_sampling_texts_may_differ(engine: Engine) -> None:
    engine.texts = {"lookup": "The fox sat down."}
    comparison = comparison_of(engine, LOOKUP, temperature=0.8, verify="rejection")
    engine.run(comparison)
    assert texts(comparison) == "The texts differ, as they may: rejection sampling draws anew."
    assert "seed 1 for all, as none is set" in basis(comparison)


def test_a_text_that_the_target_alone_does_not_repeat_is_no_fault_of_a_draft(
    engine: Engine,
) -> None:
    second = iter([TEXT, "The fox sat."] + [TEXT] * 9)

    def vary(command: Command) -> None:
        if isinstance(command, Generate) and engine.in_use == "none":
            engine.texts["none"] = next(second)

    engine.hook = vary
    comparison = comparison_of(engine, GOOD)
    engine.run(comparison)
    assert "without a draft: not the same text in every reply." in texts(comparison)


def test_replies_of_a_few_tokens_say_nothing(engine: Engine) -> None:
    engine.n_tokens = 3
    comparison = comparison_of(engine, GOOD)
    engine.run(comparison)
    assert verdict(comparison).text == TOO_SHORT and not verdict(comparison).winner
