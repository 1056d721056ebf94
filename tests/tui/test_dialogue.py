"""What keys and engine events mean, without a screen and without an engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.protocol import (
    Cancel,
    Command,
    DeviceMemory,
    DraftChanged,
    DrafterInfo,
    EngineDied,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    ModelInfo,
    Progress,
    ReplyStats,
    Round,
    SetDraft,
    TokenInfo,
    TokenPiece,
    Trimmed,
)
from core.settings import Settings
from tui.choices import LOOKUP, NONE, DraftOption, Offer
from tui.dialogue import Dialogue, Ended, Grew, Measured, Notice
from tui.feed import Rounds, coalesce
from tui.scores import Scores
from tui.state import status

MODEL = DraftOption("model", "small", "/m/small.gguf")
UNFIT = DraftOption("model", "odd", "/m/odd.gguf", "token 3 differs")
OFFER = Offer("/m/big.gguf", (NONE, LOOKUP, MODEL, UNFIT), MODEL)


def info(path: str) -> ModelInfo:
    numbers = dict.fromkeys(
        ("n_params", "size_bytes", "n_ctx_train", "n_vocab", "n_layers", "n_layers_gpu"), 1
    )
    return ModelInfo(path=path, name="n", description="d", n_ctx=8192, devices=[], **numbers)


def drafter(option: DraftOption) -> DrafterInfo:
    return DrafterInfo(
        kind=option.kind, name=option.name, model=info(option.path) if option.path else None
    )


def round_event(text: str, id: str = "reply-1", n: int = 2, **stats: Any) -> Round:
    return Round(
        id=id,
        text=text,
        tokens=[TokenInfo(id=1, origin="accepted")] * n,
        rejected=[],
        n_drafted=n,
        n_accepted=n,
        draft_s=0.0,
        verify_s=0.0,
        n_ctx_used=10,
        stats=ReplyStats(**stats),
    )


def finished(text: str, id: str = "reply-1") -> Finished:
    return Finished(id=id, finish_reason="stop", text=text, n_ctx_used=12, stats=ReplyStats())


@pytest.fixture
def sent() -> list[Command]:
    return []


@pytest.fixture
def dialogue(sent: list[Command]) -> Dialogue:
    return Dialogue(Settings(system="be brief"), OFFER, sent.append)


@pytest.fixture
def loaded(dialogue: Dialogue, sent: list[Command]) -> Dialogue:
    dialogue.open(OFFER)
    dialogue.take(Loaded(target=info("/m/big.gguf"), drafter=drafter(MODEL)))
    sent.clear()
    return dialogue


def test_opening_loads_the_target_with_its_draft(dialogue: Dialogue, sent: list[Command]) -> None:
    assert status(dialogue.state)[0] == "load target 0%"
    dialogue.open(OFFER)
    (load,) = sent
    assert isinstance(load, Load)
    assert (load.target, load.draft.path) == ("/m/big.gguf", "/m/small.gguf")


def test_a_message_before_the_models_are_loaded_waits(
    dialogue: Dialogue, sent: list[Command]
) -> None:
    dialogue.submit("hello")
    dialogue.open(OFFER)
    assert [type(command) for command in sent] == [Load]
    dialogue.take(Loaded(target=info("/m/big.gguf"), drafter=drafter(MODEL)))
    generate = sent[-1]
    assert isinstance(generate, Generate)
    assert [(m.role, m.content) for m in generate.messages] == [
        ("system", "be brief"),
        ("user", "hello"),
    ]


def test_a_load_that_fails_ends_the_waiting_message_and_the_next_one_tries_again(
    dialogue: Dialogue, sent: list[Command]
) -> None:
    dialogue.open(OFFER)
    dialogue.submit("hello")
    (ended,) = dialogue.take(Failed(command="load", message="No such file."))
    assert isinstance(ended, Ended) and ended.turn.note == "No such file."
    assert status(dialogue.state) == ("not loaded", "failure")
    dialogue.submit("again")
    assert [type(command) for command in sent] == [Load, Load]


def test_a_draft_chosen_before_loading_is_loaded(dialogue: Dialogue, sent: list[Command]) -> None:
    dialogue.choose_draft(LOOKUP)
    assert sent == []
    dialogue.open(OFFER)
    (load,) = sent
    assert isinstance(load, Load) and load.draft.kind == "lookup"


def test_cycling_goes_round_the_usable_drafts(loaded: Dialogue, sent: list[Command]) -> None:
    names = [loaded.next_draft().name for _ in range(4)]
    assert names == ["none", "prompt lookup", "small", "none"]
    assert all(isinstance(command, SetDraft) for command in sent)
    assert loaded.state.wanted_draft == "none"
    loaded.take(DraftChanged(drafter=drafter(NONE)))
    assert loaded.state.wanted_draft == "" and loaded.state.draft_in_use == "none"


def test_a_draft_that_cannot_be_loaded_leaves_the_old_one(loaded: Dialogue) -> None:
    loaded.next_draft()
    (notice,) = loaded.take(Failed(command="set_draft", message="It does not fit."))
    assert isinstance(notice, Notice) and notice.severity == "error"
    assert loaded.state.draft_in_use == MODEL.key
    assert loaded.next_draft() == NONE


def test_a_reply_grows_and_ends(loaded: Dialogue) -> None:
    turn = loaded.submit("hi")
    assert turn and loaded.submit("again") is None
    (grew,) = loaded.take(Rounds("reply-1", "a\x1b[31mb", 2, round_event("x", n_tokens=2)))
    assert grew == Grew("a[31mb")
    ended, *_ = loaded.take(finished("ab"))
    assert isinstance(ended, Ended) and turn.reply == "ab" and turn.finish_reason == "stop"
    assert loaded.submit("again")


def test_events_of_a_reply_given_up_are_ignored(loaded: Dialogue, sent: list[Command]) -> None:
    loaded.submit("hi")
    loaded.new_chat()
    assert isinstance(sent[-1], Cancel)
    turn = loaded.submit("new")
    assert loaded.take(Rounds("reply-1", "old", 1, round_event("old"))) == []
    assert loaded.take(finished("old")) == []
    assert turn and turn.reply == "" and loaded.busy


def test_a_dead_engine_keeps_the_reply_so_far(loaded: Dialogue, sent: list[Command]) -> None:
    turn = loaded.submit("hi")
    loaded.take(Rounds("reply-1", "so far", 1, round_event("so far")))
    died = EngineDied(message="The engine ended: SIGKILL.", cause="SIGKILL", log_tail=["bad\x1b[m"])
    effects = loaded.take(died)
    assert turn and (turn.reply, turn.finish_reason) == ("so far", "error")
    assert "SIGKILL" in turn.note and len(effects) == 1
    assert loaded.log_tail == ["bad"]
    assert status(loaded.state) == ("engine ended", "failure")
    loaded.submit("on")
    messages = sent[-1].messages  # type: ignore[union-attr]
    assert [m.content for m in messages] == ["be brief", "hi", "so far", "on"]


def test_a_turn_without_a_reply_is_left_out_of_the_next_prompt(
    loaded: Dialogue, sent: list[Command]
) -> None:
    loaded.submit("hi")
    loaded.take(Failed(command="generate", id="reply-1", message="The prompt is too long."))
    loaded.submit("shorter")
    assert [m.content for m in sent[-1].messages] == ["be brief", "shorter"]  # type: ignore[union-attr]


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
        ("drafting about 4", False, "drafting about 4"),
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
    scores.record("r", "fast", ReplyStats(n_tokens=102, decode_tok_s=100, baseline_tok_s=50), 2)
    rate = scores.record("r", "slow", ReplyStats(n_tokens=202, decode_tok_s=40), 2)
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


def test_another_target_has_a_vocabulary_of_its_own(loaded: Dialogue) -> None:
    turn = loaded.submit("hi")
    named = replace(round_event("a"), pieces=[TokenPiece(id=1, piece="the")])
    for item in coalesce([named, finished("a")]):
        loaded.take(item)
    loaded.take(Loaded(target=info("/m/other.gguf"), drafter=drafter(NONE)))
    other = loaded.submit("hi")
    assert turn and turn.trace and turn.trace.vocabulary == {1: b"the"}
    assert other and other.trace and other.trace.vocabulary == {}


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


def test_exchanging_the_draft_begins_an_experiment(loaded: Dialogue) -> None:
    loaded.take(DraftChanged(drafter=drafter(MODEL)))
    assert loaded.state.experiment is None, "the same draft again is none"
    loaded.take(DraftChanged(drafter=drafter(LOOKUP)))
    experiment = loaded.state.experiment
    assert experiment and (experiment.before, experiment.after) == (MODEL.key, "lookup")


def test_a_full_context_is_said_once_for_each_time_that_more_is_left_out(loaded: Dialogue) -> None:
    loaded.submit("hello")
    (notice,) = loaded.take(Trimmed(id="reply-1", n_messages=2, n_ctx=8192))
    assert isinstance(notice, Notice) and notice.in_chat
    assert notice.text == (
        "The context of 8,192 tokens is full: the model no longer reads the oldest 2 messages."
    )
    assert loaded.take(Trimmed(id="reply-1", n_messages=2, n_ctx=8192)) == []
    assert len(loaded.take(Trimmed(id="reply-1", n_messages=4, n_ctx=8192))) == 1
    loaded.take(finished("x"))
    loaded.new_chat()
    loaded.submit("hello")
    assert len(loaded.take(Trimmed(id="reply-2", n_messages=2, n_ctx=8192))) == 1


# ------------------------------------------------------------------ what is recorded of a reply


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


def test_a_target_that_cannot_be_loaded_leaves_the_old_one_with_its_draft(
    loaded: Dialogue, sent: list[Command]
) -> None:
    other = Offer("/m/other.gguf", (NONE, LOOKUP), NONE)
    again = Offer("/m/third.gguf", (NONE,), NONE)
    loaded.switch(other)
    loaded.switch(again)  # before the first has come: what was in use is still the one before
    assert loaded.offer == again and loaded.draft == NONE
    (notice,) = loaded.take(Failed(command="load", message="no memory", kind="model"))
    assert isinstance(notice, Notice) and notice.text == "no memory"
    assert (loaded.offer, loaded.draft, loaded.state.trouble) == (OFFER, MODEL, "")
    sent.clear()
    loaded.submit("hi")
    assert [type(command) for command in sent] == [Generate]


def test_an_engine_that_dies_of_a_new_target_comes_back_with_the_old_one(
    loaded: Dialogue, sent: list[Command]
) -> None:
    loaded.switch(Offer("/m/other.gguf", (NONE, LOOKUP), NONE))
    loaded.take(EngineDied(message="it died", cause="crash", log_tail=[]))
    sent.clear()
    loaded.choose_draft(LOOKUP)
    assert loaded.offer == OFFER and loaded.draft == LOOKUP


def test_everything_is_handed_to_the_keeper_and_at_the_end_as_whole(loaded: Dialogue) -> None:
    kept: list[tuple[list[str], object, bool, bool]] = []
    loaded.save = lambda _, messages, now: kept.append(
        ([m.text for m in messages], messages[-1].ending, messages[-1].open, now)
    )
    loaded.submit("hi")
    loaded.take(Rounds("reply-1", "a", 1, round_event("a")))
    loaded.take(finished("ab"))
    loaded.submit("on")
    loaded.take(Rounds("reply-2", "c", 1, round_event("c", id="reply-2")))
    loaded.new_chat()
    assert kept == [
        (["hi", ""], None, True, True),
        (["a"], None, True, False),
        (["ab"], "stop", False, True),
        (["on", ""], None, True, True),
        (["c"], None, True, False),
        (["c"], "cancelled", False, True),
    ]


def test_a_reply_that_goes_on_keeps_what_it_had(loaded: Dialogue, sent: list[Command]) -> None:
    loaded.submit("hi")
    loaded.take(Rounds("reply-1", "so f", 1, round_event("so f")))
    loaded.take(Failed(command="generate", id="reply-1", message="It broke."))
    turn = loaded.resume()
    generate = sent[-1]
    assert turn and isinstance(generate, Generate)
    assert [(m.role, m.content) for m in generate.messages][1:] == [
        ("user", "hi"),
        ("assistant", "so f"),
    ]
    loaded.take(Rounds("reply-2", "ar", 1, round_event("ar", id="reply-2")))
    assert turn.reply == "so far"
    loaded.take(finished("ar away", id="reply-2"))
    assert (turn.reply, turn.finish_reason, turn.note) == ("so far away", "stop", "")
    assert loaded.resume() is None, "it is at its end now"


def test_an_earlier_message_is_asked_anew(loaded: Dialogue, sent: list[Command]) -> None:
    for number in (1, 2):
        loaded.submit(f"question {number}")
        assert loaded.submit_instead(0, "no") is None, "not while a reply is written"
        loaded.take(finished("yes", id=f"reply-{number}"))
    assert loaded.submit_instead(0, "other")
    assert [m.content for m in sent[-1].messages] == ["be brief", "other"]  # type: ignore[union-attr]
    assert len(loaded.conversation.kept) == 6
