"""A model on a FakeHub, and what is left of it after a download that failed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import SpecdecError
from core.models.download import Downloaded, download
from core.models.hub import choose_file, repository
from core.models.hub_cache import PARTIAL
from core.models.hub_connection import Hub
from tests.support.fake_hub import FakeHub, sha256

REPO, FILE = "org/Tiny-GGUF", "Tiny-Q8_0.gguf"
CONTENT = b"GGUF" + hashlib.shake_128(b"a model").digest(399_996)
SIZE = len(CONTENT)
CHECKSUM = sha256(CONTENT)


def fetch(hub: Hub, wanted: str = "", repo: str = REPO, **options: Any) -> Downloaded:
    return download(repo, choose_file(repository(repo, hub), wanted), hub, **options)


def failure(hub: Hub, kind: str = "hub", **options: Any) -> str:
    with pytest.raises(SpecdecError) as caught:
        fetch(hub, **options)
    assert caught.value.kind == kind
    text = caught.value.message
    assert text.isprintable() and len(text) < 500 and text.endswith(".")
    assert "signature" not in text
    return text


def message(work: Callable[[], Any], kind: str = "hub") -> str:
    """The sentence with which `work` fails."""
    with pytest.raises(SpecdecError) as caught:
        work()
    assert caught.value.kind == kind
    assert caught.value.message.isprintable() and len(caught.value.message) < 400
    return caught.value.message


def partial(hub: Hub, checksum: str = CHECKSUM) -> Path:
    return hub.folder / "models--org--Tiny-GGUF/blobs" / (checksum + PARTIAL)


def kept(hub: Hub) -> int:
    """Bytes that a failure left, which must be the file's own."""
    place = partial(hub)
    if not place.exists():
        return 0
    found = place.read_bytes()
    assert CONTENT.startswith(found)
    return len(found)


def whole(hub: Hub, result: Downloaded) -> bool:
    assert not partial(hub).exists()
    return result.path.read_bytes() == CONTENT


def ranges(server: FakeHub) -> list[str]:
    return [asked.headers["range"] for asked in server.asked("cdn")]
