"""In which order the engine carries out what it is told, driven without a process around it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from core.engine.session import Session
from core.protocol import (
    Cancel,
    ChatMessage,
    Command,
    DraftChanged,
    DraftChoice,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    ModelOptions,
    Round,
    Sampling,
    SetDraft,
    SetDraftLen,
    Shutdown,
)
from core.worker import Worker
from tests.support.tiny_gguf import write_draft_of, write_tiny_model

ONE_THREAD = ModelOptions(n_threads=1)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    target = write_tiny_model(folder / "target.gguf", n_layer=2, n_embd=64, n_ctx_train=8192)
    for name in ("a", "b"):
        write_draft_of(folder / f"{name}.gguf", target, noise=0.02)
    return folder


def load(models: Path, name: str = "target.gguf") -> Load:
    return Load(target=str(models / name), options=ONE_THREAD)


def draft(models: Path, name: str) -> SetDraft:
    choice = DraftChoice(kind="model", path=str(models / f"{name}.gguf"), options=ONE_THREAD)
    return SetDraft(draft=choice)


def generate(id: str, max_tokens: int = 5) -> Generate:
    return Generate(
        id=id,
        messages=[ChatMessage(role="user", content="once upon")],
        sampling=Sampling(temperature=0),
        max_tokens=max_tokens,
    )


class Driver:
    """A worker, what it is told at first, what it is told at the n-th round, and what it said."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.at_round: dict[int, Callable[[], None]] = {}
        self.worker = Worker(self._take)
        self._n_rounds = 0

    def run(self, *commands: Command) -> None:
        """Carry all of it out, and end; or when told so at a round."""
        self.tell(*commands, *(() if self.at_round else (Shutdown(),)))
        self.worker.run()

    def tell(self, *commands: Command) -> None:
        for command in commands:
            self.worker.post(command)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def _take(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Round):
            self._n_rounds += 1
            if then := self.at_round.get(self._n_rounds):
                then()


def test_a_cancel_that_comes_too_late_does_not_end_a_later_reply_of_that_name(
    models: Path,
) -> None:
    driver = Driver()
    driver.run(load(models), generate("1"))
    driver.run(Cancel(id="1"), Cancel(id="never heard of"), generate("1"))
    assert [event.finish_reason for event in driver.of(Finished)] == ["length", "length"]
    assert not driver.worker._asked


def test_the_first_token_is_waited_for_from_the_moment_the_reply_was_asked_for(
    models: Path,
) -> None:
    """Not from when the engine had time for it."""
    driver = Driver()
    driver.run(load(models), generate("1", 20), generate("2"))
    first, second = driver.of(Finished)
    took = first.stats.n_tokens / first.stats.decode_tok_s
    assert second.stats.ttft_s > first.stats.ttft_s + 0.9 * took


def test_a_reply_is_cancelled_while_another_one_is_made(models: Path) -> None:
    driver = Driver()
    driver.at_round[2] = lambda: driver.tell(Cancel(id="2"), Shutdown())
    driver.run(load(models), *(generate(id) for id in "123"))
    ends = [(event.id, event.finish_reason) for event in driver.of(Finished)]
    assert ends == [("1", "length"), ("2", "cancelled"), ("3", "length")]


def test_what_is_said_of_a_target_that_is_still_to_be_loaded_waits_for_it(models: Path) -> None:
    driver = Driver()
    driver.at_round[3] = lambda: driver.tell(
        load(models), draft(models, "a"), SetDraftLen(draft_len=3), Shutdown()
    )
    driver.run(load(models), generate("1", 20))
    kinds = [type(event) for event in driver.events if isinstance(event, Loaded | DraftChanged)]
    assert kinds == [Loaded, Loaded, DraftChanged]
    assert driver.worker._session
    assert driver.worker._session.drafter.name == "a"
    assert driver.worker._session.governor.draft_len == 3


def test_drafts_asked_for_in_a_row_load_one_at_a_time_and_only_as_long_as_they_are_wanted(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, all_told = [], threading.Event()
    make = Session.make_drafter

    def slow(session: Session, choice: DraftChoice, *rest: Callable[[float], None]) -> object:
        begun.append(choice.path)
        assert all_told.wait(30)
        return make(session, choice, *rest)

    def ask_for_all() -> None:
        monkeypatch.setattr(Session, "make_drafter", slow)
        driver.tell(*(draft(models, name) for name in "abab"), Shutdown())

    driver = Driver()
    driver.at_round = {3: ask_for_all, 4: all_told.set}
    driver.run(load(models), generate("1", 40))
    assert [event.drafter.name for event in driver.of(DraftChanged)] == ["b"]
    assert [Path(path).stem for path in begun] in (["a", "b"], ["b"])
    assert not driver.of(Failed)


def test_what_rounds_take_while_a_draft_loads_is_no_measure_of_the_target_alone(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading takes the cores from them: a target measured then would flatter every draft."""
    loading, enough = threading.Event(), threading.Event()
    make = Session.make_drafter
    measured: list[int] = []

    def slow(session: Session, *rest: object) -> object:
        loading.set()
        assert enough.wait(30)
        return make(session, *rest)

    def ask_for_one() -> None:
        monkeypatch.setattr(Session, "make_drafter", slow)
        driver.tell(draft(models, "a"))

    def count() -> None:
        session = driver.worker._session
        measured.append(sum(map(len, session.baseline._seconds.values())))

    def load_it() -> None:
        count()
        enough.set()

    driver = Driver()
    driver.at_round = {4: ask_for_one, 5: count, 20: load_it, 39: lambda: driver.tell(Shutdown())}
    driver.run(load(models), generate("1", 40))
    assert loading.is_set()
    assert measured[0] == measured[1] == 3, "rounds 2, 3 and 4"
    assert driver.of(DraftChanged)
    assert not driver.worker._session.is_disturbed


def test_what_fails_in_an_idle_moment_does_not_end_the_engine(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Session) -> bool:
        driver.tell(generate("1"), Shutdown())
        raise ZeroDivisionError

    monkeypatch.setattr(Session, "measure_in_idle_moment", fails)
    driver = Driver()
    driver.tell(load(models))
    driver.worker.run()
    assert driver.of(Finished)


def test_a_target_whose_file_was_deleted_makes_room_for_another(
    models: Path, tmp_path: Path
) -> None:
    shutil.copy(models / "target.gguf", tmp_path / "gone.gguf")
    driver = Driver()
    driver.run(load(tmp_path, "gone.gguf"))
    (tmp_path / "gone.gguf").unlink()
    driver.run(load(models), generate("1"))
    assert not driver.of(Failed)
    assert [event.target.name for event in driver.of(Loaded)] == ["gone", "target"]
