"""Chats that are kept: branches, replies that go on, and a kill."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from pathlib import Path

from core.chats.database import chats_path
from core.chats.store import Listed, Store
from core.demo import DRAFT_PATH, TARGET_PATH
from tests.support.pilot import wait_until
from tests.support.saved_chats import listed, places, prompts, save
from tests.tui.conftest import Start
from tests.tui.test_chat_app import LONG, ask, finished
from tests.tui.test_terminal import Screen
from tui.widgets.chat_list import NO_ANSWER, ChatList
from tui.widgets.composer import Composer
from tui.widgets.divider import Divider
from tui.widgets.key_hints import KeyHints
from tui.widgets.message_view import MessageView


async def test_messages_are_written_anew_answered_again_and_walked_between(start: Start) -> None:
    async with start(max_tokens=8) as (app, pilot):
        composer, conversation = app.query_one(Composer), app.dialogue.conversation
        for text in ("one", "two"):
            await ask(app, pilot, text)
            await finished(app, pilot)
        composer.text = "half a thought"
        await pilot.press("alt+up", "alt+up")
        assert composer.text == "one" and "message 1 of 2" in app.query_one(Divider).lasting
        await pilot.press("alt+down")
        assert composer.text == "two"
        await pilot.press("escape")
        assert composer.text == "half a thought" and app.query_one(Divider).lasting == ""
        await pilot.press("alt+up", "alt+up")
        composer.text = "uno"
        await pilot.press("enter")
        await wait_until(pilot, lambda: prompts(app) == ["uno"])
        await finished(app, pilot)
        assert composer.text == "half a thought" and places(app) == ["2/2", ""]
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: places(app) == ["2/2", "2/2"])
        await finished(app, pilot)
        assert len(conversation.kept) == 7, "nothing was replaced"
        await pilot.press("alt+left")
        await wait_until(pilot, lambda: places(app) == ["2/2", "1/2"])
        await pilot.press("alt+up", "alt+left")
        await wait_until(pilot, lambda: prompts(app) == ["one", "two"])
        assert places(app) == ["1/2", "", "", ""] and composer.text == "one"
        await pilot.press("alt+left")
        await wait_until(pilot, lambda: "no other branch" in app.query_one(Divider).hint)
        await pilot.press("escape")
        store = app.keeper.store()
        (item,) = store.chats()
        assert (item.title, item.n_messages) == ("one", 7)
        chat, messages = store.load(item.id)
        assert chat.leaf and messages[chat.leaf].text == conversation.turns[-1].reply
    assert list((chats_path().parent / "writing").iterdir()) == [], "the writer has left"


async def test_after_a_message_written_anew_the_end_can_be_scrolled_to(start: Start) -> None:
    """A layout may come between the messages that leave and those that take their place."""
    async with start(size=(80, 14), max_tokens=24, draft="none") as (app, pilot):
        for text in ("one", "two", "three", "four", "five", "six"):
            await ask(app, pilot, text)
            await finished(app, pilot)
        await pilot.press("alt+up", "alt+up")
        await pilot.pause()
        await pilot.press("!", "enter")
        await wait_until(pilot, lambda: prompts(app)[-1] == "five!")
        await finished(app, pilot)
        await pilot.pause()
        chat = app.chat
        assert chat.last_reply and chat.following and chat.scroll_y == chat.max_scroll_y
        assert chat.last_reply.region.bottom <= chat.region.bottom


async def test_an_interrupted_reply_is_found_at_the_start_and_goes_on(start: Start) -> None:
    _, messages = save("tell me of the sea", "It is")
    store = Store()
    store._change("UPDATE message SET ending = 'interrupted' WHERE id = ?", messages[-1].id)
    store.close()
    async with start(max_tokens=30) as (app, pilot):
        await wait_until(pilot, lambda: "F6" in app.query_one(Divider).lasting)
        assert app.dialogue.conversation.turns == [], "a new chat is begun all the same"
        row = (await listed(app, pilot)).highlighted
        assert isinstance(row, Listed) and row.ending == "interrupted"
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(app.query(MessageView)) == 2)
        view = app.query(MessageView).last()
        assert "interrupted" in view.build(70)[0].plain and "F7" in app.query_one(Divider).hint
        turn = app.dialogue.conversation.turns[-1]
        await pilot.press("f7")
        await wait_until(pilot, lambda: turn.finish_reason == "length")
        assert turn.reply.startswith("It is") and len(turn.reply) > len("It is")
        assert view.text == turn.reply and app.query_one(Divider).lasting == ""
        _, kept = app.keeper.store().load(app.dialogue.conversation.id)
        assert [m.text for m in kept.values()] == ["tell me of the sea", turn.reply]


async def test_a_reply_of_the_bundled_pair_goes_on_as_if_it_had_never_stopped(
    start: Start,
) -> None:
    pair = {"target": str(TARGET_PATH), "draft": str(DRAFT_PATH)}
    async with start(max_tokens=20, **pair) as (app, pilot):
        await ask(app, pilot, "What is the quadratic equation formula?")
        await finished(app, pilot)
        turn = app.dialogue.conversation.turns[-1]
        assert turn.finish_reason == "length"
        app.dialogue.settings = replace(app.dialogue.settings, max_tokens=0)
        await pilot.press("f7")
        await wait_until(pilot, lambda: turn.finish_reason == "stop")
        continued = turn.reply
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: app.dialogue.conversation.turns[-1] is not turn)
        await finished(app, pilot)
        assert app.dialogue.conversation.turns[-1].reply == continued
        await pilot.press("f7")
        await wait_until(pilot, lambda: "at its end" in app.query_one(Divider).hint)
        await pilot.press("ctrl+n", "f7")
        await wait_until(pilot, lambda: "no reply to continue" in app.query_one(Divider).hint)


def test_after_a_kill_the_reply_is_there_and_goes_on(models: Path) -> None:
    flags = [
        *("--target", str(models / "target.gguf"), "--draft", "none"),
        *("--temperature", "0", "--threads", "1", "--max-tokens", str(LONG)),
    ]
    screen = Screen(*flags)
    screen.wait(lambda text: "ready" in text)
    screen.process.send("tell me of the sea\r")
    store = Store()

    def saved(screen: Screen) -> str:
        screen.update()
        for item in store.chats():
            *_, reply = store.load(item.id)[1].values()
            return reply.text
        return ""

    end = time.monotonic() + 30
    while len(saved(screen)) < 100:
        assert time.monotonic() < end
    before = saved(screen)
    screen.process.kill(signal.SIGKILL)
    screen.wait_for_end()
    again = Screen(*flags)
    again.wait(lambda text: "ready" in text and "interrupted: F6," in text)
    again.process.send("\x1b[17~")  # F6
    again.wait(lambda text: "tell me of the sea" in text and "interrupted" in text)
    again.process.send("\r")
    again.wait(lambda text: "F7 continues it" in text)
    (item,) = store.chats()
    *_, reply = store.load(item.id)[1].values()
    assert reply.text.startswith(before) and reply.ending == "interrupted"
    again.process.send("\x1b[18~")  # F7
    end = time.monotonic() + 30
    while len(saved(again)) <= len(reply.text):
        assert time.monotonic() < end
    assert saved(again).startswith(reply.text)
    again.process.send("\x11")  # Ctrl+Q
    assert again.wait_for_end() == 0
    (item,) = store.chats()
    assert item.ending == "cancelled", "who quits has not been interrupted"
    store.close()


async def test_a_chat_that_cannot_be_saved_goes_on_and_says_so_once(start: Start) -> None:
    chats_path().mkdir(parents=True)  # a folder where the file should be
    async with start(max_tokens=8) as (app, pilot):
        for text in ("one", "two"):
            await ask(app, pilot, text)
            await finished(app, pilot)
        await wait_until(pilot, lambda: app._notifications)
        said = [n.message for n in app._notifications if "not saved" in n.message]
        assert len(said) == 1 and str(chats_path()) in said[0]
        assert len(app.dialogue.conversation.turns) == 2
        await pilot.press("f6")
        await wait_until(pilot, lambda: "cannot be used" in app.screen.query_one(KeyHints).said)
        rows = app.screen.query_one(ChatList)
        assert rows.build(78)[0].plain == NO_ANSWER
        await pilot.press(*"tab")
        await wait_until(pilot, lambda: rows._searched)
        assert rows.build(78)[0].plain == NO_ANSWER, "nor is it said that nothing was found"
        await pilot.press("escape", "escape")
        assert app.composer.has_focus
