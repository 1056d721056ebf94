"""The list of saved chats: search, names, deletion, export and import."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from textual.widgets import Input

from core.chats.store import Store
from tests.support.pilot import wait_until
from tests.support.saved_chats import listed, problem_of, save, titles
from tests.tui.conftest import Start
from tests.tui.test_chat_app import ask, finished
from tui import saved_chats
from tui.screens.chats import ChatsScreen
from tui.widgets.chat_list import ChatList
from tui.widgets.composer import Composer
from tui.widgets.key_hints import KeyHints


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
