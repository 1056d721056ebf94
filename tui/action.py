"""What an action of the app is to its keys, the help, the palette and the slash commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["chat", "list", "page"]
"""Where an action's keys count: in the chat, in lists, or in texts to read."""


@dataclass(frozen=True)
class Action:
    """`id` names the action for remapping; `key` is one key or several, separated by commas; `run`
    is Textual's action string."""

    id: str
    key: str
    run: str
    label: str
    help: str
    key_text: str
    bar: int = 0
    """Place in the key bar's order of importance; 0: not shown there."""
    palette: bool = False
    bound: bool = True
    """False where a widget or Textual itself handles the key."""
    priority: bool = False
    """Counts on every screen, before what the screen itself would do with the key."""
    scope: Scope = "chat"
    in_help: bool = True
    """False where the help of another one speaks for it."""

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(key for key in self.key.split(",") if key)

    @property
    def command(self) -> str:
        """The name of the slash command that does the same; empty where there is none."""
        return self.id.replace("_", "-") if self.palette and self.scope == "chat" else ""
