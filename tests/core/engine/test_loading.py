"""What is loaded once and freed whatever happens."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.engine.costs import CostStore
from core.engine.session import Session
from core.errors import SpecdecError
from core.llama.context import Context
from core.llama.model import Model
from core.protocol import DraftChoice, ModelOptions
from tests.core.engine.conftest import answer, ask
from tests.support.tiny_gguf import write_tiny_model

ONE_THREAD = ModelOptions(n_threads=1)


def test_a_target_whose_file_is_gone_answers_and_is_freed_like_any_other(
    models: Path, tmp_path: Path
) -> None:
    path = tmp_path / "gone.gguf"
    shutil.copy(models / "target.gguf", path)
    session = Session(str(path), ONE_THREAD, 5)
    path.unlink()
    _, end = answer(session, ask("hello"), max_tokens=5)
    assert end.stats.n_tokens == 5
    session.keep_costs()
    session.close()
    assert session.model.handle is None


def test_a_draft_is_loaded_once_with_and_without_the_help_of_lookup(
    session: Session, models: Path
) -> None:
    loaded = []
    for lookup in (True, False, True):
        choice = DraftChoice(kind="model", path=str(models / "good.gguf"), lookup=lookup)
        session.use_drafter(*session.make_drafter(choice), choice)
        assert (session.drafter_info.name, session.drafter_info.lookup) == ("good", lookup)
        loaded.append(session.drafter)
    assert all(drafter is loaded[0] for drafter in loaded)


def test_a_load_that_fails_while_batches_are_measured_leaves_nothing_allocated(
    session: Session, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a reason that is foreseen as for any other."""
    freed: list[str] = []
    close = Model.close

    def seen(model: Model) -> None:
        freed.append(Path(model.path).stem)
        close(model)

    monkeypatch.setattr(Model, "close", seen)
    monkeypatch.setattr(CostStore, "load", lambda *_: None)
    choice = DraftChoice(kind="model", path=str(models / "good.gguf"))
    for error in (SpecdecError("llama.cpp could not decode", "memory"), MemoryError()):

        def fails(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr("core.engine.session.calibrate", fails)
        with pytest.raises(type(error)):
            session.make_drafter(choice)
        with pytest.raises(type(error)):
            Session(str(models / "target.gguf"), ONE_THREAD, 5)
    assert freed == ["good", "target"] * 2


@pytest.mark.parametrize(("arch", "top_k"), [("mamba", 0), ("llama", 8)])
def test_a_context_that_fails_its_trial_is_freed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arch: str, top_k: int
) -> None:
    """The trials find out what can be saved of a state, and what a device can sample."""
    write_tiny_model(tmp_path / "tiny.gguf", arch=arch)
    model = Model(str(tmp_path / "tiny.gguf"), ONE_THREAD)
    freed: list[Context] = []
    close = Context.close

    def seen(context: Context) -> None:
        freed.append(context)
        close(context)

    def fails(*_: object) -> None:
        raise SpecdecError("llama.cpp could not decode", "memory")

    monkeypatch.setattr(Context, "close", seen)
    monkeypatch.setattr(Context, "decode", fails)
    with pytest.raises(SpecdecError):
        Context(model, ONE_THREAD, max_rows=8, top_k=top_k)
    assert [context.handle for context in freed] == [0]
    model.close()
