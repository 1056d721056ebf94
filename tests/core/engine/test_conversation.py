"""Conversations that outgrow the context."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.engine.conversation import Prompt, turns
from core.engine.reply import Ended, Grown, Limits, Reply, Trimmed
from core.engine.session import Session
from core.errors import SpecdecError
from core.protocol import ChatMessage, DraftChoice, ModelOptions, Sampling

GREEDY = Sampling(temperature=0)
N_CTX = 256


def user(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def assistant(text: str) -> ChatMessage:
    return ChatMessage(role="assistant", content=text)


SYSTEM = ChatMessage(role="system", content="be brief")


@pytest.fixture
def open_session(models: Path) -> Iterator[Callable[..., Session]]:
    opened: list[Session] = []

    def open_(n_ctx: int = N_CTX) -> Session:
        options = ModelOptions(n_threads=1, n_ctx=n_ctx)
        opened.append(Session(str(models / "target.gguf"), options, "auto"))
        return opened[-1]

    yield open_
    for session in opened:
        session.close()


def long_chat(n_turns: int) -> list[ChatMessage]:
    """A system prompt, and turns of about thirty tokens each; the last is a question."""
    messages = [SYSTEM]
    for i in range(n_turns):
        messages += [user(f"question {i}"), assistant(f"answer {i}")]
    return messages[:-1]


def prompt_text(session: Session, prompt: Prompt) -> str:
    return b"".join(session.model.piece(t) for t in prompt.tokens).decode()


def run(session: Session, messages: list[ChatMessage], n: int) -> tuple[list[Trimmed], Ended, int]:
    """What was trimmed, the end, and the tokens counted over the rounds."""
    trimmed, end, n_tokens = [], None, 0
    for step in Reply(session, messages, GREEDY, Limits(n)).steps():
        match step:
            case Trimmed():
                trimmed.append(step)
            case Grown():
                n_tokens += len(step.round.tokens)
            case Ended():
                end = step
    assert end is not None
    return trimmed, end, n_tokens


def test_turns_begin_with_the_users_messages():
    chat = [SYSTEM, user("a"), assistant("b"), user("c"), assistant("d"), user("e")]
    assert turns(chat) == (1, [1, 3, 5])
    assert turns(chat[1:]) == (0, [0, 2, 4])
    assert turns([SYSTEM]) == (1, [])


def test_a_full_context_loses_the_oldest_turns_and_never_the_system_prompt(open_session):
    session = open_session()
    prompt = session.conversation.prompt(long_chat(12))
    text = prompt_text(session, prompt)
    assert 0 < prompt.n_left_out < 23
    assert prompt.n_left_out % 2 == 0, "a question goes with its answer"
    assert text.startswith("system\nbe brief")
    assert "question 11" in text
    assert "question 0" not in text
    assert len(prompt.tokens) <= N_CTX * 0.75


def test_what_fits_is_left_alone(open_session):
    prompt = open_session().conversation.prompt(long_chat(2))
    assert prompt.n_left_out == 0


def test_what_was_left_out_stays_out_so_that_the_cache_is_of_use(open_session):
    session, chat = open_session(512), long_chat(24)
    first, end, _ = run(session, chat, 4)
    chat += [assistant(end.text), user("more")]
    again, end, _ = run(session, chat, 4)
    assert again == first
    assert end.stats.n_reused > end.stats.n_prompt / 2


def test_another_conversation_starts_whole(open_session):
    session = open_session()
    assert session.conversation.prompt(long_chat(12)).n_left_out
    assert session.conversation.prompt(long_chat(2)).n_left_out == 0


def test_a_last_message_that_is_too_long_is_refused(open_session):
    session = open_session()
    with pytest.raises(SpecdecError, match=r"context holds 256; shorten it"):
        session.conversation.prompt([*long_chat(3), assistant("yes"), user("word " * 400)])


@pytest.mark.parametrize("draft", ["none", "good", "lookup"])
def test_a_reply_goes_on_beyond_the_context(open_session, models: Path, draft: str):
    session = open_session()
    chat = long_chat(4)
    room = N_CTX - len(session.conversation.prompt(chat).tokens)
    session.conversation.forget()
    if draft != "none":
        path = str(models / "good.gguf") if draft == "good" else None
        choice = DraftChoice(kind="model" if path else "lookup", path=path)
        session.use_drafter(*session.make_drafter(choice), choice)
    trimmed, end, n_tokens = run(session, chat, room + 30)
    assert [t.n_ctx for t in trimmed] == [N_CTX]
    assert trimmed[0].n_messages in (2, 4, 6)
    assert n_tokens == end.stats.n_tokens == room + 30
    assert end.finish_reason == "length"
    assert end.stats.n_prompt == end.stats.n_reused + end.stats.n_prefilled + 1


def test_a_seed_gives_the_same_long_reply_with_any_draft(open_session, models: Path):
    chat, texts = long_chat(4), set()
    for path in (None, str(models / "good.gguf")):
        session = open_session()
        if path:
            choice = DraftChoice(kind="model", path=path)
            session.use_drafter(*session.make_drafter(choice), choice)
        sampling = Sampling(temperature=0.8, seed=5)
        steps = list(Reply(session, chat, sampling, Limits(150)).steps())
        assert any(isinstance(step, Trimmed) for step in steps)
        texts.add(steps[-1].text)
    assert len(texts) == 1


def test_a_cancel_while_room_is_made_adds_no_token(open_session):
    trimmed: list[int] = []
    made: list[int] = []
    reply = Reply(open_session(), long_chat(4), GREEDY, Limits(1000), lambda: bool(trimmed))
    for step in reply.steps():
        match step:
            case Trimmed():
                trimmed.append(len(made))
            case Grown():
                made += step.round.tokens
            case Ended():
                assert step.finish_reason == "cancelled"
    assert trimmed == [len(made)]


def test_a_reply_that_fills_the_context_alone_ends_there(open_session):
    _, end, _ = run(open_session(), [user("go on")], 1000)
    assert end.finish_reason == "context"
    assert end.n_ctx_used >= N_CTX
