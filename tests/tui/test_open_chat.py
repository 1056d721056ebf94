"""The chat that is open, in the list of the saved ones."""

from __future__ import annotations

from tests.support.pilot import wait_until
from tests.support.saved_chats import listed, prompts, save, titles
from tests.tui.conftest import Start
from tests.tui.test_chat_app import ask, finished
from tui.widgets.message_view import MessageView


async def test_the_chat_that_is_open_is_left_and_deleted_and_can_be_had_back(start: Start) -> None:
    save("of other things", "yes")
    async with start(max_tokens=8) as (app, pilot):
        await ask(app, pilot, "one")
        await finished(app, pilot)
        rows = await listed(app, pilot)
        assert titles(rows) == ["one", "of other things"]
        await pilot.press("tab", "x")
        await wait_until(pilot, lambda: titles(rows) == ["of other things"])
        assert prompts(app) == [] and not app.query(MessageView)
        await pilot.press("u")
        await wait_until(pilot, lambda: titles(rows) == ["one", "of other things"])
        await pilot.press("enter")
        await wait_until(pilot, lambda: prompts(app) == ["one"])


async def test_who_opens_the_chat_that_is_open_keeps_its_figures(start: Start) -> None:
    async with start(max_tokens=8) as (app, pilot):
        await ask(app, pilot, "one")
        await finished(app, pilot)
        conversation, stats = app.dialogue.conversation, app.dialogue.state.stats
        await listed(app, pilot)
        app.divider.say("")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "F7 continues it" in app.divider.hint)  # cut at its limit
        assert app.dialogue.conversation is conversation and app.dialogue.state.stats is stats
        assert stats.n_tokens == 8
