"""The model browser and the downloads in the app, with a real engine and a Hub on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Event

import pytest
from huggingface_hub import constants
from textual.pilot import Pilot
from textual.widgets import Input

from core.demo import TARGET_PATH
from core.models import hub_connection
from core.models.hub_connection import Hub
from tests.support.fake_hub import FakeHub, dead_port, fake_hub
from tests.support.pilot import type_text, wait_until
from tests.tui.conftest import Start
from tui import model_shelf
from tui.app import SpecdecApp
from tui.browser import Local, Remote, RemoteChoice
from tui.screens.confirm import ConfirmScreen
from tui.screens.help import HelpScreen
from tui.screens.models import ModelsScreen
from tui.widgets.key_hints import KeyHints
from tui.widgets.model_details import ModelDetails
from tui.widgets.model_list import ModelList
from tui.widgets.title_bar import TitleBar

REPO = "org/Tiny-GGUF"
LARGE = b"GGUF" + bytes(2_000_000)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return folder


@pytest.fixture
def server(models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with fake_hub() as server:
        monkeypatch.setattr(hub_connection, "Hub", partial(Hub, endpoint=server.url))
        server.add(
            REPO,
            {
                "Tiny-Q4_K_M.gguf": LARGE,
                "Tiny-F32.gguf": (models / "draft.gguf").read_bytes(),
                "Other-F16.gguf": (models / "other.gguf").read_bytes(),
            },
        )
        yield server


async def browse(app: SpecdecApp, pilot: Pilot[None]) -> ModelList:
    await pilot.press("f5")
    await wait_until(pilot, lambda: isinstance(app.screen, ModelsScreen))
    await wait_until(pilot, lambda: app.browser.local)
    models = app.screen.query_one(ModelList)
    await wait_until(pilot, lambda: models.count() > len(app.browser.local or ()))
    return models


async def to_row(pilot: Pilot[None], models: ModelList, name: str) -> None:
    """Walk down to the row whose key ends so."""
    await pilot.press("home")
    for _ in range(models.count()):
        if models.highlighted and models.highlighted.key.endswith(name):
            return
        await pilot.press("j")
    raise AssertionError(f"there is no row {name}")


async def open_repository(app: SpecdecApp, pilot: Pilot[None], models: ModelList) -> None:
    await pilot.press("slash")
    await type_text(pilot, "tiny")
    await pilot.press("enter")
    await wait_until(pilot, lambda: app.browser.stage == "done")
    await to_row(pilot, models, REPO)
    assert isinstance(models.highlighted, Remote)
    await pilot.press("enter")
    await wait_until(pilot, lambda: app.browser.opened[REPO].stage == "done")


def texts(app: SpecdecApp) -> str:
    return "\n".join(line.plain for line in app.screen.query_one(ModelList)._built)


def painted(app: SpecdecApp) -> str:
    """What stands on the screen, also where it should have been painted anew."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def details(app: SpecdecApp) -> str:
    return "\n".join(line.plain for line in app.screen.query_one(ModelDetails).build(50))


async def test_an_answer_does_not_close_what_was_opened_over_the_browser_meanwhile(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, why_not_draft = Event(), model_shelf.why_not_draft

    def slow(draft: Path, target: Path) -> str:
        asked.wait()
        return why_not_draft(draft, target)

    monkeypatch.setattr(model_shelf, "why_not_draft", slow)
    async with start(draft="none") as (app, pilot):
        models = await browse(app, pilot)
        await to_row(pilot, models, "draft.gguf")
        hints = app.screen.query_one(KeyHints)
        await pilot.press("d", "f1")
        asked.set()
        await wait_until(pilot, lambda: hints.said == "It fits; d takes it as the draft.")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "d")
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use.endswith("draft.gguf"))


async def test_the_filter_narrows_the_models_here_and_details_follow(start: Start) -> None:
    async with start() as (app, pilot):
        models = await browse(app, pilot)
        await to_row(pilot, models, "target.gguf")
        assert "in use as  target" in details(app) and "8k tokens" in details(app)
        await pilot.press("slash")
        await type_text(pilot, "other")
        await pilot.press("down")
        await wait_until(pilot, lambda: isinstance(models.highlighted, Local))
        assert models.highlighted and models.highlighted.key.endswith("other.gguf")
        assert "target" not in texts(app)
        await pilot.press("d")
        hints = app.screen.query_one(KeyHints)
        await wait_until(pilot, lambda: "cannot draft for" in hints.said)
        await pilot.press("t")
        await wait_until(pilot, lambda: not isinstance(app.screen, ModelsScreen))


async def test_a_local_model_becomes_the_target_and_the_chat_stays(start: Start) -> None:
    async with start(max_tokens=10) as (app, pilot):
        app.ask("hello")
        await wait_until(pilot, lambda: app.dialogue.conversation.turns)
        await wait_until(pilot, lambda: not app.dialogue.busy)
        rows = await browse(app, pilot)
        await to_row(pilot, rows, str(TARGET_PATH))
        await pilot.press("enter", "t")
        await wait_until(
            pilot, lambda: (t := app.dialogue.state.target) and t.path == str(TARGET_PATH)
        )
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use.endswith("draft.gguf"))
        assert app.dialogue.offer.target == str(TARGET_PATH)
        assert len(app.dialogue.conversation.turns) == 1
        app.ask("and now")
        await wait_until(pilot, lambda: len(app.dialogue.conversation.turns) == 2)
        await wait_until(pilot, lambda: not app.dialogue.busy)
        assert app.dialogue.conversation.turns[-1].finish_reason in ("length", "stop")


async def test_deleting_asks_and_only_y_deletes(start: Start, models: Path, cache: Path) -> None:
    mine = cache.parent / "mine"
    mine.mkdir()
    shutil.copy(models / "other.gguf", mine / "spare.gguf")
    async with start(models_dirs=[mine]) as (app, pilot):
        rows = await browse(app, pilot)
        for key in ("enter", "y"):
            await to_row(pilot, rows, "spare.gguf")
            await pilot.press("x")
            await wait_until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
            assert (mine / "spare.gguf").exists()
            await pilot.press(key)
        await wait_until(pilot, lambda: not (mine / "spare.gguf").exists())
        await wait_until(pilot, lambda: "spare" not in texts(app))
        await to_row(pilot, rows, "target.gguf")
        await pilot.press("x")
        assert "in use as the target" in app.screen.query_one(KeyHints).said


@pytest.mark.usefixtures("server")
async def test_a_draft_is_judged_on_the_hub_and_fetched_only_where_it_fits(
    start: Start, cache: Path
) -> None:
    async with start() as (app, pilot):
        rows = await browse(app, pilot)
        await open_repository(app, pilot, rows)
        await to_row(pilot, rows, "Other-F16")
        await pilot.press("d")
        downloads = app.fetcher.downloads
        await wait_until(pilot, lambda: downloads.items and downloads.items[0].status == "failed")
        assert "cannot draft for target" in downloads.items[0].note
        assert not list(cache.rglob("*.gguf")), "nothing was fetched"
        await to_row(pilot, rows, "Tiny-F32")
        await pilot.press("d")
        await wait_until(pilot, lambda: downloads.items[-1].status == "done")
        arrived = downloads.items[-1].path
        assert Path(arrived).is_file()
        await wait_until(pilot, lambda: app.dialogue.offer.get(arrived))
        await wait_until(
            pilot, lambda: any(str(m.path) == arrived for m in app.browser.local or ())
        )
        row = next(r for r in rows._rows if isinstance(r, RemoteChoice) and "F32" in r.key)
        assert row.here


async def test_a_download_is_paused_and_goes_on_while_the_chat_answers(
    start: Start, server: FakeHub
) -> None:
    fault = server.fail(on="cdn", path="Q4_K_M", stall_after=500_000)
    async with start(max_tokens=10) as (app, pilot):
        rows = await browse(app, pilot)
        await open_repository(app, pilot, rows)
        await to_row(pilot, rows, "Tiny-Q4_K_M")
        await pilot.press("enter")
        item = lambda: app.fetcher.downloads.items[0]  # noqa: E731
        await wait_until(pilot, lambda: app.fetcher.downloads.items and item().share)
        await pilot.press("escape")
        title = app.query_one(TitleBar)
        await wait_until(pilot, lambda: "fetching 25%" in title.build(118)[0].plain)
        app.ask("hello")
        await wait_until(pilot, lambda: app.dialogue.conversation.turns)
        await wait_until(pilot, lambda: not app.dialogue.busy)
        assert item().status == "running" and fault.times == 0
        await pilot.press("f8", "p")
        await wait_until(
            pilot, lambda: item().status == "paused" and not app.fetcher.downloads.running
        )
        await wait_until(pilot, lambda: "fetching" not in title.build(118)[0].plain)
        await pilot.press("r")
        await wait_until(pilot, lambda: item().status == "done")
        assert Path(item().path).read_bytes() == LARGE
        asked = server.asked("cdn", path="Q4_K_M")
        assert asked[-1].headers["range"] == "bytes=500000-2000003", (
            "what was kept is not asked again"
        )


async def test_what_came_of_a_download_that_is_cancelled_is_removed(
    start: Start, server: FakeHub, cache: Path
) -> None:
    server.fail(on="cdn", path="Q4_K_M", stall_after=500_000)
    partials = lambda: list(cache.rglob("*.incomplete"))  # noqa: E731
    async with start(loaded=False) as (app, pilot):
        rows = await browse(app, pilot)
        await open_repository(app, pilot, rows)
        await to_row(pilot, rows, "Tiny-Q4_K_M")
        await pilot.press("enter")
        queue = app.fetcher.downloads
        await wait_until(pilot, lambda: queue.items and queue.items[0].share)
        await pilot.press("f8", "p")
        await wait_until(pilot, lambda: queue.items[0].status == "paused" and not queue.running)
        assert partials(), "a pause keeps it"
        await pilot.press("c")
        await wait_until(pilot, lambda: not partials())
        await pilot.press("r")
        await wait_until(pilot, lambda: queue.items[0].status == "done")


async def test_a_hub_that_cannot_be_reached_says_so_in_the_list(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dead_port() as url:
        monkeypatch.setattr(hub_connection, "Hub", partial(Hub, endpoint=url))
        async with start(size=(80, 24), loaded=False) as (app, pilot):
            await browse(app, pilot)
            await wait_until(pilot, lambda: "parameters" in painted(app))
            await pilot.press("slash")
            await type_text(pilot, "tiny")
            await pilot.press("enter")
            await wait_until(pilot, lambda: app.browser.stage == "failed")
            said = " ".join(app.browser.sentence.split())
            assert len(said) > 70, "it does not fit a line"
            await wait_until(pilot, lambda: said in " ".join(texts(app).split()))
            await wait_until(pilot, lambda: "parameters" not in painted(app))
            assert app.screen.query_one(Input).value == "tiny"


async def test_the_browser_outlives_a_terminal_without_room(start: Start) -> None:
    async with start(size=(1, 1)) as (app, pilot):
        await browse(app, pilot)
        await pilot.press("j", "enter", "escape", "slash", "a")
        await pilot.resize_terminal(80, 24)
        await pilot.press("escape", "escape")
        assert len(app.screen_stack) == 1
