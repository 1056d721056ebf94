"""One conversation in memory: the branch that is shown as turns, and every message as it is kept.

No Textual here, and no file: what there is to save comes out as values.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from core.chats import branches
from core.chats.records import Chat, Ending, Message, new_id, read_stats, title_of
from core.protocol import ChatMessage, ReplyStats
from core.reasoning import answer

if TYPE_CHECKING:
    from tui.trace import Trace


@dataclass
class Turn:
    """A user's message, and the reply to it as far as it has come."""

    prompt: str
    reply: str = ""
    finish_reason: Ending | None = None
    stats: ReplyStats | None = None
    note: str = ""
    trace: Trace | None = field(default=None, repr=False, compare=False)
    """How its tokens came; None where that is not known, as in a chat that was read from disk."""
    target: str = ""
    drafter: str = ""
    prompt_id: int = field(default_factory=new_id)
    reply_id: int = field(default_factory=new_id)
    begun: str = ""
    """What of the reply was there before it was continued."""
    n_before: int | None = 0
    """Tokens that were there before it was continued last; None where nobody has counted them."""
    returned: bool = False
    """It was refused, and the user has the prompt back to write it otherwise."""

    @property
    def n_tokens(self) -> int | None:
        """Tokens of the whole reply; None where they are not known."""
        if self.n_before is None or (self.stats is None and not self.n_before):
            return None
        return self.n_before + (self.stats.n_tokens if self.stats else 0)

    @property
    def unfinished(self) -> bool:
        """Whether there is a reply that can be continued."""
        return bool(self.reply) and self.finish_reason not in (None, "stop")


@dataclass
class Conversation:
    """Turns in order, under a system prompt; other branches beside them."""

    system: str = ""
    turns: list[Turn] = field(default_factory=list)
    id: int = field(default_factory=new_id)
    title: str = ""
    created: float = field(default_factory=time.time)
    kept: dict[int, Message] = field(default_factory=dict)
    """Every message that was asked or answered, of all branches."""

    @classmethod
    def of(cls, chat: Chat, messages: Mapping[int, Message]) -> Conversation:
        """A conversation as it was kept, with the branch that was shown last."""
        conversation = cls(
            chat.system, id=chat.id, title=chat.title, created=chat.created, kept=dict(messages)
        )
        leaf = chat.leaf if chat.leaf in messages else max(messages, default=None)
        conversation._show(leaf)
        return conversation

    # -------------------------------------------------------------- asking

    def ask(self, prompt: str) -> Turn:
        """A new message; one that was returned makes way for it, however often it is tried."""
        turn = Turn(prompt)
        if self.turns and self.turns[-1].returned:
            before = self.turns.pop()
            turn.prompt_id, turn.reply_id = before.prompt_id, before.reply_id
            self.kept.pop(before.prompt_id, None)  # so that it is kept anew, under the same id
        self.turns.append(turn)
        return turn

    def ask_instead(self, index: int, prompt: str) -> Turn:
        """Ask something else in place of turn `index`; it, and what followed it, stay as another
        branch."""
        self.turns = self.turns[: index + 1 if self.turns[index].returned else index]
        return self.ask(prompt)

    def reopen_last(self) -> Turn | None:
        """The last message, to be answered again beside the reply it has; None if there is none.
        An empty reply makes way instead."""
        if not self.turns:
            return None
        last = self.turns[-1]
        turn = Turn(last.prompt, prompt_id=last.prompt_id)
        if not last.reply:
            turn.reply_id = last.reply_id
        self.turns[-1] = turn
        return turn

    def resume_last(self) -> Turn | None:
        """The last turn, its reply to be continued; None where it cannot be."""
        if not self.turns or not self.turns[-1].unfinished:
            return None
        turn = self.turns[-1]
        turn.n_before = turn.n_tokens or None
        turn.begun, turn.finish_reason, turn.note, turn.stats = turn.reply, None, "", None
        return turn

    @property
    def last_reply(self) -> str:
        return next((turn.reply for turn in reversed(self.turns) if turn.reply), "")

    def messages(self) -> list[ChatMessage]:
        """What the target is asked to answer, or, where the last reply was begun, to continue.

        A turn that got no answer at all is left out with its prompt, since chat templates insist
        on roles that alternate. Reasoning stays behind: templates take it out of earlier replies,
        and one refuses a message that has it.
        """
        messages = [ChatMessage(role="system", content=self.system)] if self.system else []
        for turn in self.turns[:-1]:
            if said := answer(turn.reply):
                messages.append(ChatMessage(role="user", content=turn.prompt))
                messages.append(ChatMessage(role="assistant", content=said))
        for turn in self.turns[-1:]:
            messages.append(ChatMessage(role="user", content=turn.prompt))
            if turn.begun:
                messages.append(ChatMessage(role="assistant", content=turn.begun))
        return messages

    # -------------------------------------------------------------- branches

    def places(self) -> dict[int, branches.Place]:
        """Of the messages shown, those that have others beside them, by id."""
        return branches.places(self._parents(), self._leaf())

    def walk(self, step: int, at: int | None = None) -> int | None:
        """Show the branch `step` beside message `at`, by default beside the last one that has
        others; returns the message that is in its place then, None where there is none."""
        parents = self._parents()
        fork = at if at is not None else branches.last_fork(parents, self._leaf())
        if fork is None or fork not in parents:
            return None
        leaf = branches.walk(parents, fork, step)
        if leaf is None:
            return None
        beside = branches.siblings(parents, fork)
        self._show(leaf)
        return beside[beside.index(fork) + step]

    def show_message(self, message: int) -> bool:
        """Show a branch that message is in; False where there is no such message."""
        if message not in self.kept:
            return False
        if message not in branches.path(self._parents(), self._leaf()):
            self._show(branches.newest_leaf(self._parents(), message))
        return True

    def _parents(self) -> dict[int, int | None]:
        return {message.id: message.parent for message in self.kept.values()}

    def _leaf(self) -> int | None:
        last = self.turns[-1] if self.turns else None
        if last is None:
            return None
        return last.reply_id if last.reply_id in self.kept else last.prompt_id

    def _show(self, leaf: int | None) -> None:
        self.turns = []
        for at in branches.path(self._parents(), leaf):
            message = self.kept[at]
            if message.role == "user":
                # Without a reply of its own, its writer has ended before the first word.
                asked = Turn(message.text, finish_reason="interrupted", prompt_id=message.id)
                self.turns.append(asked)
            elif self.turns and not self.turns[-1].reply:
                _answer(self.turns[-1], message)

    # -------------------------------------------------------------- keeping

    def keep(self, turn: Turn, writing: bool) -> tuple[Chat, list[Message]]:
        """The messages of a turn as they are to be kept, and the conversation they are of.
        `writing`: the reply is not at its end."""
        self.title = self.title or title_of(turn.prompt)
        now, changed = time.time(), []
        if turn.prompt_id not in self.kept:
            index = next((n for n, shown in enumerate(self.turns) if shown is turn), 0)
            above = self.turns[index - 1] if index else None
            if above and above.reply_id not in self.kept:  # its writer ended before the first word
                changed.append(self._reply(above, False, now))
            parent = above.reply_id if above else None
            changed.append(Message(turn.prompt_id, parent, "user", turn.prompt, now))
        changed.append(self._reply(turn, writing, now))
        self.kept.update((message.id, message) for message in changed)
        return self.record(now), changed

    def _reply(self, turn: Turn, writing: bool, now: float) -> Message:
        from core import wire

        before = self.kept.get(turn.reply_id)
        return Message(
            id=turn.reply_id,
            parent=turn.prompt_id,
            role="assistant",
            text=turn.reply,
            created=before.created if before else now,
            ending=turn.finish_reason,
            note=turn.note,
            stats=wire.write(_of_the_whole(turn, turn.stats)) if turn.stats and not writing else "",
            target=turn.target,
            drafter=turn.drafter,
            open=writing,
        )

    def record(self, updated: float = 0.0) -> Chat:
        """The conversation but for its messages. `updated`: when it was last written to, where
        that is now."""
        return Chat(self.id, self.title, self.system, self.created, updated, self._leaf())


def _of_the_whole(turn: Turn, stats: ReplyStats) -> ReplyStats:
    """The last part's totals, but for the number of tokens: that of the whole, or 0: unknown."""
    return replace(stats, n_tokens=turn.n_tokens or 0)


def _answer(turn: Turn, message: Message) -> None:
    turn.reply, turn.finish_reason, turn.note = message.text, message.ending, message.note
    turn.stats, turn.target, turn.drafter = read_stats(message), message.target, message.drafter
    turn.reply_id = message.id
