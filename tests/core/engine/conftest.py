"""Tiny models that the engine's tests load: a target, drafts of it, and odd ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.engine.reply import Ended, Grown, Limits, Prefilled, Reply
from core.engine.session import Session
from core.llama import log
from core.protocol import ChatMessage, DraftChoice, ModelOptions, Sampling
from tests.support.tiny_gguf import TinyModel, write_draft_of, write_tiny_model

GREEDY = Sampling(temperature=0)


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    log.capture_log(show=False)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with target.gguf, its drafts good.gguf and poor.gguf, and other.gguf, which has
    another vocabulary."""
    folder = tmp_path_factory.mktemp("models")
    target: TinyModel = write_tiny_model(
        folder / "target.gguf", vocab_size=512, n_layer=2, n_embd=64, n_ctx_train=1024, name="big"
    )
    write_draft_of(folder / "good.gguf", target, noise=0.02, name="good")
    write_draft_of(folder / "poor.gguf", target, noise=0.6, name="poor")
    write_tiny_model(folder / "other.gguf", vocab_size=900, name="other")
    return folder


@pytest.fixture
def session(models: Path) -> Iterator[Session]:
    """The target, without a draft, at a fixed draft length of 5."""
    session = Session(str(models / "target.gguf"), ModelOptions(n_threads=1), 5)
    yield session
    session.close()


UseDraft = Callable[[str], None]


@pytest.fixture
def use_draft(session: Session, models: Path) -> UseDraft:
    """Puts `good`, `poor`, `lookup` or `none` to use."""

    def use(name: str) -> None:
        if name in ("lookup", "none"):
            choice = DraftChoice(kind=name)
        else:
            choice = DraftChoice(kind="model", path=str(models / f"{name}.gguf"))
        session.use_drafter(*session.make_drafter(choice), choice)

    return use


def ask(text: str, *more: str) -> list[ChatMessage]:
    """A conversation of alternating user and assistant messages."""
    roles = ("user", "assistant")
    return [ChatMessage(role=roles[i % 2], content=t) for i, t in enumerate((text, *more))]


def answer(
    session: Session,
    messages: list[ChatMessage],
    sampling: Sampling = GREEDY,
    max_tokens: int = 60,
    stop: tuple[str, ...] = (),
) -> tuple[list[Grown], Ended]:
    """Make a whole reply; its rounds and its end."""
    steps = list(Reply(session, messages, sampling, Limits(max_tokens, stop)).steps())
    end = steps[-1]
    assert isinstance(end, Ended)
    assert all(isinstance(step, Prefilled | Grown) for step in steps[:-1])
    return [step for step in steps if isinstance(step, Grown)], end


def tokens_of(rounds: list[Grown]) -> list[int]:
    """The tokens of a reply."""
    return [token for grown in rounds for token in grown.round.tokens]
