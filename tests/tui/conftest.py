"""Tiny models, and the app on them with a real engine process; nothing of this machine's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.configuration import load_settings
from core.protocol import Command, Loaded
from core.settings import Settings
from tests.support.dialogue import MODEL, OFFER, drafter, info
from tests.support.pilot import wait_until
from tests.support.stillness import wait_for_rest
from tests.support.terminal import Screen
from tests.support.tiny_gguf import write_draft_of, write_tiny_model
from tui.actions import drafts
from tui.app import SpecdecApp
from tui.dialogue import Dialogue
from tui.widgets import divider

Running = AbstractAsyncContextManager[tuple[SpecdecApp, Pilot[None]]]
Start = Callable[..., Running]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a target, a draft that fits it and a small model that does not."""
    folder = tmp_path_factory.mktemp("models")
    target = write_tiny_model(folder / "target.gguf", n_layer=8, n_embd=192, n_ctx_train=8192)
    write_draft_of(folder / "draft.gguf", target, noise=0.02, n_layer=1)
    write_tiny_model(folder / "other.gguf", vocab_size=900, n_embd=16)
    return folder


@pytest.fixture(autouse=True)
def own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration, no models and no theme of the user who runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "config.toml").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("SPECDEC_CONFIG", str(tmp_path / "config.toml"))
    for name in ("HF_HOME", "HF_HUB_CACHE", "LLAMA_CACHE", "OLLAMA_MODELS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def certain_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a key leads to within the app has come when the pilot has pressed it."""
    wait_for_rest(monkeypatch)


@pytest.fixture(autouse=True)
def patient_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hints and toasts, which are there for seconds: a busy machine may look for them later."""
    monkeypatch.setattr(divider, "HINT_S", 3600.0)
    monkeypatch.setattr(drafts, "RESULT_S", 3600.0)
    monkeypatch.setattr(SpecdecApp, "NOTIFICATION_TIMEOUT", 3600.0)


@pytest.fixture(autouse=True)
def no_app_left() -> Iterator[None]:
    """Of those in a terminal of their own, whatever becomes of the test."""
    yield
    Screen.end_all()


@pytest.fixture
def start(models: Path) -> Start:
    """`async with start(max_tokens=50) as (app, pilot)`: the app with its models loaded."""

    @asynccontextmanager
    async def run(
        size: tuple[int, int] = (120, 34), loaded: bool = True, **flags: Any
    ) -> AsyncIterator[tuple[SpecdecApp, Pilot[None]]]:
        given = {
            "target": str(models / "target.gguf"),
            "draft": str(models / "draft.gguf"),
            "temperature": 0.0,
            "threads": 1,
            "max_tokens": 120,
        }
        app = SpecdecApp(load_settings(given | flags))
        async with app.run_test(size=size) as pilot:
            if loaded:
                await wait_until(pilot, lambda: app.dialogue.state.target is not None)
            yield app, pilot

    return run


# ------------------------------------------------------------------ without a screen and an engine


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
