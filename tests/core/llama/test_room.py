"""What is said of a model's memory before it is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.engine.session import Session
from core.errors import SpecdecError
from core.llama import log, room
from core.llama.dry_run import measure_memory
from core.llama.room import here, room_for, told_of_room
from core.models.gguf import read_header
from core.models.memory import GIB, MAIN, Device
from core.protocol import ModelOptions
from tests.support.sparse_gguf import QWEN3_8B, write_sparse
from tests.support.tiny_gguf import write_tiny_model

PLAIN = ModelOptions()


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    log.capture_log(show=False)
    yield
    log.capture_log()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sparse(tmp_path_factory.mktemp("room") / "m.gguf", QWEN3_8B)


def main(free: float) -> list[Device]:
    return [Device(MAIN, "CPU", round(free * GIB), 16 * GIB)]


def said(model: Path, free: float, options: ModelOptions = PLAIN) -> str:
    return room_for(str(model), read_header(model), options, main(free))


def test_where_there_is_plenty_nothing_is_said_and_llama_cpp_not_asked(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "measure_memory", lambda *_: pytest.fail("it was asked"))
    assert said(model, 16) == ""
    assert room_for(str(model), read_header(model), PLAIN, [Device(MAIN, "CPU", None, 0)]) == ""


def test_where_it_is_close_llama_cpp_decides(model: Path) -> None:
    needed = measure_memory(model, PLAIN).total / GIB + 1  # which is left free
    assert said(model, needed + 0.01) == ""
    assert said(model, needed - 0.01).startswith("It takes 6.")


def test_what_would_fit_is_said(model: Path) -> None:
    assert said(model, 6.8) == (
        "It takes 6.2 GiB in main memory, where 5.8 GiB can be had; it fits with a q8_0 cache."
    )
    assert "it fits with a context of 4,096 tokens" in said(model, 5.9)
    assert said(model, 3).endswith("choose a smaller model, or one with a smaller quantisation.")


def test_a_split_model_is_reckoned_as_a_whole(tmp_path: Path) -> None:
    first = write_sparse(tmp_path / "m.gguf", QWEN3_8B, parts=3)
    assert said(first, 6.8).startswith("It takes 6.2 GiB")


def test_a_load_that_fails_says_both(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "here", lambda: main(3))
    with (
        pytest.raises(
            SpecdecError, match=r"^No memory\. It takes 6\.2 GiB in main memory"
        ) as caught,
        told_of_room(str(model), read_header(model), PLAIN),
    ):
        raise SpecdecError("No memory.", "memory")
    assert caught.value.kind == "memory"


def test_a_target_that_loads_all_the_same_carries_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_model(tmp_path / "tiny.gguf")
    for places, n in ((here(), 0), (main(0), 1)):
        monkeypatch.setattr(room, "here", lambda places=places: places)
        session = Session(str(tmp_path / "tiny.gguf"), PLAIN, "auto")
        assert len([w for w in session.info().warnings if w.startswith("It takes")]) == n
        session.close()
