"""A conversation as a file for others: Markdown of the branch shown, or JSON of all branches."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from core.chats.branches import parents_first, path
from core.chats.portable import PortableChat, PortableMessage
from core.chats.records import Chat, Message, read_stats
from core.errors import SpecdecError
from core.whole_files import create_file

Format = Literal["markdown", "json"]
SUFFIXES: dict[Format, str] = {"markdown": ".md", "json": ".json"}
NAMES = {"user": "You", "assistant": "Assistant"}
ENDINGS = {
    "length": "length limit",
    "context": "context full",
    "cancelled": "stopped",
    "error": "interrupted",
    "interrupted": "interrupted",
}
MOST_NAME = 40


def export(chat: Chat, messages: Mapping[int, Message], form: Format) -> str:
    """The conversation as text of that format."""
    return to_json(chat, messages) if form == "json" else to_markdown(chat, messages)


def to_markdown(chat: Chat, messages: Mapping[int, Message]) -> str:
    """The branch that is shown, each message as it was written under a heading of its own."""
    parents = {message.id: message.parent for message in messages.values()}
    shown = [messages[at] for at in path(parents, chat.leaf)]
    parts = [f"# {' '.join(chat.title.split())}", _day(chat.created)]
    if chat.system:
        parts += ["## System", chat.system]
    for message in shown:
        parts.append(f"## {NAMES[message.role]}")
        if about := _about(message):
            parts.append(f"*{about}*")
        parts += [text for text in (message.text.strip("\n"), message.note) if text]
    return "\n\n".join(parts) + "\n"


def to_json(chat: Chat, messages: Mapping[int, Message]) -> str:
    """Every branch, as `core.chats.imports` reads it. Messages are numbered from 1, a parent before
    what answers it. What is beyond the limits of an import is written all the same."""
    parents = {message.id: message.parent for message in messages.values()}
    numbers = {id: number for number, id in enumerate(parents_first(parents), 1)}
    portable = PortableChat.model_construct(
        title=chat.title,
        system=chat.system,
        created=chat.created,
        updated=chat.updated,
        shown=numbers.get(chat.leaf) if chat.leaf is not None else None,
        messages=[_portable(messages[id], numbers) for id in numbers],
    )
    return portable.model_dump_json(indent=2) + "\n"


def write_new(folder: Path, chat: Chat, form: Format, text: str) -> Path:
    """Write `text` to a new file named after the conversation; nothing is overwritten.

    Raises SpecdecError (`file`) where that cannot be done.
    """
    stem = file_stem(chat)
    for number in range(1, 1000):
        name = f"{stem}{f'-{number}' if number > 1 else ''}{SUFFIXES[form]}"
        file = folder / name
        try:
            create_file(file, text.encode(errors="replace"))
        except FileExistsError:
            continue
        except OSError as error:
            raise SpecdecError(
                f"{file} cannot be written ({error.strerror}); go to a folder that can be.", "file"
            ) from None
        return file
    raise SpecdecError(f"{folder} is full of exports of this chat; remove some.", "file")


def file_stem(chat: Chat) -> str:
    """A file name from a title: letters with the marks on them, digits and hyphens only."""
    letters = ""
    for c in unicodedata.normalize("NFC", chat.title):
        is_mark = unicodedata.category(c).startswith("M") and letters[-1:] not in ("", " ")
        letters += c if c.isalnum() or is_mark else " "
    return "-".join(letters.split()).lower()[:MOST_NAME].strip("-") or "chat"


def _portable(message: Message, numbers: Mapping[int, int]) -> PortableMessage:
    return PortableMessage.model_construct(
        id=numbers[message.id],
        parent=numbers.get(message.parent) if message.parent is not None else None,
        role=message.role,
        text=message.text,
        created=message.created,
        ending="interrupted" if message.open else message.ending,
        note=message.note,
        target=message.target,
        drafter=message.drafter,
        stats=read_stats(message),
    )


def _about(message: Message) -> str:
    if message.role != "assistant":
        return ""
    stats = read_stats(message)
    models = " ← ".join(name for name in (message.target, message.drafter) if name)
    count = f"{stats.n_tokens:,} tokens" if stats and stats.n_tokens else ""
    speedup = f"{stats.speedup:.2f}×" if stats and stats.speedup else ""
    ending = ENDINGS.get(message.ending or "", "")
    return " · ".join(part for part in (models, count, speedup, ending) if part)


def _day(when: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(when))
