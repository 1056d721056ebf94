"""What is asked in a benchmark: six kinds of text, from predictable to free.

All are within what the bundled pair can answer; a large model has an easy time with them. Nothing
in the engine is tuned to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.bench.synthetic import ENTRIES, REGIONS, marker
from core.errors import SpecdecError
from core.protocol import ChatMessage


@dataclass(frozen=True)
class Prompt:
    """A conversation that ends with a user message, and the kind of text that it asks for."""

    kind: str
    number: int
    messages: tuple[ChatMessage, ...]


_TEXT_1 = """\
Speculative decoding lets a small draft model propose several tokens, and the large target model \
checks them all in one batch. Tokens that the target agrees with are kept, so the reply is what \
the target alone would have said, only sooner. A long draft pays when most proposals are accepted; \
a short one wastes less when they are not."""
_TEXT_2 = """\
The draft model is a small, fast model with the same vocabulary as the target. It proposes the \
next few tokens, and the target decides which of them are kept. If the draft proposes 100 tokens \
and the target keeps 80, the acceptance rate is 80%."""

# A string is a question; a list is a conversation, user and assistant in turn.
_ASKED: dict[str, tuple[str | Sequence[str], ...]] = {
    "code": (
        "Write a Python function that checks whether a number is prime.",
        "Write a Python function that computes the Fibonacci numbers.",
        "Write a Python function that finds the largest number in a list.",
    ),
    "mathematics": (
        "What is the quadratic equation formula?",
        "Count from 1 to 30.",
        "Write the multiplication table of 7.",
    ),
    "facts": (
        "How does speculative decoding work?",
        "Why is speculative decoding faster?",
        "What is the boiling point of water?",
    ),
    "summary": (
        f"{_TEXT_1}\n\nIn short, what is speculative decoding?",
        f"{_TEXT_2}\n\nIn short, what is the acceptance rate?",
    ),
    "story": (
        "Tell me a story about a fox.",
        "Tell me a short story about a lost key.",
        'Write a story that begins: "The door creaked open"',
    ),
    "chat": (
        (
            "Hello",
            "Hello. How can I help you?",
            "What is a draft model?",
            "The draft model is a small, fast model with the same vocabulary as the target. It "
            "proposes the next few tokens, and the target decides which of them are kept.",
            "And what does the target model do?",
        ),
        (
            "What is the area of a circle?",
            "The area of a circle with radius r is A = πr².",
            "Thanks",
            "You are welcome.",
            "What can you do?",
        ),
    ),
}

KINDS = tuple(_ASKED)
SYNTHETIC_KINDS = REGIONS
OWN = "own"
"""The kind of prompts that the user brings."""


def prompts(kinds: Sequence[str] = KINDS) -> tuple[Prompt, ...]:
    """The prompts of these kinds, in this order: any of KINDS, and for synthetic models of
    SYNTHETIC_KINDS. Raises SpecdecError (kind `settings`) where there is no such kind."""
    return tuple(prompt for kind in kinds for prompt in _of_kind(kind))


def _of_kind(kind: str) -> list[Prompt]:
    if kind in SYNTHETIC_KINDS:
        asked: Sequence[str | Sequence[str]] = [
            f"Go on from here: {marker(kind, entry)}" for entry in range(ENTRIES)
        ]
    elif kind in _ASKED:
        asked = _ASKED[kind]
    else:
        raise SpecdecError(
            f"There is no such kind of prompt; choose among {', '.join(KINDS)}, and for a "
            f"synthetic model {', '.join(SYNTHETIC_KINDS)}.",
            kind="settings",
        )
    return [Prompt(kind, i, _messages(turns)) for i, turns in enumerate(asked)]


def _messages(turns: str | Sequence[str]) -> tuple[ChatMessage, ...]:
    texts = [turns] if isinstance(turns, str) else turns
    return tuple(
        ChatMessage(role="assistant" if i % 2 else "user", content=text)
        for i, text in enumerate(texts)
    )
