"""The work behind the list of chats: what it does on disk, with a sentence of what came of it.

No Textual here; everything waits for the disk, so it is called on a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.chats.exports import Format, export, write_new
from core.chats.imports import read_chat
from core.chats.records import MAX_TITLE, Chat, Message
from core.chats.search import Hit
from core.chats.store import Listed
from core.errors import SpecdecError
from core.paths import expanded
from tui.sanitize import clean_line

if TYPE_CHECKING:
    from core.chats.store import Store

Row = Listed | Hit
Answer = tuple[str, bool]
"""A sentence, and whether all went well."""
TITLE_CELLS = 40


def rows(
    store: Callable[[], Store], words: str, trouble: Callable[[], str]
) -> tuple[Sequence[Row], Answer]:
    """The chats, or where the words stand in them; and why nothing is saved, if that is so."""
    try:
        found: Sequence[Row] = store().search(words) if words.strip() else store().chats()
    except SpecdecError as error:
        return (), (error.message, False)
    return found, (why := trouble(), not why)


def renamed(store: Callable[[], Store], chat: int, title: str) -> Answer:
    title = clean_line(title, MAX_TITLE)
    if not title:
        return "A chat needs a name; it keeps the one it has.", False
    return _done(lambda: store().rename(chat, title), "")


def deleted(store: Callable[[], Store], chat: int, title: str) -> Answer:
    sentence = f"Deleted {_short(title)}. u brings it back, until a day from now."
    return _done(lambda: store().delete(chat), sentence)


def brought_back(store: Callable[[], Store]) -> tuple[int | None, Answer]:
    """Undo the last deletion: which chat that was."""
    try:
        chat = store().bring_back()
    except SpecdecError as error:
        return None, (error.message, False)
    if chat is None:
        return None, ("Nothing was deleted within a day.", False)
    return chat, ("It is back.", True)


def saved_as(store: Callable[[], Store], chat: int, form: Format) -> Answer:
    """Write a saved chat to a new file."""
    try:
        return exported(*store().load(chat), form)
    except SpecdecError as error:
        return error.message, False


def exported(chat: Chat, messages: Mapping[int, Message], form: Format) -> Answer:
    """Write a chat to a new file in the folder that the user came from."""
    try:
        folder = Path.cwd()
    except OSError as error:
        return f"The folder that you came from is gone ({error.strerror}).", False
    try:
        file = write_new(folder, chat, form, export(chat, messages, form))
    except SpecdecError as error:
        return error.message, False
    return f"Written to {clean_line(str(file), 300)}.", True


def imported(store: Callable[[], Store], given: str) -> tuple[int | None, Answer]:
    """Take a chat in from a JSON file: which one it is now."""
    try:
        chat, messages = read_chat(expanded(given.strip()))
        store().add(chat, messages)
    except SpecdecError as error:
        return None, (error.message, False)
    except RuntimeError:  # "~nobody" has no home
        return None, (f"{clean_line(given)}: there is no such folder.", False)
    return chat.id, (f"{_short(chat.title)} is here, with {len(messages):,} messages.", True)


def _done(work: Callable[[], object], sentence: str) -> Answer:
    try:
        work()
    except SpecdecError as error:
        return error.message, False
    return sentence, True


def _short(title: str) -> str:
    return f"“{clean_line(title, TITLE_CELLS)}”"
