"""Messages as JSON lines, and back. Apart from the messages themselves because pydantic, which
checks what comes in, takes longer to import than the app has until its first frame.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter

from core.message import Message
from core.protocol import Command, Event

M = TypeVar("M", bound=Message)

_COMMANDS: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")])
_EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


def read_command(line: bytes | str) -> Command:
    """The command of a line. Raises pydantic's ValidationError, also for keys that it lacks."""
    return _COMMANDS.validate_json(line)


def read_event(line: bytes | str) -> Event:
    """The event of a line. Raises pydantic's ValidationError."""
    return _EVENTS.validate_json(line)


def read(kind: type[M], text: bytes | str) -> M:
    """A message of this kind. Raises pydantic's ValidationError."""
    message: M = _adapter(kind).validate_json(text)
    return message


def write(message: Message) -> str:
    """The message as JSON, on one line without its end."""
    return _adapter(type(message)).dump_json(message).decode()


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


_adapters: dict[type, TypeAdapter[Any]] = {}
