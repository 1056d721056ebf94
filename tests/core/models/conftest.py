"""A Hub on loopback for the tests that ask one, without the token of the user who runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.models.hub_connection import Hub
from tests.support.fake_hub import FakeHub, fake_hub


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """A running Hub with nothing in it."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with fake_hub() as server:
        yield server


@pytest.fixture
def hub(server: FakeHub, tmp_path: Path) -> Hub:
    """How it is reached: with a cache folder of the test's own, and without waits."""
    return Hub(server.url, tmp_path / "cache", patience_s=10, waits_s=(0, 0, 0))
