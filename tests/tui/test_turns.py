"""A conversation in memory: turns, branches, and what is kept of them."""

from __future__ import annotations

from dataclasses import replace

from core.chats.records import Message
from core.protocol import ReplyStats
from tui.conversation import Conversation, Turn
from tui.shown import shown_messages


def answer(conversation: Conversation, turn: Turn, reply: str, ending: str = "stop") -> Turn:
    conversation.keep(turn, True)
    turn.reply, turn.finish_reason = reply, ending  # type: ignore[assignment]
    conversation.keep(turn, False)
    return turn


def talk(*texts: str) -> Conversation:
    conversation = Conversation("be brief")
    for prompt, reply in zip(texts[::2], texts[1::2], strict=True):
        answer(conversation, conversation.ask(prompt), reply)
    return conversation


def shown(conversation: Conversation) -> list[tuple[str, str]]:
    return [(turn.prompt, turn.reply) for turn in conversation.turns]


def again(conversation: Conversation) -> Conversation:
    """As it comes back from disk."""
    return Conversation.of(conversation.record(), conversation.kept)


def test_it_comes_back_as_it_was_kept() -> None:
    conversation = talk("one", "two", "three", "four")
    conversation.turns[-1].stats = ReplyStats(n_tokens=7)
    answer(conversation, conversation.turns[-1], "four", "length")
    back = again(conversation)
    assert shown(back) == [("one", "two"), ("three", "four")]
    assert (back.id, back.title, back.system) == (conversation.id, "one", "be brief")
    last = back.turns[-1]
    assert last.stats == ReplyStats(n_tokens=7) and last.finish_reason == "length"
    assert [m.content for m in back.messages()] == ["be brief", "one", "two", "three"]


def test_another_answer_stands_beside_the_first() -> None:
    conversation = talk("one", "two", "three", "four")
    turn = conversation.reopen_last()
    assert turn and [m.content for m in conversation.messages()][-1] == "three"
    answer(conversation, turn, "five")
    assert shown(conversation) == [("one", "two"), ("three", "five")]
    places = [message.place for message in shown_messages(conversation, conversation.turns)]
    assert places == ["", "", "", "2/2"]
    assert conversation.walk(-1) == conversation.turns[-1].reply_id
    assert shown(conversation)[-1] == ("three", "four")
    assert conversation.walk(-1) is None and shown(conversation)[-1] == ("three", "four")
    assert shown(again(conversation)) == shown(conversation), "the branch shown is kept"


def test_an_answer_without_a_word_makes_way() -> None:
    conversation = talk("one", "")
    turn = conversation.reopen_last()
    assert turn
    answer(conversation, turn, "two")
    assert len(conversation.kept) == 2 and conversation.places() == {}


def test_an_earlier_message_written_anew_begins_a_branch() -> None:
    conversation = talk("one", "two", "three", "four", "five", "six")
    answer(conversation, conversation.ask_instead(1, "other"), "answer")
    assert shown(conversation) == [("one", "two"), ("other", "answer")]
    prompt = conversation.turns[1].prompt_id
    assert conversation.walk(-1, prompt) == conversation.turns[1].prompt_id != prompt
    assert shown(conversation) == [("one", "two"), ("three", "four"), ("five", "six")]
    answer(conversation, conversation.ask_instead(0, "first"), "reply")
    assert shown(conversation) == [("first", "reply")]
    places = [message.place for message in shown_messages(conversation, conversation.turns)]
    assert places == ["2/2", ""]
    hidden = next(m.id for m in conversation.kept.values() if m.text == "answer")
    assert conversation.show_message(hidden)
    assert shown(conversation) == [("one", "two"), ("other", "answer")]
    assert not conversation.show_message(12345)


def test_a_reply_that_was_broken_off_is_continued() -> None:
    conversation = talk("one", "two")
    assert conversation.resume_last() is None and Conversation().resume_last() is None
    answer(conversation, conversation.ask("three"), "four and", "cancelled")
    turn = conversation.resume_last()
    assert turn and turn.begun == "four and"
    assert [(m.role, m.content) for m in conversation.messages()][-1] == ("assistant", "four and")


def test_a_message_whose_reply_never_came_is_shown_and_asked_about_again() -> None:
    conversation = talk("one", "two", "three", "x")
    messages = {m.id: m for m in conversation.kept.values() if m.text != "x"}
    chat = replace(conversation.record(), leaf=max(messages))
    back = Conversation.of(chat, messages)
    assert shown(back)[-1] == ("three", "") and back.turns[-1].finish_reason == "interrupted"
    turn = back.ask("four")
    _, kept = back.keep(turn, True)
    roles = [message.role for message in kept]
    assert roles == ["assistant", "user", "assistant"], "the answer that is missing, too"
    assert [m.content for m in back.messages()] == ["be brief", "one", "two", "four"]


def test_what_is_no_conversation_is_shown_as_far_as_it_can_be() -> None:
    chat = talk("one", "two").record()
    stray = Message(5, 4, "assistant", "nobody asked", 1.0)
    assert Conversation.of(chat, {5: stray}).turns == []
    assert Conversation.of(chat, {}).turns == []
