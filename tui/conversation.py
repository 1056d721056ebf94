"""One conversation in memory. No Textual here, so that a store can put it on disk."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.protocol import ChatMessage, FinishReason, ReplyStats
from tui.trace import Trace


@dataclass
class Turn:
    """A user's message, and the reply to it as far as it has come."""

    prompt: str
    reply: str = ""
    finish_reason: FinishReason | None = None
    stats: ReplyStats | None = None
    note: str = ""
    trace: Trace | None = field(default=None, repr=False, compare=False)
    """How its tokens came; None where that is not known, as in a chat that was read from disk."""


@dataclass
class Conversation:
    """Turns in order, under a system prompt."""

    system: str = ""
    turns: list[Turn] = field(default_factory=list)

    def ask(self, prompt: str) -> Turn:
        turn = Turn(prompt)
        self.turns.append(turn)
        return turn

    def reopen_last(self) -> Turn | None:
        """The last turn with its reply taken back, to be answered again; None if there is none."""
        if not self.turns:
            return None
        self.turns[-1] = Turn(self.turns[-1].prompt)
        return self.turns[-1]

    @property
    def last_reply(self) -> str:
        return next((turn.reply for turn in reversed(self.turns) if turn.reply), "")

    def messages(self) -> list[ChatMessage]:
        """What the target is asked to answer: everything up to the last user message.

        A turn that got no reply at all is left out with its prompt, since chat templates insist on
        roles that alternate.
        """
        messages = [ChatMessage(role="system", content=self.system)] if self.system else []
        for turn in self.turns[:-1]:
            if turn.reply:
                messages.append(ChatMessage(role="user", content=turn.prompt))
                messages.append(ChatMessage(role="assistant", content=turn.reply))
        messages += [ChatMessage(role="user", content=turn.prompt) for turn in self.turns[-1:]]
        return messages
