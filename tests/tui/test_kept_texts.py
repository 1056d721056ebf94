"""Texts that are not lost: of messages that the engine refuses, such as one that is too long, and
of what was being written when an earlier message was written anew."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from core.chats.store import Store
from core.protocol import Failed
from tests.support.saved_chats import places, prompts
from tests.support.still_app import StillApp, press
from tui.widgets.message_view import MessageView

LONG = "a message that is far too long"


async def refuse(app: StillApp, pilot: Pilot[None], text: str) -> None:
    await app.ask_and_wait(pilot, text)
    reply = app.dialogue.state.reply_id
    await app.hear(pilot, Failed(command="generate", id=reply, message="It is too long."))
    assert app.composer.text == text


def shown(app: StillApp) -> list[str]:
    return [view.text for view in app.query(MessageView) if view.role == "user"]


async def test_it_stands_in_the_chat_once_however_often_it_is_tried() -> None:
    app = StillApp("specdec-dark")
    app.keeper.enabled = True
    async with app.run_test(size=(100, 40)) as pilot:
        await app.ask_and_wait(pilot, "hello")
        await app.get_reply(pilot)
        await refuse(app, pilot, LONG)
        await refuse(app, pilot, LONG)
        assert shown(app) == ["hello", LONG]
        await app.ask_and_wait(pilot, "a short one")
        await app.get_reply(pilot, "Yes.")
        assert shown(app) == prompts(app) == ["hello", "a short one"]
        assert places(app) == [""] * 4, "no branch came of it"
        chat = app.dialogue.conversation.id
        app.keeper.store()  # all is written
    store = Store()
    _, messages = store.load(chat)
    store.close()
    asked = [message.text for message in messages.values() if message.role == "user"]
    assert asked == ["hello", "a short one"]


async def test_one_whose_text_could_not_come_back_stays() -> None:
    app = StillApp("specdec-dark")
    async with app.run_test(size=(100, 40)) as pilot:
        await app.ask_and_wait(pilot, LONG)
        app.composer.text = "something else"
        reply = app.dialogue.state.reply_id
        await app.hear(pilot, Failed(command="generate", id=reply, message="It is too long."))
        await app.ask_and_wait(pilot, "something else")
        assert shown(app) == prompts(app) == [LONG, "something else"]


@pytest.mark.parametrize("leaving", ["escape", "alt+down", "ctrl+r", "ctrl+n", "enter"])
async def test_what_was_being_written_is_back_after_an_earlier_message(leaving: str) -> None:
    app = StillApp("specdec-dark")
    async with app.run_test(size=(100, 40)) as pilot:
        await app.ask_and_wait(pilot, "hello")
        await app.get_reply(pilot, "Yes.")
        app.composer.text = "half a message"
        await press(app, pilot, "alt+up")
        assert app.composer.text == "hello"
        await press(app, pilot, "x", leaving)
        assert app.composer.text == "half a message" and app.picked is None
        await press(app, pilot, "up")
        assert app.composer.text == "hellox", "what was made of it can be called back"


async def test_a_branch_that_is_refused_stays_one_branch() -> None:
    app = StillApp("specdec-dark")
    async with app.run_test(size=(100, 40)) as pilot:
        await app.ask_and_wait(pilot, "hello")
        await app.get_reply(pilot, "Yes.")
        await pilot.press("alt+up")
        await refuse(app, pilot, LONG)
        await pilot.press("alt+up")
        await refuse(app, pilot, LONG)
        assert places(app)[0] == "2/2" and shown(app) == [LONG]
