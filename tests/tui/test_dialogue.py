"""What keys and engine events mean for messages and replies, without a screen and an engine."""

from __future__ import annotations

from dataclasses import replace

from core.protocol import (
    Cancel,
    Command,
    EngineDied,
    Failed,
    Generate,
    ReplyStats,
    Trimmed,
)
from tests.support.dialogue import finished, round_event
from tui.conversation import Conversation, Turn
from tui.dialogue import Dialogue
from tui.effects import Ended, Grew, Notice
from tui.feed import Rounds
from tui.replies import summary
from tui.state import status


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


def test_a_reply_that_goes_on_counts_all_its_tokens(loaded: Dialogue) -> None:
    loaded.submit("hi")
    loaded.take(Rounds("reply-1", "so f", 1, round_event("so f", n_tokens=60)))
    loaded.take(Failed(command="generate", id="reply-1", message="It broke."))
    turn = loaded.resume()
    assert turn
    loaded.take(Rounds("reply-2", "ar", 1, round_event("ar", id="reply-2", n_tokens=8)))
    loaded.take(Failed(command="generate", id="reply-2", message="It broke."))
    assert summary(turn) == ["interrupted", "68 tokens"]
    loaded.resume()
    loaded.take(Rounds("reply-3", " away", 1, round_event(" away", id="reply-3", n_tokens=5)))
    loaded.stop()
    loaded.take(replace(finished(" away", id="reply-3"), stats=ReplyStats(n_tokens=57)))
    assert summary(turn) == ["125 tokens"]
    assert turn.stats and turn.stats.n_tokens == 57, "X-ray knows the last part only"
    saved = loaded.conversation.kept
    (again,) = Conversation.of(loaded.conversation.record(), saved).turns
    assert summary(again) == ["125 tokens"]


def test_of_a_reply_whose_beginning_nobody_counted_the_rest_is_counted(loaded: Dialogue) -> None:
    loaded.open_chat(Conversation(turns=[Turn("hi", "so f", "interrupted")]))
    turn = loaded.resume()
    assert turn
    loaded.take(replace(finished("ar", id="reply-1"), stats=ReplyStats(n_tokens=57)))
    assert summary(turn) == ["+57 tokens"]
    (again,) = Conversation.of(loaded.conversation.record(), loaded.conversation.kept).turns
    assert summary(again) == []
