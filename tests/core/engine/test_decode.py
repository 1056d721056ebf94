"""What a reply is, with and without a draft, on real llama.cpp."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.engine.session import Session
from core.protocol import Sampling
from tests.core.engine.conftest import UseDraft, answer, ask, tokens_of

PROMPT = "Once upon a time there was a time that was upon a time"
NEAR_TIE = 0.02
"""Logits closer than this may swap their order with the size of a batch."""


def assert_same_or_near_tie(session: Session, prompt: list[int], a: list[int], b: list[int]):
    """Greedy texts are equal, or part where the target's two best logits are as good as equal."""
    n = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if n is None:
        assert len(a) == len(b)
        return
    session.target.truncate(0)
    logits = session.target.extend(prompt + a[:n], 1)[0]
    gap = abs(float(logits[a[n]] - logits[b[n]]))
    assert gap < NEAR_TIE, f"token {n}: {a[n]} or {b[n]}, {gap} apart"


@pytest.mark.parametrize("draft", ["good", "poor", "lookup"])
def test_greedy_text_is_the_targets_own(session: Session, use_draft: UseDraft, draft: str):
    alone, end_alone = answer(session, ask(PROMPT), max_tokens=150)
    session.target.truncate(0)
    use_draft(draft)
    drafted, end = answer(session, ask(PROMPT), max_tokens=150)
    prompt = session.conversation.prompt(ask(PROMPT)).tokens
    assert_same_or_near_tie(session, prompt, tokens_of(alone), tokens_of(drafted))
    assert end.stats.n_drafted > 0
    assert end_alone.stats.n_drafted == 0


def test_a_seed_gives_the_same_reply_with_a_draft_and_without(
    session: Session, use_draft: UseDraft
):
    sampling = Sampling(temperature=0.8, seed=11)
    _, alone = answer(session, ask(PROMPT), sampling)
    use_draft("good")
    _, drafted = answer(session, ask(PROMPT), sampling)
    assert drafted.text == alone.text
    _, other = answer(session, ask(PROMPT), replace(sampling, seed=12))
    assert other.text != alone.text


def test_a_good_draft_is_accepted_more_often_than_a_poor_one(session: Session, use_draft: UseDraft):
    rates = {}
    for name in ("good", "poor"):
        use_draft(name)
        _, end = answer(session, ask(PROMPT), max_tokens=120)
        rates[name] = end.stats.acceptance_rate
    assert rates["good"] > 0.6
    assert rates["poor"] < 0.4


def test_every_token_is_accounted_for(session: Session, use_draft: UseDraft):
    use_draft("good")
    rounds, end = answer(session, ask(PROMPT), max_tokens=80)
    stats = end.stats
    assert stats.n_tokens == len(tokens_of(rounds)) == 80
    assert stats.n_rounds == len(rounds)
    assert stats.n_drafted == sum(len(g.round.drafted) for g in rounds)
    assert stats.n_accepted == sum(g.round.n_accepted for g in rounds)
    for grown in rounds:
        round_ = grown.round
        assert round_.tokens[: round_.n_accepted] == round_.drafted[: round_.n_accepted]
        assert len(round_.tokens) == round_.n_accepted + 1
    assert stats.tokens_per_round == pytest.approx(80 / len(rounds))
    assert stats.accepted_per_position[0] >= stats.accepted_per_position[-1]


def test_the_draft_runs_as_often_as_it_proposes(session: Session, use_draft: UseDraft):
    """The single-pass cache: no proposal and no accepted token is decoded twice by the draft."""
    use_draft("good")
    answer(session, ask(PROMPT), max_tokens=10)  # measures the target alone first
    calls = []
    cache = session.drafter._cache
    extend = cache.extend
    cache.extend = lambda tokens, n_rows: calls.append(len(tokens)) or extend(tokens, n_rows)
    rounds, _ = answer(session, ask(PROMPT), max_tokens=80)
    n_drafted = sum(len(g.round.drafted) for g in rounds)
    assert len(calls) == n_drafted
    assert max(calls) <= 2, "after a full acceptance the last proposal joins the next batch"


def test_the_caches_hold_the_text_after_every_round(session: Session, use_draft: UseDraft):
    use_draft("good")
    rounds, _ = answer(session, ask(PROMPT), max_tokens=40)
    whole = session.conversation.prompt(ask(PROMPT)).tokens + tokens_of(rounds)
    cached = session.target.tokens
    assert cached == whole[: len(cached)]
    assert session.target.context.n_past == len(cached) == len(whole) - 1


def test_logits_of_a_speculative_text_equal_a_fresh_prefill(session: Session, use_draft: UseDraft):
    use_draft("poor")
    answer(session, ask(PROMPT), max_tokens=50)
    cached = list(session.target.tokens)
    after = session.target.extend([7], 1)[0].copy()
    session.target.truncate(0)
    fresh = session.target.extend([*cached, 7], 1)[0]
    # an F16 cache and other batch sizes move logits by 0.01; a wrong cache by whole units
    np.testing.assert_allclose(after, fresh, rtol=0, atol=0.05)


def test_the_longest_reply_is_exact_with_a_draft(session: Session, use_draft: UseDraft):
    use_draft("good")
    for n in (1, 2, 7):
        rounds, end = answer(session, ask(PROMPT), max_tokens=n)
        assert end.finish_reason == "length"
        assert len(tokens_of(rounds)) == n


def test_a_stop_string_ends_the_reply(session: Session, use_draft: UseDraft):
    use_draft("good")
    _, whole = answer(session, ask(PROMPT))
    stop = whole.text[20:24]
    _, end = answer(session, ask(PROMPT), stop=(stop,))
    assert end.finish_reason == "stop"
    assert end.text == whole.text[: whole.text.index(stop)]


def test_the_reply_ends_where_the_context_does(session: Session, use_draft: UseDraft):
    use_draft("good")
    _, end = answer(session, ask("word " * 150), max_tokens=0)
    assert end.finish_reason == "context"
    assert end.n_ctx_used == session.target.n_ctx + 1, "the last token needs no place in the cache"
