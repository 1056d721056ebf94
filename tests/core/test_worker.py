"""The engine process and the client's end of its queue, for real."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from core.client import EngineClient
from core.protocol import (
    Cancel,
    ChatMessage,
    DraftChanged,
    DraftChoice,
    EngineDied,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    ModelOptions,
    Progress,
    Ready,
    Round,
    Sampling,
    SetDraft,
    SetDraftLen,
)
from tests.support.processes import running
from tests.support.tiny_gguf import (
    truncate_file,
    write_draft_of,
    write_tiny_model,
    write_vocab_only,
)

WAIT_S = 30


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    target = write_tiny_model(folder / "target.gguf", n_layer=2, n_embd=64, n_ctx_train=8192)
    write_draft_of(folder / "draft.gguf", target, noise=0.02)
    write_tiny_model(folder / "other.gguf", vocab_size=900)
    write_vocab_only(folder / "vocab.gguf")
    write_tiny_model(folder / "cut.gguf", n_layer=2, n_embd=64)
    truncate_file(folder / "cut.gguf", 0.6)
    (folder / "text.gguf").write_text("this is a letter to my aunt\n")
    (folder / "folder.gguf").mkdir()
    return folder


@pytest_asyncio.fixture
async def client() -> AsyncIterator[EngineClient]:
    client = EngineClient()
    yield client
    await client.close()


async def until(client: EngineClient, *kinds: type[Event]) -> Event:
    """The next event of one of these kinds; others are passed over, failures are not."""
    while True:
        event = await asyncio.wait_for(client.events.get(), WAIT_S)
        if isinstance(event, kinds):
            return event
        assert not isinstance(event, Failed | EngineDied), event


def load(models: Path, draft: str | None = "draft.gguf", **changes: object) -> Load:
    choice = DraftChoice(kind="model", path=str(models / draft)) if draft else DraftChoice()
    # one thread: the client's own work must not stall a barrier between two
    options = ModelOptions(n_threads=1)
    return Load(target=str(models / "target.gguf"), options=options, draft=choice, **changes)


def generate(id: str = "1", text: str = "once upon", max_tokens: int = 40) -> Generate:
    return Generate(
        id=id,
        messages=[ChatMessage(role="user", content=text)],
        sampling=Sampling(temperature=0),
        max_tokens=max_tokens,
    )


async def test_a_reply_from_start_to_end(client: EngineClient, models: Path):
    await client.send(load(models))
    assert isinstance(await until(client, Ready), Ready)
    loaded = await until(client, Loaded)
    assert loaded.target.name == "target"
    assert loaded.drafter.name == "draft"
    await client.send(generate())
    rounds: list[Round] = []
    while True:
        event = await asyncio.wait_for(client.events.get(), WAIT_S)
        if isinstance(event, Finished):
            break
        if isinstance(event, Round):
            rounds.append(event)
        else:
            assert isinstance(event, Progress)
    assert "".join(r.text for r in rounds) == event.text
    assert event.finish_reason == "length"
    assert event.stats.n_tokens == sum(len(r.tokens) for r in rounds) == 40
    assert event.stats.n_accepted == sum(
        token.origin == "accepted" for r in rounds for token in r.tokens
    )
    assert rounds[-1].stats == event.stats
    assert event.stats.baseline_tok_s
    known = {piece.id: piece.piece for r in rounds for piece in r.pieces}
    assert {token.id for r in rounds for token in r.tokens} <= known.keys()
    if Path("/proc/self/statm").exists():
        for memory in (loaded.memory, event.memory):
            assert [device.name for device in memory] == ["CPU"]
            assert 2**20 < memory[0].used < memory[0].total


async def test_another_draft_in_mid_reply(client: EngineClient, models: Path):
    await client.send(load(models, draft=None))
    await until(client, Loaded)
    await client.send(generate(max_tokens=0, text="a long one"))
    await until(client, Round)
    await client.send(SetDraft(draft=DraftChoice(kind="model", path=str(models / "draft.gguf"))))
    changed = await until(client, DraftChanged)
    assert changed.drafter.name == "draft"
    while (await until(client, Round)).stats.drafter != "draft":
        pass  # how soon it is tried is the governor's to say
    await client.send(Cancel(id="1"))
    assert (await until(client, Finished)).finish_reason == "cancelled"


async def test_a_draft_that_does_not_fit_leaves_the_reply_alone(client: EngineClient, models: Path):
    await client.send(load(models, draft_len=3))  # at a fixed length lookup has no say
    await until(client, Loaded)
    await client.send(generate(max_tokens=0))
    await until(client, Round)
    await client.send(SetDraft(draft=DraftChoice(kind="model", path=str(models / "other.gguf"))))
    while not isinstance(event := await asyncio.wait_for(client.events.get(), WAIT_S), Failed):
        assert isinstance(event, Round | Progress)
    assert "other cannot draft" in event.message
    assert event.kind == "draft"
    while (await until(client, Round)).stats.drafter != "draft":
        pass  # the governor may have prompt lookup propose now and then
    await client.send(Cancel(id="1"))
    await until(client, Finished)


async def test_the_draft_length_can_be_fixed_in_mid_reply(client: EngineClient, models: Path):
    await client.send(load(models, draft_len=2))
    await until(client, Loaded)
    await client.send(generate(max_tokens=0))
    while (await until(client, Round)).n_drafted != 2:
        pass
    await client.send(SetDraftLen(draft_len=7))
    while (await until(client, Round)).n_drafted != 7:
        pass
    await client.send(Cancel(id="1"))
    await until(client, Finished)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.gguf", "missing.gguf"),
        ("folder.gguf", "folder"),
        ("text.gguf", "not a GGUF"),
        ("cut.gguf", "cut off"),
        ("vocab.gguf", "vocabulary"),
    ],
)
async def test_a_bad_target_is_one_sentence_and_the_loaded_one_stays(
    client: EngineClient, models: Path, name: str, words: str
):
    await client.send(load(models))
    await until(client, Loaded)
    await client.send(Load(target=str(models / name)))
    while not isinstance(event := await asyncio.wait_for(client.events.get(), WAIT_S), Failed):
        assert isinstance(event, Progress)
    assert words in event.message
    assert "\n" not in event.message
    await client.send(generate(max_tokens=5))
    assert (await until(client, Finished)).stats.n_tokens == 5


async def test_a_bad_draft_leaves_the_target_alone_with_a_notice(
    client: EngineClient, models: Path
):
    await client.send(load(models, draft="cut.gguf"))
    loaded = await until(client, Loaded)
    assert loaded.drafter.kind == "none"
    assert "cut off" in loaded.notice
    await client.send(generate(max_tokens=5))
    assert (await until(client, Finished)).stats.n_tokens == 5


async def test_a_message_before_any_target_says_what_to_do(client: EngineClient):
    await client.send(generate())
    while not isinstance(event := await asyncio.wait_for(client.events.get(), WAIT_S), Failed):
        assert isinstance(event, Ready)
    assert event.id == "1"
    assert "--target" in event.message


async def test_a_killed_engine_is_named_and_the_next_message_works(
    client: EngineClient, models: Path
):
    await client.send(load(models))
    await until(client, Loaded)
    await client.send(generate(max_tokens=0))
    await until(client, Round)
    os.kill(client.pid, signal.SIGKILL)
    died = await until(client, EngineDied)
    assert died.cause == "SIGKILL"
    assert "SIGKILL" in died.message
    assert any("llama" in line for line in died.log_tail)
    assert client.pid is None
    await client.send(generate(id="2", max_tokens=5))
    loaded = await until(client, Loaded)
    assert loaded.drafter.name == "draft"
    assert (await until(client, Finished)).id == "2"


async def test_after_a_death_all_is_as_it_was_chosen_last(client: EngineClient, models: Path):
    """Also what was chosen before the target had loaded; but not what the engine died of."""
    good = DraftChoice(kind="model", path=str(models / "draft.gguf"))
    await client.send(load(models, draft=None))
    await client.send(SetDraftLen(draft_len=2))
    await until(client, Loaded)
    await client.send(SetDraft(draft=good))
    await client.send(SetDraft(draft=DraftChoice(kind="model", path=str(models / "other.gguf"))))
    while not isinstance(event := await asyncio.wait_for(client.events.get(), WAIT_S), Failed):
        assert not isinstance(event, EngineDied)
    os.kill(client.pid, signal.SIGKILL)
    await until(client, EngineDied)
    await client.send(generate())
    assert (await until(client, Loaded)).drafter.name == "draft"
    assert (await until(client, Finished)).stats.draft_len == 2


async def test_closing_the_client_is_no_death(client: EngineClient, models: Path):
    await client.send(load(models))
    await until(client, Loaded)
    await client.send(generate(max_tokens=0))
    await until(client, Round)
    pid = client.pid
    await client.close()
    assert not alive(pid)
    assert not any(isinstance(event, EngineDied) for event in client.events._queue)


async def test_a_line_that_is_no_command_is_answered_and_survived(
    client: EngineClient, models: Path
):
    await client.start()
    await until(client, Ready)
    client._process.stdin.write(b'{"type": "dance"}\nnonsense\n\n')
    for _ in range(2):
        event = await asyncio.wait_for(client.events.get(), WAIT_S)
        assert isinstance(event, Failed)
        assert "no command" in event.message
    await client.send(load(models, draft=None))
    await until(client, Loaded)


async def test_a_core_folder_where_the_user_stands_is_not_ours(
    client: EngineClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "worker.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    await client.start()
    assert isinstance(await until(client, Ready), Ready)


def alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_an_app_that_is_killed_leaves_no_engine(models: Path):
    app = textwrap.dedent(f"""
        import asyncio
        from core.client import EngineClient
        from core.protocol import ChatMessage, Generate, Load, Round
        async def main():
            client = EngineClient()
            await client.send(Load(target={str(models / "target.gguf")!r}))
            await client.send(Generate(id="1", messages=[ChatMessage(role="user", content="a")]))
            while not isinstance(event := await client.events.get(), Round):
                assert event.type != "failed", event
            print(client.pid, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """)
    with running([sys.executable, "-c", app], text=True) as parent:
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    deadline = time.monotonic() + WAIT_S
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


def test_it_can_be_driven_by_hand(models: Path):
    target = models / "target.gguf"
    with running(
        [sys.executable, "-m", "core.worker"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as worker:
        print(f'{{"type": "load", "target": "{target}"}}', file=worker.stdin, flush=True)
        lines = iter(worker.stdout.readline, "")
        assert '"ready"' in next(lines)
        assert any('"loaded"' in line for line in lines)
        print('{"type": "shutdown"}', file=worker.stdin, flush=True)
        assert worker.wait(WAIT_S) == 0
