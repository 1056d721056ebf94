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
from tui.dialogue import BUSY
from tui.screens.compare import CompareScreen
from tui.widgets.compare_board import CompareBoard
from tui.widgets.divider import Divider
from tui.widgets.lineup_list import LineupList

BUNDLED = {"target": "", "draft": "auto", "demo": True, "max_tokens": 48}


async def answered(app: SpecdecApp, pilot: Pilot[None], text: str) -> None:
    n = len(app.dialogue.conversation.turns)
    app.ask(text)
    await wait_until(pilot, lambda: len(app.dialogue.conversation.turns) > n)
    await wait_until(pilot, lambda: not app.dialogue.busy)


async def compared(app: SpecdecApp, pilot: Pilot[None]) -> None:
    await wait_until(pilot, lambda: app.comparison and app.comparison.over)
    await pilot.pause(0.15)


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
        assert len(set(by_draft.values())) == 1 and by_draft[draft] >= 2
        assert "measured on this prompt only" in said(app)
        # told apart by the engine itself: who drafted, and that nobody did
        samples = {sample.variant: sample for sample in comparison.samples}
        assert samples["none"].n_drafted == 0 and samples[draft].n_accepted > 0
        assert samples["none"].n_rounds == samples["none"].n_tokens
        await pilot.press("escape")
        assert (app.dialogue.conversation.turns, state.scores, state.experiment) == before
        assert state.draft_in_use == draft and state.stage is None and not state.wanted_draft
        await answered(app, pilot, "And what is a draft model?")
        assert len(app.dialogue.conversation.turns) == 2
        stats, first = app.dialogue.conversation.turns[1].stats, before[0][0].stats
        assert stats and first and stats.n_reused >= first.n_prompt, "the cache keeps the prompt"
        target = Path(app.dialogue.offer.target)
        await wait_until(pilot, lambda: {LOOKUP, draft} <= set(records_for(target)))


@pytest.mark.parametrize("size", [(160, 50), (80, 24)])
async def test_the_winner_is_used_by_one_key(start: Start, size: tuple[int, int]) -> None:
    async with start(size=size, max_tokens=32) as (app, pilot):
        app.composer.text = "tell me of the sea"
        await pilot.press("f9")
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        rows = screen.query_one(LineupList).build(70)
        assert [row.plain.split()[1:3] for row in rows] == [
            ["none"],
            ["prompt", "lookup"],
            ["draft", "●"],
        ]
        await pilot.press("space")
        assert len(screen._lineup.chosen) == 3, "none stays"
        await pilot.press("down", "space", "enter")
        await compared(app, pilot)
        assert app.comparison is not None
        assert [c.draft.name for c in app.comparison.contestants] == ["none", "draft"]
        text = seen(app)
        assert text.count("tok/s") == (2 if size[0] > 100 else 1)
        assert "same text" in text and "▸ " in text
        reply = app.comparison.contestants[0].text
        assert reply.split()[0] in text
        assert " │ " in text if size[0] > 100 else "── " in text
        screen.query_one(CompareBoard).move_to("none")
        await pilot.press("u")
        assert not isinstance(app.screen, CompareScreen)
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use == "none")
        assert app.dialogue.draft.key == "none"
        assert app.composer.text == "tell me of the sea" and not app.dialogue.conversation.turns


async def test_esc_stops_first_and_closes_then(start: Start) -> None:
    async with start(max_tokens=6000) as (app, pilot):
        draft = app.dialogue.state.draft_in_use
        app.composer.text = "tell me of the sea"
        await pilot.press("f9", "enter")
        await wait_until(pilot, lambda: app.comparison and app.comparison.contestants[0].text)
        await pilot.press("escape")
        assert isinstance(app.screen, CompareScreen)
        await compared(app, pilot)
        assert app.comparison is not None and app.comparison.stopped
        assert app.dialogue.state.draft_in_use == draft
        await pilot.press("escape")
        assert not isinstance(app.screen, CompareScreen)


async def test_the_last_messages_together_are_a_board_of_the_drafts(start: Start) -> None:
    async with start(max_tokens=16) as (app, pilot):
        await answered(app, pilot, "tell me of the sea")
        await answered(app, pilot, "and of the shore")
        await pilot.press("f9", "p", "enter")
        await compared(app, pilot)
        assert app.comparison is not None
        first, second = app.comparison.plan.prompts
        assert [len(first), len(second)] == [1, 3]
        assert "these 2 prompts" in said(app)
        assert {"fastest", "2nd", "3rd"} <= set(seen(app).split())


async def test_it_is_refused_while_a_reply_is_written_and_without_a_prompt(start: Start) -> None:
    async with start(max_tokens=6000) as (app, pilot):
        await pilot.press("f9")
        assert app.query_one(Divider).hint == NOTHING_ASKED
        app.ask("tell me of the sea")
        await wait_until(pilot, lambda: app.dialogue.state.stats)
        await pilot.press("f9")
        assert app.query_one(Divider).hint == BUSY
        assert not isinstance(app.screen, CompareScreen)
        await pilot.press("escape")
        await wait_until(pilot, lambda: not app.dialogue.busy)


async def test_an_engine_that_dies_is_said_and_comes_back_with_the_chats_draft(
    start: Start,
) -> None:
    async with start(max_tokens=6000) as (app, pilot):
        draft = app.dialogue.state.draft_in_use
        app.composer.text = "tell me of the sea"
        await pilot.press("f9", "enter")
        await wait_until(pilot, lambda: app.comparison and app.comparison.contestants[0].text)
        assert app.engine.pid
        os.kill(app.engine.pid, signal.SIGKILL)
        await compared(app, pilot)
        assert "SIGKILL" in said(app)
        await wait_until(pilot, lambda: app.dialogue.state.stage is None)
        await wait_until(pilot, lambda: not app.dialogue.state.trouble)
        assert app.dialogue.draft.key == app.dialogue.state.draft_in_use == draft
