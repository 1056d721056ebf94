"""Chats that are in the file already, and the list of them on the screen."""

from __future__ import annotations

import time

from textual.pilot import Pilot

from core.chats.records import Chat, Message, new_id
from core.chats.store import Store
from tests.support.pilot import wait_until
from tui.app import SpecdecApp
from tui.screens.chats import ChatsScreen
from tui.widgets.chat_list import ChatList
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
