"""The first start: shown once, with pairs that are here and pairs that the Hub has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from huggingface_hub import constants
from textual.pilot import Pilot
from textual.widgets import Static

from core.configuration import load_settings
from core.demo import DRAFT_PATH, TARGET_PATH
from core.models import first_pairs, hub_connection
from core.models.first_pairs import local_pairs, memory_for_models, remote_pairs
from core.models.hub_connection import Hub
from core.models.memory import GIB, MAIN, Device
from core.models.pairs import Pair
from core.protocol import ModelOptions
from core.settings import read_toml
from tests.support.fake_hub import fake_hub
from tests.support.pilot import wait_until
from tui.app import SpecdecApp
from tui.screens.first_run import FirstRunScreen, PairList
from tui.welcoming import Bundled, Local, Remote, is_first_start

First = Callable[..., AbstractAsyncContextManager[tuple[SpecdecApp, Pilot[None]]]]
PLAIN = ModelOptions()


@pytest.fixture
def first(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> First:
    """The app as it starts on a machine that has models, and no configuration."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    @asynccontextmanager
    async def run(
        size: tuple[int, int] = (80, 24), models_dirs: tuple[Path, ...] = (models,)
    ) -> AsyncIterator[tuple[SpecdecApp, Pilot[None]]]:
        settings = load_settings({"models_dirs": list(models_dirs), "threads": 1})
        app = SpecdecApp(settings)
        async with app.run_test(size=size) as pilot:
            yield app, pilot

    return run


def listed(app: SpecdecApp) -> list[object]:
    return [row for found in app.screen.query(PairList) for row in found._rows]


async def looked(app: SpecdecApp, pilot: Pilot[None], kind: type) -> None:
    await wait_until(pilot, lambda: isinstance(app.screen, FirstRunScreen))
    await wait_until(pilot, lambda: any(isinstance(row, kind) for row in listed(app)))


async def test_enter_begins_on_the_bundled_pair_and_the_screen_does_not_come_again(
    first: First,
) -> None:
    async with first() as (app, pilot):
        await looked(app, pilot, Bundled)
        assert isinstance(app.screen.query_one(PairList).highlighted, Bundled)
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.dialogue.state.target is not None)
        assert app.dialogue.offer.target == str(TARGET_PATH)
    async with first() as (app, pilot):
        await wait_until(pilot, lambda: app.dialogue.state.target is not None)
        assert len(app.screen_stack) == 1
        app.action_first_run()
        await looked(app, pilot, Local)


@pytest.mark.parametrize("flags", [{"demo": True}, {"target": "some.gguf"}])
def test_who_says_what_to_start_with_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: dict[str, object]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert is_first_start(load_settings())
    assert not is_first_start(load_settings(flags))


@pytest.mark.parametrize("key", ["enter", "d"])
async def test_the_best_pair_here_is_taken_and_kept_only_when_asked_to(
    first: First, models: Path, tmp_path: Path, key: str
) -> None:
    async with first() as (app, pilot):
        await looked(app, pilot, Local)
        pair = next(row for row in listed(app) if isinstance(row, Local))
        assert (pair.target_name, pair.draft_name) == ("target", "draft")
        await pilot.press("down", key)
        await wait_until(
            pilot,
            lambda: (
                app.dialogue.state.target
                and app.dialogue.state.target.path == str(models / "target.gguf")
            ),
        )
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use.endswith("draft.gguf"))
    kept = read_toml(tmp_path / "config.toml")
    wanted = {"target": str(models / "target.gguf"), "draft": str(models / "draft.gguf")}
    assert kept == (wanted if key == "d" else {})


async def test_a_pair_of_the_hub_is_fetched_while_the_bundled_one_chats(
    first: First, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    pair = Pair("org/Tiny-0.1B-GGUF", ("org/Tiny-1B-GGUF",))
    monkeypatch.setattr(first_pairs, "curated", lambda: (pair,))
    with fake_hub() as server:
        monkeypatch.setattr(hub_connection, "Hub", partial(Hub, endpoint=server.url))
        for repo, name in ((pair.targets[0], "target.gguf"), (pair.draft, "draft.gguf")):
            server.add(repo, {name.replace(".", "-F32."): (models / name).read_bytes()})
        async with first(models_dirs=()) as (app, pilot):
            await looked(app, pilot, Remote)
            await pilot.press("down", "enter")
            await wait_until(pilot, lambda: len(app.fetcher.downloads.items) == 2)
            await pilot.press("escape")
            items = app.fetcher.downloads.items
            await wait_until(
                pilot, lambda: {i.status for i in app.fetcher.downloads.items} == {"done"}
            )
            assert [item.request.repo for item in items] == [pair.targets[0], pair.draft]


async def test_who_comes_back_to_it_can_take_the_bundled_pair_again(
    first: First, models: Path
) -> None:
    async with first() as (app, pilot):
        await looked(app, pilot, Local)
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: app.dialogue.offer.target == str(models / "target.gguf"))
        app.action_first_run()
        await looked(app, pilot, Local)
        assert "Nothing is configured" not in str(app.screen.query_one("#lead", Static).content)
        await pilot.press("escape")
        assert app.dialogue.offer.target == str(models / "target.gguf"), "Esc changes nothing"
        app.action_first_run()
        await looked(app, pilot, Bundled)
        await pilot.press("enter")
        await wait_until(
            pilot,
            lambda: (
                app.dialogue.state.target and app.dialogue.state.target.path == str(TARGET_PATH)
            ),
        )
        assert app.dialogue.state.draft_in_use == str(DRAFT_PATH)


@pytest.mark.parametrize("size", [(20, 8), (40, 12), (160, 50)])
async def test_it_opens_at_every_size(first: First, size: tuple[int, int]) -> None:
    async with first(size=size) as (app, pilot):
        await looked(app, pilot, Local)
        await pilot.press("down", "G", "g", "escape")
        assert len(app.screen_stack) == 1


# ------------------------------------------------------------------ which pairs


def gpu(gib: int) -> list[Device]:
    return [Device(MAIN, "CPU", 64 * GIB, 64 * GIB), Device("CUDA0", "GPU", gib * GIB, gib * GIB)]


def test_pairs_of_the_hub_fit_the_memory_and_differ_in_size() -> None:
    for devices in (gpu(8), gpu(24), gpu(80), gpu(8)[:1]):
        sizes = [pair.n_bytes for pair in remote_pairs(devices)]
        assert sizes == sorted(sizes, reverse=True) and sizes
        assert sizes[0] < memory_for_models(devices)
        assert all(a > 1.2 * b for a, b in pairwise(sizes))
    assert remote_pairs(gpu(80))[0].n_bytes > 40 * GIB
    assert remote_pairs(gpu(8)[:1])[0].n_bytes < 8 * GIB
    assert remote_pairs(gpu(1)) == []


def test_of_the_models_here_what_drafts_for_a_larger_one_is_no_target(models: Path) -> None:
    devices = [Device(MAIN, "CPU", 8 * GIB, 8 * GIB)]
    pairs = local_pairs([models], devices, PLAIN, PLAIN)
    named = [(p.target.name, p.draft.candidate.model.name if p.draft else "") for p in pairs]
    assert named[0] == ("target", "draft")
    assert "draft" not in [target for target, _ in named]
    assert local_pairs([models], [Device(MAIN, "CPU", 1, 1)], PLAIN, PLAIN) == []
