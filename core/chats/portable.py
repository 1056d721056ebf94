"""The JSON of a conversation: what an export writes and an import reads, and its limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.chats.records import Ending, Role
from core.protocol import ReplyStats

MOST_MESSAGES = 20_000
MOST_CHARACTERS = 4_000_000
MOST_BYTES = 64 * 2**20

Text = Annotated[str, Field(max_length=MOST_CHARACTERS)]
Name = Annotated[str, Field(max_length=1000)]
Time = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
"""Seconds since 1970."""


class PortableMessage(BaseModel):
    """A message. `parent`: the number of the message that it answers, which stands before it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: int
    parent: int | None = None
    role: Role
    text: Text
    created: Time = 0
    ending: Ending | None = None
    note: Name = ""
    target: Name = ""
    drafter: Name = ""
    stats: ReplyStats | None = None


class PortableChat(BaseModel):
    """A conversation with all its branches. `shown`: the last message of the branch shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["specdec-tui chat"] = "specdec-tui chat"
    version: Literal[1] = 1
    title: Name = ""
    system: Text = ""
    created: Time = 0
    updated: Time = 0
    shown: int | None = None
    messages: Annotated[list[PortableMessage], Field(max_length=MOST_MESSAGES)]
