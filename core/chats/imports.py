"""A conversation from a file that somebody else may have written: nothing in it is believed."""

from __future__ import annotations

import time
from pathlib import Path

from pydantic import ValidationError

from core import wire
from core.chats.portable import MOST_BYTES, PortableChat, PortableMessage
from core.chats.records import MAX_TITLE, Chat, Message, new_id, title_of
from core.errors import SpecdecError
from core.models.untrusted import shown


def read_chat(path: Path) -> tuple[Chat, list[Message]]:
    """The conversation in a JSON file, under new ids; it counts as written to now.

    Raises SpecdecError (`file`) that names the file and the place in it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror}); name another file") from None
    if len(data) > MOST_BYTES:
        raise _refused(path, f"is larger than {MOST_BYTES >> 20} MiB, which no exported chat is")
    try:
        return chat_of(data)
    except SpecdecError as error:
        raise _refused(path, error.message) from None


def chat_of(data: bytes) -> tuple[Chat, list[Message]]:
    """The conversation in the text of such a file. Raises SpecdecError (`file`)."""
    try:
        portable = PortableChat.model_validate_json(data)
    except ValidationError as error:
        raise SpecdecError(_explain(error), kind="file") from None
    numbers = _numbers(portable.messages)
    if portable.shown is not None and portable.shown not in numbers:
        raise SpecdecError(
            f"shown: {shown(str(portable.shown))} is not the id of a message", kind="file"
        )
    messages = [_message(message, numbers) for message in portable.messages]
    last = messages[-1].id if messages else None
    leaf = numbers[portable.shown] if portable.shown is not None else last
    first = next((message.text for message in portable.messages), "")
    title = " ".join(portable.title.split())[:MAX_TITLE] or title_of(first)
    chat = Chat(new_id(), title, portable.system, portable.created, time.time(), leaf)
    return chat, messages


def _numbers(messages: list[PortableMessage]) -> dict[int, int]:
    """New ids by those in the file. A parent must stand before what answers it, which no circle
    can do."""
    if not messages:
        raise SpecdecError("messages: there are none", kind="file")
    numbers: dict[int, int] = {}
    roles: dict[int | None, str] = {None: "assistant"}
    for at, message in enumerate(messages):
        if message.id in numbers:
            raise SpecdecError(
                f"messages[{at}].id: {shown(str(message.id))} was given before", kind="file"
            )
        if message.parent is not None and message.parent not in numbers:
            problem = f"{shown(str(message.parent))} is not the id of a message before it"
            raise SpecdecError(f"messages[{at}].parent: {problem}", kind="file")
        if message.role == roles[message.parent]:
            problem = "user and assistant must take turns, the user first"
            raise SpecdecError(f"messages[{at}].role: {problem}", kind="file")
        numbers[message.id] = new_id()
        roles[message.id] = message.role
    return numbers


def _message(message: PortableMessage, numbers: dict[int, int]) -> Message:
    return Message(
        id=numbers[message.id],
        parent=numbers[message.parent] if message.parent is not None else None,
        role=message.role,
        text=message.text,
        created=message.created,
        ending=message.ending,
        note=message.note,
        stats=wire.write(message.stats) if message.stats else "",
        target=message.target,
        drafter=message.drafter,
    )


def _explain(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        return f"is not JSON ({shown(first['msg'])})"
    where = ""
    for part in first["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    where = shown(where) or "the file"
    if first["type"] == "missing":
        return f"{where}: is missing"
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{where}: there is no such key in an exported chat"
    problem = first["msg"][0].lower() + first["msg"][1:]
    return f"{where}: {shown(problem)}"


def _refused(path: Path, problem: str) -> SpecdecError:
    return SpecdecError(f"{shown(str(path))}: {problem}.", kind="file")
