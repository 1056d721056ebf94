"""Chats that are kept: branches, the list of them, replies that go on, and a kill."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.chats.database import chats_path
from core.chats.records import Chat, Message, new_id
from core.chats.store import Listed, Store
from core.demo import DRAFT_PATH, TARGET_PATH
from tests.support.pilot import wait_until
from tests.tui.conftest import Start
from tests.tui.test_chat_app import LONG, ask, finished
from tests.tui.test_terminal import Screen
from tui import saved_chats
from tui.app import SpecdecApp
from tui.screens.chats import ChatsScreen
from tui.widgets.chat_list import NO_ANSWER, ChatList
from tui.widgets.composer import Composer
from tui.widgets.divider import Divider
from tui.widgets.key_hints import KeyHints
from tui.widgets.message_view import MessageView
from tui.widgets.problem import Problem


def save(*texts: str, title: str = "") -> tuple[Chat, list[Message]]:
    """A chat in this test's own file."""
    messages: list[Message] = []
    for number, text in enumerate(texts):
        parent = messages[-1].id if messages else None
        role, ending = ("assistant", "stop") if number % 2 else ("user", None)
        messages.append(Message(new_id(), parent, role, text, time.time(), ending))  # type: ignore[arg-type]
    chat = Chat(new_id(), title or texts[0], "", time.time(), time.time(), messages[-1].id)
    store = Store()
    store.add(chat, messages)
    store.close()
    return chat, messages


def places(app: SpecdecApp) -> list[str]:
    return [view.message.place for view in app.query(MessageView)]


def prompts(app: SpecdecApp) -> list[str]:
    return [turn.prompt for turn in app.dialogue.conversation.turns]


def problem_of(app: SpecdecApp) -> str:
    """What the line that asks for a path says of the one it was given."""
    return "".join(found.text for found in app.screen.query(Problem))


async def listed(app: SpecdecApp, pilot: Pilot[None]) -> ChatList:
    """Open the list; it is there with its rows."""
    await pilot.press("f6")
    await wait_until(pilot, lambda: isinstance(app.screen, ChatsScreen))
    rows = app.screen.query_one(ChatList)
    await wait_until(pilot, lambda: rows.cursor >= 0)
    return rows


def titles(rows: ChatList) -> list[str]:
    return [row.title for row in rows._rows]


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


async def test_the_list_searches_opens_renames_deletes_and_undoes(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [f"message {n}" for n in range(60)]
    words[11] = "the lighthouse keeper"
    long, messages = save(*words, title="ships")
    save("of other things", "yes")
    async with start(loaded=False, size=(80, 24)) as (app, pilot):
        rows = await listed(app, pilot)
        assert titles(rows) == ["of other things", "ships"]
        await pilot.press("tab", "x")
        await wait_until(pilot, lambda: titles(rows) == ["ships"])
        await pilot.press("u")
        await wait_until(pilot, lambda: titles(rows) == ["of other things", "ships"])
        await pilot.press("r")
        await wait_until(pilot, lambda: len(app.screen_stack) == 3)
        app.screen.query_one(Input).value = "other \x1b[31mthings"
        await pilot.press("enter")
        await wait_until(pilot, lambda: titles(rows)[0] == "other things")
        await pilot.press("end", "E")
        await wait_until(pilot, lambda: list(tmp_path.glob("*.json")))
        exported = json.loads((tmp_path / "ships.json").read_text())
        assert len(exported["messages"]) == 60
        await pilot.press("i")
        await wait_until(pilot, lambda: len(app.screen_stack) == 3)
        app.screen.query_one(Input).value = "ship.json"
        await pilot.press("enter")
        await wait_until(pilot, lambda: "ship.json: cannot be read" in problem_of(app))
        assert app.screen.query_one(Input).value == "ship.json", "to be written on"
        await pilot.press(*["left"] * 5, "s")
        assert not problem_of(app)
        await pilot.press("enter")
        await wait_until(pilot, lambda: titles(rows)[0] == "ships" and len(titles(rows)) == 3)
        await pilot.press("x", "slash")
        await wait_until(pilot, lambda: app.focused is app.screen.query_one(Input))
        await pilot.press(*"lighth")
        await wait_until(pilot, lambda: rows._searched and len(titles(rows)) == 1)
        hit = [line.plain for line in rows.row(0, 60)]
        assert "ships" in hit[0] and "the lighthouse keeper" in hit[1]
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: len(app.dialogue.conversation.turns) == 30)
        assert app.dialogue.conversation.id == long.id
        line = app.chat._archive.keys.index(messages[11].id)
        archived = app.chat._archive.archived
        assert archived is not None
        await wait_until(pilot, lambda: app.chat.scroll_y == archived.start(line))
        await listed(app, pilot)
        await pilot.press("escape")
        assert app.screen.query_one(Composer).has_focus


async def test_who_types_in_the_list_of_chats_searches_and_changes_nothing(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save("the rexine bear", "yes", title="a toy")
    save("of other things", "yes")
    async with start(loaded=False, size=(80, 24)) as (app, pilot):
        rows = await listed(app, pilot)
        await pilot.press(*"rexi", "down")
        await wait_until(pilot, lambda: titles(rows) == ["a toy"])
        assert isinstance(app.screen, ChatsScreen) and not list(tmp_path.glob("*.md"))
        await pilot.press("escape")
        await wait_until(pilot, lambda: len(titles(rows)) == 2)
        await pilot.press("tab", "b")
        said = app.screen.query_one(KeyHints)
        assert "/ goes to the search" in said.said
        assert "/ to search" in app.screen.query_one(Input).placeholder
        await pilot.press("slash")
        assert said.said == "" and app.screen.query_one(Input).has_focus
        await pilot.press("escape")
        assert app.composer.has_focus


async def test_a_list_that_was_read_before_a_change_does_not_come_after_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for title in ("one", "two"):
        save(title, "yes")
    read, go_on, first = saved_chats.rows, Event(), []

    def slow_at_first(*arguments: Any) -> object:
        found = read(*arguments)
        if not first:
            first.append(found)
            go_on.wait()
        return found

    monkeypatch.setattr(saved_chats, "rows", slow_at_first)
    async with start(loaded=False) as (app, pilot):
        await pilot.press("f6")
        await wait_until(pilot, lambda: first)
        await pilot.press("o", "backspace")
        rows = app.screen.query_one(ChatList)
        await wait_until(pilot, lambda: titles(rows) == ["two", "one"] and rows.cursor == 0)
        await pilot.press("tab", "x")
        await wait_until(pilot, lambda: titles(rows) == ["one"])
        go_on.set()
        await wait_until(pilot, lambda: all(one.is_finished for one in app.workers))
        await pilot.pause()
        assert titles(rows) == ["one"]


async def test_the_cursor_begins_on_the_chat_that_is_open(start: Start) -> None:
    older, _ = save("one", "yes")
    save("two", "yes")
    save("three", "yes")
    async with start(loaded=False) as (app, pilot):
        await listed(app, pilot)
        await pilot.press("down", "down", "enter")
        await wait_until(pilot, lambda: app.dialogue.conversation.id == older.id)
        rows = await listed(app, pilot)
        assert rows.cursor == 2
        await pilot.press(*"one")
        await wait_until(pilot, lambda: len(titles(rows)) == 1)
        await pilot.press("escape")
        await wait_until(pilot, lambda: len(titles(rows)) == 3 and rows.cursor == 2)


async def test_where_the_end_is_seen_no_key_leads_there(start: Start) -> None:
    found, _ = save("the bear", "yes", "and then", "no")
    async with start(loaded=False, size=(80, 24)) as (app, pilot):
        rows = await listed(app, pilot)
        await pilot.press(*"bear")
        # without a cursor, what is shown was found for the letters before
        await wait_until(pilot, lambda: rows._searched and rows.cursor == 0)
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.dialogue.conversation.id == found.id)
        await wait_until(pilot, lambda: not app.chat.following)
        app.show_state()
        assert app.chat.max_scroll_y == 0 and app.divider.lasting == ""


@pytest.mark.parametrize("ending", ["stop", "interrupted"])
async def test_on_a_narrow_screen_titles_have_the_room_of_empty_columns(
    start: Start, ending: str
) -> None:
    _, messages = save("the history of lighthouses in the north", "yes")
    store = Store()
    store._change("UPDATE message SET ending = ? WHERE id = ?", ending, messages[-1].id)
    store.close()
    async with start(loaded=False, size=(40, 10)) as (app, pilot):
        rows = await listed(app, pilot)
        (line,) = rows.row(0, 38)
        assert line.cell_length == 38 and line.plain.startswith("the history of lig")
        assert ("interrupted" in line.plain) == (ending == "interrupted")


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


async def test_the_list_says_that_nothing_is_saved_where_it_can_be_read(start: Start) -> None:
    """As on a disk that is full."""
    save("before the disk was full", "yes")
    async with start(max_tokens=8) as (app, pilot):
        store = app.keeper.store()
        store._change(
            "CREATE TRIGGER full BEFORE INSERT ON message BEGIN SELECT raise(FAIL, 'full'); END"
        )
        await ask(app, pilot, "one")
        await finished(app, pilot)
        await wait_until(pilot, app.keeper.trouble)
        rows = await listed(app, pilot)
        assert titles(rows) == ["before the disk was full"]
        assert "this chat is not saved" in app.screen.query_one(KeyHints).said
