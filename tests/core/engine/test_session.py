"""What is loaded, what the caches keep, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from core.demo import TARGET_PATH
from core.engine.cache import common_prefix
from core.engine.drafters import ModelDrafter
from core.engine.reply import Ended, Grown, Limits, Prefilled, Reply, chunk_size
from core.engine.session import Session
from core.errors import SpecdecError
from core.protocol import ChatMessage, DraftChoice, ModelOptions
from tests.core.engine.conftest import GREEDY, UseDraft, answer, ask, tokens_of
from tests.support.tiny_gguf import TinyModel, write_draft_of, write_tiny_model


def test_common_prefix():
    assert common_prefix([1, 2, 3], [1, 2, 4, 5]) == 2
    assert common_prefix([1, 2], [1, 2, 3]) == 2
    assert common_prefix([], [1]) == 0


def test_a_second_turn_prefills_only_what_is_new(session: Session, use_draft: UseDraft):
    use_draft("good")
    first = ask("Tell me about time")
    _, reply = answer(session, first)
    _, second = answer(session, [*first, *ask("x", reply.text, "and more")[1:]])
    assert second.stats.n_reused >= reply.n_ctx_used - 1
    assert second.stats.n_prefilled < 30
    assert session.drafter._cache.tokens[:20] == session.target.tokens[:20]


def test_an_edited_turn_keeps_what_stands_before_it(session: Session):
    answer(session, ask("word " * 100 + "one"))
    _, edited = answer(session, ask("word " * 100 + "two"))
    assert 90 < edited.stats.n_reused < edited.stats.n_prompt


def test_the_same_prompt_again_is_in_the_cache(session: Session):
    _, one = answer(session, ask("word " * 50))
    _, two = answer(session, ask("word " * 50))
    assert two.stats.n_reused == two.stats.n_prompt - 1
    assert two.stats.n_prefilled == 0
    assert two.text == one.text


def test_a_draft_exchanged_in_mid_reply_changes_no_text(session: Session, use_draft: UseDraft):
    _, alone = answer(session, ask("once upon a time"), max_tokens=90)
    drafters = []
    steps = Reply(session, ask("once upon a time"), GREEDY, Limits(90)).steps()
    for i, step in enumerate(steps):
        if i == 4:
            use_draft("good")
        if i == 9:
            use_draft("lookup")
        if i == 20:
            use_draft("none")
        if i == 25:
            use_draft("good")
        if isinstance(step, Ended):
            end = step
        elif not isinstance(step, Prefilled):
            drafters.append(step.round.drafter)
    assert end.text == alone.text
    assert set(drafters) == {"none", "good", "prompt lookup"}


def test_switching_back_finds_the_draft_still_loaded(session: Session, use_draft: UseDraft):
    use_draft("good")
    before = session.drafter
    use_draft("none")
    use_draft("good")
    assert session.drafter is before
    use_draft("poor")
    use_draft("good")
    assert session.drafter is before


def test_cancel_ends_the_reply_after_the_round(session: Session):
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 5

    steps = list(Reply(session, ask("hello"), GREEDY, Limits(500), cancelled).steps())
    assert steps[-1].finish_reason == "cancelled"
    assert 0 < steps[-1].stats.n_tokens < 10


def test_a_slow_machine_prefills_in_chunks_of_half_a_second():
    assert chunk_size(0, 0.0, 512) == 128
    assert chunk_size(128, 0.01, 512) == 512
    assert chunk_size(128, 1.0, 512) == 64
    assert chunk_size(128, 100.0, 512) == 32


def test_cancel_works_between_the_chunks_of_a_prefill(models: Path):
    session = Session(str(models / "target.gguf"), ModelOptions(n_batch=32, n_threads=1), 5)
    try:
        flags = iter([False, False])
        steps = list(
            Reply(session, ask("word " * 300), GREEDY, Limits(), lambda: next(flags, True)).steps()
        )
        assert steps[-1].finish_reason == "cancelled"
        assert steps[-1].stats.n_tokens == 0
        assert 0 < len(session.target.tokens) < 200
        _, end = answer(session, ask("word " * 300), max_tokens=3)
        assert end.stats.n_reused > 0, "what was prefilled stays"
    finally:
        session.close()


def test_a_cancel_while_the_prompt_is_read_spares_the_draft_the_reading(
    session: Session, use_draft: UseDraft
):
    use_draft("good")
    steps = list(Reply(session, ask("word " * 300), GREEDY, Limits(), lambda: True).steps())
    assert steps[-1].finish_reason == "cancelled"
    assert session.drafter._cache.tokens == []


@pytest.mark.parametrize(
    "messages", [[], ask(""), ask("  \n"), [ChatMessage(role="system", content="x")]]
)
def test_an_empty_prompt_is_refused(session: Session, messages: list[ChatMessage]):
    with pytest.raises(SpecdecError, match="empty"):
        answer(session, messages)


def test_a_template_that_makes_nothing_of_a_conversation_is_named(tmp_path: Path):
    write_tiny_model(tmp_path / "silent.gguf", chat_template="{{ '' }}")
    session = Session(str(tmp_path / "silent.gguf"), ModelOptions(n_threads=1), 5)
    try:
        with pytest.raises(SpecdecError, match="chat template makes nothing"):
            answer(session, ask("hello"))
    finally:
        session.close()


def test_a_prompt_longer_than_the_context_is_refused_and_nothing_is_lost(session: Session):
    answer(session, ask("hello"))
    with pytest.raises(SpecdecError, match=r"the context holds 1,024.*--ctx"):
        answer(session, ask("word " * 3000))
    _, end = answer(session, ask("hello"), max_tokens=5)
    assert end.stats.n_tokens == 5


def test_a_draft_with_another_vocabulary_is_refused_with_the_cause(session: Session, models: Path):
    with pytest.raises(SpecdecError, match=r"other cannot draft.*128"):
        session.make_drafter(DraftChoice(kind="model", path=str(models / "other.gguf")))


def test_a_context_beyond_the_memory_is_refused(models: Path):
    with pytest.raises(SpecdecError, match="--ctx"):
        Session(str(models / "target.gguf"), ModelOptions(n_ctx=2**31 - 1), 5)


def test_the_governor_hears_of_a_draft_when_it_is_used_and_not_on_the_loading_thread(
    session: Session, models: Path
):
    choice = DraftChoice(kind="model", path=str(models / "good.gguf"))
    made = session.make_drafter(choice)
    assert not session.governor._tracks
    session.use_drafter(*made, choice)
    assert session.governor._tracks["good"].step_s


@pytest.mark.parametrize("length", [5, "auto"])
def test_a_draft_with_a_smaller_context_stops_drafting_and_says_why(
    session: Session, models: Path, length: int | Literal["auto"]
):
    session.governor.draft_len = length
    options = ModelOptions(n_ctx=256, n_threads=1)
    choice = DraftChoice(kind="model", path=str(models / "good.gguf"), options=options)
    session.use_drafter(*session.make_drafter(choice), choice)
    rounds, end = answer(session, ask("word " * 60), max_tokens=300)
    assert end.stats.n_tokens == 300
    beyond = [g.round for g in rounds if g.n_ctx_used - len(g.round.tokens) >= 256]
    drafted = {round_.drafter for round_ in beyond if round_.drafted}
    assert drafted <= ({"prompt lookup"} if length == "auto" else set())
    silent, why = [r.plan for r in beyond if not r.drafted], "draft's context is full"
    assert silent
    assert all(plan.paused and plan.reason == why for plan in silent)
    _, long = answer(session, ask("word " * 130), max_tokens=20)
    assert long.stats.n_tokens == 20
    rounds, _ = answer(session, ask("hello"), max_tokens=60)
    assert all(g.round.plan.reason != why for g in rounds), "a short conversation is drafted again"
    assert length == "auto" or any(g.round.drafted for g in rounds)


def test_a_cancel_while_a_draft_reads_the_text_ends_the_reply(
    session: Session, use_draft: UseDraft, monkeypatch: pytest.MonkeyPatch
):
    """A draft that was exchanged in mid-reply is not made to read all of it for one more round."""
    cancelled = False

    def begin(_self: ModelDrafter, _tokens: list[int], go_on: Callable[[int], bool]) -> bool:
        nonlocal cancelled
        cancelled = True
        return go_on(1)

    made = 0
    reply = Reply(session, ask("hello"), GREEDY, Limits(500), lambda: cancelled)
    for step in reply.steps():
        if isinstance(step, Grown):
            assert not cancelled
            made += 1
            if made == 4:
                monkeypatch.setattr(ModelDrafter, "begin", begin)
                use_draft("good")
    assert step.finish_reason == "cancelled"
    assert made == 4


def test_a_draft_with_a_larger_padded_vocabulary_never_proposes_what_the_target_lacks(
    models: Path, tmp_path: Path
):
    write_tiny_model(
        tmp_path / "padded.gguf", vocab_size=600, n_layer=1, n_embd=64, n_ctx_train=1024
    )
    session = Session(str(models / "target.gguf"), ModelOptions(n_threads=1), 5)
    try:
        choice = DraftChoice(kind="model", path=str(tmp_path / "padded.gguf"))
        session.use_drafter(*session.make_drafter(choice), choice)
        rounds, _ = answer(session, ask("hello"), max_tokens=40)
        drafted = [t for g in rounds for t in g.round.drafted]
        assert drafted
        assert max(drafted) < 512
    finally:
        session.close()


def test_a_draft_that_lacks_the_last_tokens_of_the_target_drafts_all_the_same(
    session: Session, tmp_path: Path
):
    target = TinyModel(vocab_size=512, n_layer=2, n_embd=64, n_ctx_train=1024, name="big")
    write_draft_of(tmp_path / "short.gguf", target, noise=0.02, vocab_size=400)
    _, alone = answer(session, ask("once upon a time"), max_tokens=120)
    choice = DraftChoice(kind="model", path=str(tmp_path / "short.gguf"))
    session.use_drafter(*session.make_drafter(choice), choice)
    rounds, end = answer(session, ask("once upon a time"), max_tokens=120)
    text = session.conversation.prompt(ask("once upon a time")).tokens + tokens_of(rounds)
    assert max(text) >= 400
    assert end.text == alone.text
    assert end.stats.n_accepted > 10


@pytest.mark.parametrize("length", [5, "auto"])
def test_the_draft_length_in_the_end_is_the_last_one_chosen(
    session: Session, use_draft: UseDraft, length: int | Literal["auto"]
) -> None:
    """Also where the last round had no room for a draft, since the reply was at its limit."""
    answer(session, ask("once upon a time"), max_tokens=20)  # the target alone is known
    session.governor.draft_len = length
    use_draft("good")
    rounds, end = answer(session, ask("once upon a time"), max_tokens=41)
    last = rounds[-1].round
    while last.plan.length is None:
        rounds.pop()
        last = rounds[-1].round
    assert end.stats.draft_len == last.plan.length
    assert length in ("auto", end.stats.draft_len)


def test_prompt_lookup_helps_a_draft_model_and_the_text_stays_the_same(
    session: Session, use_draft: UseDraft
) -> None:
    words = "the and of to a in is that it for was on are as with his they at be this from "
    question = ask(words * 4 + "say it again: " + words)
    _, alone = answer(session, question, max_tokens=80)
    session.governor.draft_len = "auto"
    use_draft("poor")
    assert [d.name for d in session.drafters] == ["poor", "prompt lookup"]
    rounds, end = answer(session, question, max_tokens=80)
    assert end.text == alone.text
    assert {grown.round.drafter for grown in rounds} <= {"poor", "prompt lookup"}


def test_a_draft_model_can_go_without_lookup(session: Session, models: Path) -> None:
    choice = DraftChoice(kind="model", path=str(models / "good.gguf"), lookup=False)
    session.use_drafter(*session.make_drafter(choice), choice)
    assert [d.name for d in session.drafters] == ["good"]
    assert not session.drafter_info.lookup


def test_drafts_with_the_same_file_name_are_told_apart(
    session: Session, models: Path, tmp_path: Path
) -> None:
    twin = tmp_path / "good.gguf"
    twin.symlink_to(models / "good.gguf")
    names = []
    for path in (models / "good.gguf", twin):
        choice = DraftChoice(kind="model", path=str(path))
        session.use_drafter(*session.make_drafter(choice), choice)
        names.append(session.drafter_info.name)
    assert names == ["good", str(twin)]


def test_sliding_window_models_take_a_draft(tmp_path: Path):
    target = write_tiny_model(tmp_path / "g.gguf", arch="gemma3", vocab_size=512)
    assert target.arch == "gemma3"
    session = Session(str(tmp_path / "g.gguf"), ModelOptions(n_threads=1), 4)
    try:
        _, alone = answer(session, ask("once upon a time"), max_tokens=60)
        choice = DraftChoice(kind="model", path=str(tmp_path / "g.gguf"))
        session.use_drafter(*session.make_drafter(choice), choice)
        _, drafted = answer(session, ask("once upon a time"), max_tokens=60)
        assert drafted.text == alone.text
        assert drafted.stats.acceptance_rate > 0.9
    finally:
        session.close()


def test_a_context_too_small_for_a_batch_is_made_larger(models: Path):
    session = Session(str(models / "target.gguf"), ModelOptions(n_ctx=1, n_threads=1), "auto")
    try:
        assert session.target.n_ctx == 256
        with pytest.raises(SpecdecError, match="the context holds 256"):
            answer(session, ask("word " * 300))
        _, end = answer(session, ask("word"), max_tokens=5)
        assert end.stats.n_tokens == 5
    finally:
        session.close()


def test_a_reply_cut_in_the_middle_of_a_character_goes_on_with_its_other_half() -> None:
    session = Session(str(TARGET_PATH), ModelOptions(n_threads=1), 0)
    question = "What is the quadratic equation formula?"
    try:
        _, whole = answer(session, ask(question))
        assert "√" in whole.text and whole.finish_reason == "stop"
        for n in range(20, 40):
            _, first = answer(session, ask(question), max_tokens=n)
            assert whole.text.startswith(first.text), "no broken character"
            _, rest = answer(session, ask(question, first.text))
            assert first.text + rest.text == whole.text, n
            _, first = answer(session, ask(question), max_tokens=n)
            session.conversation.forget()  # as after a restart: there is nothing but the text
            _, rest = answer(session, ask(question, first.text))
            assert "\ufffd" not in rest.text, n
    finally:
        session.close()
