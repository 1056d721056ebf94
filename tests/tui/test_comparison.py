"""The course of a comparison, with an engine that is made up, and what it is to be about."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from core import wire
from core.protocol import (
    Cancel,
    DraftChanged,
    EngineDied,
    Failed,
    Generate,
    Progress,
    SetDraft,
    Trimmed,
)
from core.settings import Settings
from tests.support.scripted_engine import (
    GOOD,
    POOR,
    PROMPT,
    RATES,
    Engine,
    comparison_of,
    finished,
    info,
    round_of,
    totals,
)
from tui.choices import LOOKUP, NONE, DraftOption
from tui.comparison import BUDGET_S, MOST_REPEATS
from tui.conversation import Conversation
from tui.lineup import BASELINE_STAYS, FULL, MOST_TOKENS, RECENT, SEED, Lineup, plan_for, questions
from tui.verdicts import verdict

UNFIT = DraftOption("model", "odd", "/m/odd.gguf", "token 3 differs")


@pytest.fixture
def engine() -> Engine:
    return Engine(dict(RATES))


def asked(engine: Engine) -> list[str]:
    """Which draft each reply was asked of."""
    keys, in_use = [], GOOD.key
    for command in engine.commands:
        if isinstance(command, SetDraft):
            in_use = command.draft.path or command.draft.kind
        elif isinstance(command, Generate):
            keys.append(in_use)
    return keys


# ------------------------------------------------------------------ its course


def test_the_target_alone_comes_first_then_forwards_and_backwards(engine: Engine) -> None:
    comparison = comparison_of(engine, LOOKUP, GOOD)
    engine.run(comparison)
    assert asked(engine)[:6] == ["none", "lookup", GOOD.key, GOOD.key, "lookup", "none"]
    assert len(comparison.samples) == 3 * MOST_REPEATS
    drafts = [command for command in engine.commands if isinstance(command, SetDraft)]
    assert len(drafts) < len(comparison.samples), "a draft that is in use is not asked for again"
    assert comparison.over and engine.in_use == GOOD.key


def test_every_reply_is_asked_for_alike(engine: Engine) -> None:
    engine.run(comparison_of(engine, LOOKUP, GOOD, temperature=0.7, top_k=5))
    requests = [command for command in engine.commands if isinstance(command, Generate)]
    first = requests[0]
    assert first.messages == list(PROMPT)
    assert (first.sampling.seed, first.sampling.top_k, first.max_tokens) == (SEED, 5, MOST_TOKENS)
    alike = {wire.write(replace(request, id="")) for request in requests}
    assert len(alike) == 1
    assert len({request.id for request in requests}) == len(requests)


def test_a_slow_target_gets_shorter_replies_and_fewer_of_them(engine: Engine) -> None:
    engine.rates = {"none": 4.0, GOOD.key: 8.0}
    comparison = comparison_of(engine, GOOD)
    comparison.start()
    engine.hand(comparison, DraftChanged(drafter=info("none")))
    request = engine.commands[-1]
    assert isinstance(request, Generate)
    for n in (1, 20, 40):
        engine.now = n / 4.0
        engine.hand(comparison, round_of(request.id, "a", totals(n, 4.0)))
    assert engine.commands[-1] == Cancel(id=request.id), "a quarter of the time is over"
    engine.hand(comparison, finished(request.id, "aaa", totals(40, 4.0), "cancelled"))
    engine.hand(comparison, DraftChanged(drafter=info(GOOD.key)))
    second = engine.commands[-1]
    assert isinstance(second, Generate) and second.max_tokens == 40
    engine.now = BUDGET_S - 1
    engine.hand(comparison, finished(second.id, "aaa", totals(40, 8.0)))
    assert comparison.over, "there is no time for another run"
    assert [sample.n_tokens for sample in comparison.samples] == [40, 40]


def test_what_the_chat_must_not_hear_is_kept_from_it(engine: Engine) -> None:
    comparison = comparison_of(engine, LOOKUP)
    engine.run(comparison)
    kinds = Counter(type(item).__name__ for item in engine.passed_on)
    assert set(kinds) == {"DraftChanged", "Rounds", "Progress"}, "the draft, and what tokens are"
    assert kinds["Progress"] == 1, "of the chat's own draft, that is loaded in the end"


def test_events_of_the_chat_are_not_touched(engine: Engine) -> None:
    comparison = comparison_of(engine, LOOKUP)
    comparison.start()
    theirs = finished("reply-1", "text", totals(5, 1.0))
    engine.hand(comparison, theirs, Progress(stage="prefill", fraction=0.5, id="reply-1"))
    assert len(engine.passed_on) == 2 and not comparison.samples


def test_stopping_ends_the_reply_and_gives_the_draft_back(engine: Engine) -> None:
    comparison = comparison_of(engine, LOOKUP)
    comparison.start()
    engine.hand(comparison, DraftChanged(drafter=info("none")))
    request = engine.commands[-1]
    assert isinstance(request, Generate)
    comparison.stop()
    assert engine.commands[-1] == Cancel(id=request.id) and not comparison.over
    engine.hand(comparison, finished(request.id, "part", totals(5, 9.0), "cancelled"))
    restoring = engine.commands[-1]
    assert isinstance(restoring, SetDraft) and restoring.draft.path == GOOD.path
    assert not comparison.over
    engine.hand(comparison, DraftChanged(drafter=info(GOOD.key)))
    assert comparison.over and not comparison.samples
    assert "no whole reply" in verdict(comparison).text


def test_stopping_while_a_draft_is_loaded_gives_the_chats_own_back(engine: Engine) -> None:
    comparison = comparison_of(engine, LOOKUP)
    comparison.start()
    comparison.stop()
    engine.hand(comparison, DraftChanged(drafter=info("none")))
    assert isinstance(engine.commands[-1], SetDraft) and len(engine.commands) == 2
    engine.hand(comparison, DraftChanged(drafter=info(GOOD.key)))
    assert comparison.over


def test_a_draft_that_cannot_be_loaded_is_left_out(engine: Engine) -> None:
    engine.broken = {POOR.key: "poor.gguf cannot draft."}
    comparison = comparison_of(engine, POOR, LOOKUP)
    engine.run(comparison)
    assert comparison.contestant(POOR.key).problem == "poor.gguf cannot draft."
    assert {sample.variant for sample in comparison.samples} == {"none", "lookup"}
    assert not any(isinstance(item, Failed) for item in engine.passed_on)


def test_the_chat_hears_when_its_own_draft_does_not_come_back(engine: Engine) -> None:
    comparison = comparison_of(engine, LOOKUP)
    engine.broken = {GOOD.key: "good.gguf is gone."}
    engine.run(comparison)
    assert comparison.over
    assert isinstance(engine.passed_on[-1], Failed)


def test_without_a_reply_of_the_target_alone_it_ends(engine: Engine) -> None:
    comparison = comparison_of(engine, LOOKUP)
    comparison.start()
    engine.hand(comparison, DraftChanged(drafter=info("none")))
    request = engine.commands[-1]
    assert isinstance(request, Generate)
    engine.hand(comparison, Failed(command="generate", message="Too long.", id=request.id))
    engine.hand(comparison, DraftChanged(drafter=info(GOOD.key)))
    assert comparison.over and verdict(comparison).text == "Too long."


def test_an_engine_that_dies_ends_it_and_the_chat_hears_of_it(engine: Engine) -> None:
    comparison = comparison_of(engine, LOOKUP)
    comparison.start()
    death = EngineDied(message="The engine ended.", cause="SIGKILL", log_tail=[])
    engine.hand(comparison, death)
    assert comparison.over and comparison.died and engine.passed_on == [death]
    assert verdict(comparison).text == "The engine ended."


def test_a_full_context_is_noted_once(engine: Engine) -> None:
    comparison = comparison_of(engine, LOOKUP)
    engine.hook = lambda command: (
        engine.hand(comparison, Trimmed(id=command.id, n_messages=2, n_ctx=99))
        if isinstance(command, Generate)
        else None
    )
    engine.run(comparison)
    assert comparison.notes == ["the context is full: the oldest messages are left out"]


# ------------------------------------------------------------------ what it is to be about


def test_questions_are_what_is_written_then_the_last_then_the_last_ones() -> None:
    conversation = Conversation("be brief")
    assert questions(conversation, "  ") == ()
    for number in range(RECENT + 2):
        conversation.ask(f"question {number}").reply = "answer"
    n_turns = len(conversation.turns)
    written, last, recent = questions(conversation, " new ")
    assert written.texts == ("new",) and written.prompts[0][0].role == "system"
    assert written.prompts[0][-2].content == "answer"
    assert last.texts == (f"question {RECENT + 1}",)
    assert recent.texts == tuple(f"question {n}" for n in range(2, RECENT + 2))
    assert recent.where == f"the last {RECENT} messages"
    assert len(conversation.turns) == n_turns, "the conversation is as it was"


def test_the_lineup_has_none_and_the_draft_in_use_and_four_at_most() -> None:
    more = [DraftOption("model", f"m{n}", f"/m/{n}") for n in range(4)]
    lineup = Lineup([LOOKUP, UNFIT, *more, NONE], in_use=more[3].key)
    assert lineup.chosen == (NONE, LOOKUP, more[0], more[3])
    assert UNFIT not in lineup.options
    assert lineup.toggle("none") == BASELINE_STAYS
    assert lineup.toggle(more[1].key) == FULL
    assert lineup.toggle("lookup") == "" and lineup.toggle(more[1].key) == ""
    assert lineup.chosen == (NONE, more[0], more[1], more[3])


def test_a_seed_that_is_set_is_kept() -> None:
    drafts = (NONE, LOOKUP)
    assert plan_for(Settings(seed=7), [PROMPT], drafts).sampling.seed == 7
    free = plan_for(Settings(max_tokens=40), [PROMPT], drafts)
    assert (free.sampling.seed, free.own_seed, free.max_tokens) == (SEED, True, 40)
    assert not plan_for(Settings(temperature=0), [PROMPT], drafts).own_seed
