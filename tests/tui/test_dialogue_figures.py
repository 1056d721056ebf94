"""What is counted, measured and shown of replies, without a screen and an engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.protocol import (
    DeviceMemory,
    DraftChanged,
    Finished,
    Progress,
    ReplyStats,
    TokenPiece,
)
from tests.support.dialogue import MODEL, drafter, finished, round_event
from tui.choices import LOOKUP, NONE
from tui.dialogue import Dialogue
from tui.effects import Measured
from tui.feed import Rounds, coalesce
from tui.scores import Scores
from tui.state import status


def test_progress_shows_and_goes(loaded: Dialogue) -> None:
    loaded.submit("hi")
    loaded.take(Progress(stage="prefill", fraction=0.4, id="reply-1"))
    assert status(loaded.state)[0] == "prefill 40%"
    loaded.take(Rounds("reply-1", "x", 1, round_event("x", draft_len=7)))
    assert status(loaded.state) == ("drafting 7", "busy")


@pytest.mark.parametrize(
    ("reason", "paused", "words"),
    [
        ("paused: would run at 0.91×", True, "paused: 0.91×"),
        ("drafting ~4", False, "drafting ~4"),
        ("fixed length", False, "drafting 7"),
    ],
)
def test_the_status_says_what_the_governor_does(
    loaded: Dialogue, reason: str, paused: bool, words: str
) -> None:
    loaded.submit("hi")
    event = replace(round_event("x", draft_len=7), reason=reason, paused=paused)
    loaded.take(Rounds("reply-1", "x", 1, event))
    assert status(loaded.state)[0] == words


def test_rounds_of_one_frame_become_one_and_no_text_is_lost() -> None:
    change = DraftChanged(drafter=drafter(NONE))
    events = [round_event("a"), round_event("b", n=3), change, round_event("c"), finished("abc")]
    items = coalesce(events)
    assert [type(item) for item in items] == [Rounds, DraftChanged, Rounds, Finished]
    assert isinstance(items[0], Rounds) and (items[0].text, items[0].n_first) == ("ab", 2)
    assert coalesce([]) == []


def test_each_draft_is_credited_with_its_own_part_of_a_reply() -> None:
    scores = Scores()
    # 2 tokens in the first round, then 100 in 1 s by one draft, then 100 in 4 s by another
    scores.record("r", "fast", ReplyStats(n_tokens=2), 2)
    compared = {"n_compared": 80, "alone_s": 1.6}  # the first twenty, the target was not known
    scores.record("r", "fast", ReplyStats(n_tokens=102, decode_tok_s=100, **compared), 2)
    rate = scores.record("r", "slow", ReplyStats(n_tokens=202, decode_tok_s=40, **compared), 2)
    fast, slow = scores.by_draft["fast"], scores.by_draft["slow"]
    assert fast.tok_s == pytest.approx(100) and fast.speedup == pytest.approx(2)
    assert slow.tok_s == pytest.approx(25) == rate
    assert slow.speedup is None, "not measured is not guessed"


def test_a_turn_keeps_how_its_tokens_came_and_a_reply_given_up_still_names_them(
    loaded: Dialogue,
) -> None:
    turn = loaded.submit("hi")
    first = replace(round_event("a"), pieces=[TokenPiece(id=1, piece="the")])
    for item in coalesce([first, round_event("b")]):
        loaded.take(item)
    assert turn and turn.trace and (turn.trace.n_tokens, turn.trace.n_rounds) == (4, 2)
    loaded.new_chat()
    late = replace(first, pieces=[TokenPiece(id=2, piece="cat")])
    for item in coalesce([late]):
        loaded.take(item)
    again = loaded.submit("again")
    for item in coalesce([round_event("c", id="reply-2")]):
        loaded.take(item)
    assert turn.trace.n_tokens == 4 and again and again.trace and again.trace.n_tokens == 2
    assert again.trace.vocabulary == {1: b"the", 2: b"cat"}


def test_the_memory_shown_is_what_the_engine_last_said(loaded: Dialogue) -> None:
    memory = [DeviceMemory(name="CUDA0", used=1, total=2)]
    loaded.take(DraftChanged(drafter=drafter(NONE), memory=memory))
    assert loaded.state.memory == memory
    loaded.submit("hi")
    loaded.take(replace(finished("x"), memory=[]))
    assert loaded.state.memory == []


def test_the_scale_of_the_graph_never_falls_within_a_chat(loaded: Dialogue) -> None:
    for rate in (30.0, 420.0, 20.0):
        loaded.state._sample(rate)
    assert loaded.state.rate_top == 500
    loaded.new_chat()
    assert loaded.state.rate_top == 0


def measured(dialogue: Dialogue, event: Any) -> list[Measured]:
    return [effect for effect in dialogue.take(event) if isinstance(effect, Measured)]


def test_a_reply_that_one_draft_served_says_what_it_achieved(loaded: Dialogue) -> None:
    for n in (1, 2):
        loaded.submit("hi")
        loaded.take(round_event("Hello", f"reply-{n}"))
        (effect,) = measured(loaded, finished("Hello", f"reply-{n}"))
        assert (effect.target.path, effect.drafter) == ("/m/big.gguf", drafter(MODEL))


def test_a_reply_whose_draft_was_exchanged_says_nothing_of_either(loaded: Dialogue) -> None:
    loaded.submit("hi")
    loaded.take(round_event("Hel"))
    loaded.take(DraftChanged(drafter=drafter(LOOKUP)))
    loaded.take(DraftChanged(drafter=drafter(MODEL)))
    assert measured(loaded, finished("Hello")) == []
    loaded.submit("hi")
    assert measured(loaded, finished("Hello", "reply-2"))


def test_a_fixed_draft_length_says_nothing_of_the_draft(loaded: Dialogue) -> None:
    loaded.submit("hi")
    loaded.take_settings(replace(loaded.settings, draft_len=3))
    assert measured(loaded, finished("Hello")) == []
    loaded.submit("hi")
    assert measured(loaded, finished("Hello", "reply-2")) == []
