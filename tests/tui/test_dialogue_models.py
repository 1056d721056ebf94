"""What keys and engine events mean for targets and drafts, without a screen and an engine."""

from __future__ import annotations

from dataclasses import replace

from core.protocol import (
    Command,
    DraftChanged,
    EngineDied,
    Failed,
    Generate,
    Load,
    Loaded,
    SetDraft,
    TokenPiece,
)
from tests.support.dialogue import MODEL, OFFER, drafter, finished, info, round_event
from tui.choices import LOOKUP, NONE, Offer
from tui.dialogue import Dialogue
from tui.effects import Ended, Notice
from tui.feed import coalesce
from tui.state import status


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


def test_another_target_has_a_vocabulary_of_its_own(loaded: Dialogue) -> None:
    turn = loaded.submit("hi")
    named = replace(round_event("a"), pieces=[TokenPiece(id=1, piece="the")])
    for item in coalesce([named, finished("a")]):
        loaded.take(item)
    loaded.take(Loaded(target=info("/m/other.gguf"), drafter=drafter(NONE)))
    other = loaded.submit("hi")
    assert turn and turn.trace and turn.trace.vocabulary == {1: b"the"}
    assert other and other.trace and other.trace.vocabulary == {}


def test_exchanging_the_draft_begins_an_experiment(loaded: Dialogue) -> None:
    loaded.take(DraftChanged(drafter=drafter(MODEL)))
    assert loaded.state.experiment is None, "the same draft again is none"
    loaded.take(DraftChanged(drafter=drafter(LOOKUP)))
    experiment = loaded.state.experiment
    assert experiment and (experiment.before, experiment.after) == (MODEL.key, "lookup")


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
