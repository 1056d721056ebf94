"""The conversation as tokens: what of it the context holds, and how it goes on from the last reply.

A context that would be full loses its oldest turns, never the system prompt and never the last
question; what was left out once stays out, so that the cache keeps its prefix.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import SpecdecError
from core.llama.chat_template import CHATML, render
from core.llama.model import Model
from core.protocol import ChatMessage
from core.reasoning import opened_by

FILL = 0.75
"""Share of the context that is kept when turns are dropped: room for the replies to come."""
MIN_ROOM = 64
"""Tokens of a reply that must fit, or turns are dropped."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The tokens of a prompt, and how many of the oldest messages it leaves out."""

    tokens: list[int]
    n_left_out: int = 0
    opening: str = ""
    """A marker of reasoning that the template wrote for the model; it belongs to the reply."""
    half: bytes = b""
    """Half a character that the reply that goes on ended with; its tokens are in the prompt."""


def turns(messages: Sequence[ChatMessage]) -> tuple[int, list[int]]:
    """How many messages lead as system prompt, and where each later turn begins: with a message of
    the user's."""
    n_system = next((i for i, m in enumerate(messages) if m.role != "system"), len(messages))
    starts = [i for i, m in enumerate(messages) if m.role == "user" and i > n_system]
    return n_system, [n_system, *starts] if n_system < len(messages) else []


class Conversation:
    """Makes prompts for one model, with a context of `n_ctx` tokens."""

    def __init__(self, model: Model, n_ctx: int) -> None:
        self._model = model
        self._n_ctx = n_ctx
        self._text = ""
        self._tokens: list[int] = []
        self._half = b""
        self._left_out: list[ChatMessage] = []

    def forget(self) -> None:
        """Nothing was said yet."""
        self._text, self._tokens, self._half, self._left_out = "", [], b"", []

    def prompt(self, messages: Sequence[ChatMessage]) -> Prompt:
        """The prompt of the next reply, as tokens.

        Where the conversation goes on from the last reply, its tokens are taken as they were
        generated, for a text can be cut into tokens in several ways, and only these are in the
        caches. Raises SpecdecError where there is nothing to answer, or where the last turn alone
        is too long.
        """
        if not any(m.content.strip() for m in messages if m.role != "system"):
            raise SpecdecError("The message is empty; type something to send.", "prompt")
        n_system, starts = turns(messages)
        n_out = self._n_left_out_before(messages[n_system:])
        text, tokens = self._tokenize(messages, n_system, n_out)
        if len(tokens) + MIN_ROOM > self._n_ctx:
            n_out = self._n_to_leave_out(messages, n_system, starts, 0)
            text, tokens = self._tokenize(messages, n_system, n_out)
        if len(tokens) >= self._n_ctx:
            raise SpecdecError(
                f"The message has {len(tokens):,} tokens with what belongs to it, and the context "
                f"holds {self._n_ctx:,}; shorten it, or choose a larger context with --ctx.",
                "prompt",
            )
        if not tokens:
            raise SpecdecError(
                "The model's chat template makes nothing of this conversation; type something "
                "else, or choose another model.",
                "prompt",
            )
        return self._begin(text, tokens, messages[n_system : n_system + n_out])

    def make_room(self, messages: Sequence[ChatMessage], n_reply: int) -> Prompt | None:
        """The prompt again, without so many of the oldest turns that `n_reply` tokens of a reply
        fit behind it and the reply can go on; None where that cannot be."""
        n_system, starts = turns(messages)
        n_out = self._n_to_leave_out(messages, n_system, starts, n_reply)
        text, tokens = self._tokenize(messages, n_system, n_out)
        if n_out <= len(self._left_out) or len(tokens) + n_reply + MIN_ROOM > self._n_ctx:
            return None
        return self._begin(text, tokens, messages[n_system : n_system + n_out])

    def remember_reply(self, text: str, tokens: list[int], half: bytes = b"") -> None:
        """Note a finished reply: `tokens` are the whole text so far, as it was generated, and
        `half` a character that they have not all bytes of, so that it is not in `text`."""
        if tokens and self._model.is_eog(tokens[-1]):
            tokens = tokens[:-1]
        self._text += text
        self._tokens, self._half = list(tokens), half

    def _begin(self, text: str, tokens: list[int], left_out: Sequence[ChatMessage]) -> Prompt:
        """What is said from here on goes on from this prompt."""
        half = self._half if tokens == self._tokens and text == self._text else b""
        self._text, self._tokens, self._left_out = text, tokens, list(left_out)
        self._half = b""
        return Prompt(list(tokens), len(left_out), opened_by(text), half)

    def _n_left_out_before(self, messages: Sequence[ChatMessage]) -> int:
        """How many messages to leave out because they were left out before, in this conversation
        and not in another one."""
        n = len(self._left_out)
        return n if n and self._left_out == list(messages[:n]) and len(messages) > n else 0

    def _n_to_leave_out(
        self, messages: Sequence[ChatMessage], n_system: int, starts: Sequence[int], n_reply: int
    ) -> int:
        """The fewest of the oldest messages without which the rest fills no more than FILL."""

        def fits(n_turns: int) -> bool:
            _, tokens = self._tokenize(messages, n_system, starts[n_turns] - n_system)
            return len(tokens) + n_reply <= self._n_ctx * FILL

        n_turns = bisect_left(range(len(starts) - 1), True, key=fits)
        return starts[n_turns] - n_system

    def _tokenize(
        self, messages: Sequence[ChatMessage], n_system: int, n_out: int
    ) -> tuple[str, list[int]]:
        model = self._model
        template = model.chat_template() or CHATML
        bos, eos = model.token_text(model.bos), model.token_text(model.eos)
        kept = [*messages[:n_system], *messages[n_system + n_out :]]
        text = render(template, kept, bos=bos, eos=eos)
        if self._text and text.startswith(self._text):
            rest = model.tokenize(text[len(self._text) :], add_special=False, parse_special=True)
            return text, self._tokens + rest
        tokens = model.tokenize(text, add_special=True, parse_special=True)
        if tokens[:2] == [model.bos] * 2:  # the template wrote one, too
            tokens = tokens[1:]
        return text, tokens
