"""What is said of a model's memory before it is loaded."""

from __future__ import annotations

import re
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


def test_a_context_that_alone_is_too_large_is_named(model: Path) -> None:
    options = ModelOptions(n_ctx=1_000_000)
    assert said(model, 9, options).endswith("; choose a context smaller than 1,000,000 tokens.")
    assert said(model, 3, options).endswith(
        "choose a smaller model, or one with a smaller quantisation."
    )


def test_a_load_that_fails_says_both_in_one_sentence(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "here", lambda: main(3))
    for failure in ("m.gguf could not be loaded: bad; try another file.", "No memory."):
        with (
            pytest.raises(SpecdecError) as caught,
            told_of_room(str(model), read_header(model), PLAIN),
        ):
            raise SpecdecError(failure, "memory")
        assert caught.value.kind == "memory"
        assert caught.value.message.startswith(
            f"{failure.removesuffix('; try another file.').removesuffix('.')}; it takes 6.2 GiB in "
        )
        assert caught.value.message.count(". ") == 0


def test_of_a_context_without_room_one_thing_is_said(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "tiny.gguf")
    with pytest.raises(SpecdecError) as caught:
        Session(str(tmp_path / "tiny.gguf"), ModelOptions(n_ctx=2_000_000_000), "auto")
    assert re.fullmatch(
        r"A context of 2,000,000,000 tokens takes [\d.]+ GiB, and [\d.]+ GiB are free; choose a "
        r"smaller one with --ctx, or another cache type\.",
        caught.value.message,
    )


def test_a_target_that_loads_all_the_same_carries_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_model(tmp_path / "tiny.gguf")
    for places, n in ((here(), 0), (main(0), 1)):
        monkeypatch.setattr(room, "here", lambda places=places: places)
        session = Session(str(tmp_path / "tiny.gguf"), PLAIN, "auto")
        assert len([w for w in session.info().warnings if w.startswith("It takes")]) == n
        session.close()
