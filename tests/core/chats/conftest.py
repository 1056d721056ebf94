"""Conversations in a file of the test's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from core.chats.records import Chat, Message, new_id
from core.chats.store import Store
from core.chats.writer import Writer

Talk = tuple[Chat, list[Message]]
PATIENCE_S = 20.0

# The same examples in every run, and none that fails because the machine is busy.
settings.register_profile(
    "certain", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("certain")


def talk(*texts: str, title: str = "") -> Talk:
    """A conversation of these messages, the user's first."""
    messages: list[Message] = []
    for number, text in enumerate(texts):
        parent = messages[-1].id if messages else None
        role, ending = ("assistant", "stop") if number % 2 else ("user", None)
        messages.append(Message(new_id(), parent, role, text, time.time(), ending))  # type: ignore[arg-type]
    now = time.time()
    chat = Chat(new_id(), title or texts[0], "be brief", now, now, messages[-1].id)
    return chat, messages


def growing(message: Message, text: str) -> Message:
    return replace(message, text=text, ending=None, open=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "chats.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    own = Store(path)
    yield own
    own.close()


@pytest.fixture
def told() -> list[str]:
    """What the writers said to the user."""
    return []


@pytest.fixture
def start(path: Path, told: list[str]) -> Iterator[Callable[[], Writer]]:
    """Makes writers to the file, and ends them."""
    made: list[Writer] = []

    def make() -> Writer:
        made.append(Writer(told.append, path))
        return made[-1]

    yield make
    for writer in made:
        writer.close(PATIENCE_S)
