"""Comparing drafts in the app with a real engine: what is shown, and what becomes of the chat."""

from __future__ import annotations

import os
import signal
from copy import deepcopy
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.models.records import LOOKUP, records_for
from tests.support.pilot import wait_until
from tests.tui.conftest import Start
from tui.actions.compare import NOTHING_ASKED
from tui.app import SpecdecApp
from tui.effects import BUSY
from tui.screens.compare import CompareScreen
from tui.widgets.compare_board import CompareBoard
from tui.widgets.divider import Divider
from tui.widgets.lineup_list import LineupList

BUNDLED = {"target": "", "draft": "auto", "demo": True, "max_tokens": 48}


@pytest.fixture(autouse=True)
def twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """What two runs do not show, five do not either; on a busy machine, too, there are two."""
    monkeypatch.setattr("tui.comparison.MOST_REPEATS", 2)
    monkeypatch.setattr("tui.comparison.BUDGET_S", 3600.0)


async def answered(app: SpecdecApp, pilot: Pilot[None], text: str) -> None:
    n = len(app.dialogue.conversation.turns)
    app.ask(text)
    await wait_until(pilot, lambda: len(app.dialogue.conversation.turns) > n)
    await wait_until(pilot, lambda: not app.dialogue.busy)


async def compared(app: SpecdecApp, pilot: Pilot[None]) -> None:
    """The comparison is over, and the screen says so."""
    await wait_until(pilot, lambda: app.comparison and app.comparison.over)
    screen = app.screen
    assert isinstance(screen, CompareScreen)
    await wait_until(pilot, lambda: screen._judged)


def seen(app: SpecdecApp) -> str:
    """The board as text."""
    board = app.screen.query_one(CompareBoard)
    return "\n".join(line.plain for line in board.build(board.content_size.width))


def said(app: SpecdecApp) -> str:
    return " ".join(line.plain for line in app.screen.query_one("#said").build(200))


async def test_a_real_comparison_leaves_the_chat_as_it_was(start: Start) -> None:
    async with start(**BUNDLED) as (app, pilot):
        question = "What is the quadratic equation formula?"
        await answered(app, pilot, question)
        state, draft = app.dialogue.state, app.dialogue.state.draft_in_use
        before = deepcopy((app.dialogue.conversation.turns, state.scores, state.experiment))
        await pilot.press("f9", "enter")
        await compared(app, pilot)
        comparison = app.comparison
        assert comparison is not None and not comparison.problem
        by_draft = {c.key: len(comparison.written[c.key, 0]) for c in comparison.contestants}
        assert set(by_draft) == {"none", "lookup", draft}
        assert len(set(by_draft.values())) == 1 and by_draft[draft] == 2
        assert "measured on this prompt only" in said(app)
        await pilot.press("escape")
        assert (app.dialogue.conversation.turns, state.scores, state.experiment) == before
        assert state.draft_in_use == draft and state.stage is None and not state.wanted_draft
        await answered(app, pilot, "And what is a draft model?")
        assert len(app.dialogue.conversation.turns) == 2
        stats, first = app.dialogue.conversation.turns[1].stats, before[0][0].stats
        assert stats and first and stats.n_reused >= first.n_prompt, "the cache keeps the prompt"
        target = Path(app.dialogue.offer.target)
        await wait_until(pilot, lambda: {LOOKUP, draft} <= set(records_for(target)))
        app.use_setting("draft_len", "4")  # `auto` need not draft where the machine is busy
        await pilot.press("f9", "p", "enter")
        await wait_until(pilot, lambda: app.comparison is not comparison)
        await compared(app, pilot)
        assert app.comparison and [len(p) for p in app.comparison.plan.prompts] == [1, 3]
        # told apart by the engine itself: who drafted, and that nobody did
        samples = {sample.variant: sample for sample in app.comparison.samples}
        assert samples["none"].n_drafted == 0 and samples[draft].n_accepted > 0
        assert samples["none"].n_rounds == samples["none"].n_tokens
        assert "these 2 prompts" in said(app)
        assert {"fastest", "2nd", "3rd"} <= set(seen(app).split())


async def test_the_winner_is_used_by_one_key(start: Start) -> None:
    async with start(size=(160, 50), max_tokens=32) as (app, pilot):
        app.composer.text = "tell me of the sea"
        await pilot.press("f9")
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        rows = screen.query_one(LineupList).build(70)
        names = [["none"], ["prompt", "lookup"], ["draft", "●"]]
        assert [row.plain.split()[1:3] for row in rows] == names
        await pilot.press("space")
        assert len(screen._lineup.chosen) == 3, "none stays"
        await pilot.press("down", "space", "space", "enter")
        await compared(app, pilot)
        assert app.comparison is not None
        word = app.comparison.contestants[0].text.split()[0]
        columns = seen(app)
        assert columns.count(" tok/s") == columns.count(word + " ") == 3
        assert columns.count("same text") == 2 and " │ " in columns and "▸ " in columns
        await pilot.resize_terminal(80, 24)
        await wait_until(pilot, lambda: "speed-up" in seen(app))
        table = seen(app)
        assert table.count("tok/s") == 1 and table.count("same text") == 2 and "── " in table
        board = screen.query_one(CompareBoard)
        assert board.region.bottom <= screen.query_one("#said").region.y
        board.move_to("none")
        await pilot.press("u")
        assert not isinstance(app.screen, CompareScreen)
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use == "none")
        assert app.dialogue.draft.key == "none"
        assert app.composer.text == "tell me of the sea" and not app.dialogue.conversation.turns


async def test_it_is_refused_stopped_and_survives_the_engine(start: Start) -> None:
    async with start(max_tokens=6000) as (app, pilot):
        draft = app.dialogue.state.draft_in_use
        await pilot.press("f9")
        assert app.query_one(Divider).hint == NOTHING_ASKED
        app.ask("tell me of the sea")
        await wait_until(pilot, lambda: app.dialogue.state.stats)
        await pilot.press("f9")
        assert app.query_one(Divider).hint == BUSY.replace("{stop}", "Esc")
        assert not isinstance(app.screen, CompareScreen)
        await pilot.press("escape")
        await wait_until(pilot, lambda: not app.dialogue.busy)

        await pilot.press("f9", "enter")
        await wait_until(pilot, lambda: app.comparison and app.comparison.contestants[0].text)
        await pilot.press("escape")
        assert isinstance(app.screen, CompareScreen), "Esc stops first"
        await compared(app, pilot)
        assert app.comparison and app.comparison.stopped
        assert app.dialogue.state.draft_in_use == draft

        await pilot.press("r")
        await wait_until(pilot, lambda: app.comparison and app.comparison.contestants[0].text)
        assert app.engine.pid
        os.kill(app.engine.pid, signal.SIGKILL)
        await compared(app, pilot)
        assert "SIGKILL" in said(app)
        await pilot.press("escape")
        assert not isinstance(app.screen, CompareScreen), "and closes then"
        dialogue = app.dialogue  # which a last command may have given another draft for a moment
        await wait_until(pilot, lambda: dialogue.state.draft_in_use == dialogue.draft.key == draft)
        await wait_until(pilot, lambda: not (dialogue.state.stage or dialogue.state.trouble))
