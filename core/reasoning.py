"""What a model thinks before it answers, told from the answer by the markers that models write.

Apart since both ends need it: the engine says which markers are text, the app folds what they
enclose and leaves it out of what is copied and sent back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CHANNEL, MESSAGE = "<|channel|>", "<|message|>"
PAIRS = {
    "<think>": "</think>",  # DeepSeek R1, Qwen 3, GLM, SmolLM 3 and most others
    "<thinking>": "</thinking>",
    "<seed:think>": "</seed:think>",  # Seed-OSS
    "[THINK]": "[/THINK]",  # Magistral and Ministral
    f"{CHANNEL}analysis{MESSAGE}": "<|end|>",  # gpt-oss
}
FINAL = re.compile(r"(?:<\|start\|>assistant)?<\|channel\|>final<\|message\|>")
TOKENS = frozenset({*PAIRS, *PAIRS.values(), CHANNEL, MESSAGE, "<|start|>"}) - {
    f"{CHANNEL}analysis{MESSAGE}"
}
"""Tokens that a vocabulary may count as control tokens, which are no text otherwise."""
OPENED = re.compile("(" + "|".join(re.escape(marker) for marker in PAIRS) + r")\s*\Z")


@dataclass(frozen=True)
class Reply:
    """A reply in its two parts. `open`: the reasoning goes on."""

    reasoning: str
    answer: str
    open: bool = False


def split(text: str) -> Reply:
    """The two parts of a reply that begins with a marker; all of any other is its answer.

    Reasoning may come in several pieces before the answer begins. A marker further on is text: a
    reply may be about markers.
    """
    thoughts: list[str] = []
    rest = text
    while marker := _opening(rest):
        body = rest.lstrip()[len(marker) :]
        thought, closing, rest = body.partition(PAIRS[marker])
        thoughts.append(thought.strip())
        if not closing:
            return Reply(_joined(thoughts), "", open=True)
        rest = rest.removeprefix("<|start|>assistant") if CHANNEL in marker else rest
    if final := FINAL.match(rest):
        rest = rest[final.end() :].removesuffix("<|end|>")
    return Reply(_joined(thoughts), rest.lstrip() if thoughts else rest)


def answer(text: str) -> str:
    """What of a reply is no reasoning."""
    return split(text).answer


def opened_by(prompt: str) -> str:
    """The marker at the end of a prompt, as some templates write it for the model; else ''."""
    found = OPENED.search(prompt[-64:])
    return found[0] if found else ""


def may_begin(text: str) -> bool:
    """Whether `text` could still become the beginning of a marker."""
    begun = text.lstrip()
    return any(marker.startswith(begun) for marker in (*PAIRS, f"{CHANNEL}final{MESSAGE}"))


def _opening(text: str) -> str:
    begun = text.lstrip()
    return next((marker for marker in PAIRS if begun.startswith(marker)), "")


def _joined(thoughts: list[str]) -> str:
    return "\n\n".join(thought for thought in thoughts if thought)
