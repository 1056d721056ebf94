"""What a comparison is to be about, before it begins: which drafts, and which prompts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.protocol import ChatMessage, Sampling
from core.settings import Settings
from tui.choices import DraftOption
from tui.conversation import Conversation, Turn

MOST = 4
"""So many columns can be read side by side, and so many replies take half a minute."""
RECENT = 6
"""Prompts of the chat that are taken together."""
MOST_TOKENS = 256
"""Of a reply."""
SEED = 1
"""Where none is set: with a seed all drafts answer with the same text, so that speed is compared
and not luck."""
BASELINE_STAYS = "without a draft is what the others are compared with: it stays"
FULL = f"{MOST} at most: take one out first"


@dataclass(frozen=True)
class Question:
    """Prompts to compare on, and in words where they come from. Each is a conversation that ends
    with a user message."""

    where: str
    prompts: tuple[tuple[ChatMessage, ...], ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """What the user asks, by prompt."""
        return tuple(prompt[-1].content for prompt in self.prompts)


def questions(conversation: Conversation, written: str) -> tuple[Question, ...]:
    """What can be asked: the message that is being written, the last one, the last ones together.
    Each with the conversation before it, as it was or will be asked."""
    system, turns = conversation.system, conversation.turns
    found = []
    if written.strip():
        asked = _ending_with(system, [*turns, Turn(written.strip())])
        found.append(Question("being written", (asked,)))
    if turns:
        found.append(Question("the last message", (_ending_with(system, turns),)))
    if len(turns) > 1:
        first = max(0, len(turns) - RECENT)
        ends = range(first + 1, len(turns) + 1)
        prompts = tuple(_ending_with(system, turns[:end]) for end in ends)
        found.append(Question(f"the last {len(prompts)} messages", prompts))
    return tuple(found)


def _ending_with(system: str, turns: Sequence[Turn]) -> tuple[ChatMessage, ...]:
    return tuple(Conversation(system, list(turns)).messages())


class Lineup:
    """The drafts that can be compared and those that are to be; none is always among them."""

    def __init__(self, drafts: Sequence[DraftOption], in_use: str) -> None:
        """At first the one in use takes part, and of the others as many as there is room for."""
        usable = [draft for draft in drafts if draft.usable]
        self.options = tuple(sorted(usable, key=lambda draft: draft.kind != "none"))
        first = sorted(self.options, key=lambda draft: (draft.kind != "none", draft.key != in_use))
        self._chosen = {draft.key for draft in first[:MOST]}

    @property
    def chosen(self) -> tuple[DraftOption, ...]:
        """Those that take part, the baseline first."""
        return tuple(draft for draft in self.options if draft.key in self._chosen)

    def toggle(self, key: str) -> str:
        """Put a draft in or take it out; why not, where that cannot be."""
        if key == "none":
            return BASELINE_STAYS
        if key in self._chosen:
            self._chosen.remove(key)
        elif len(self._chosen) == MOST:
            return FULL
        else:
            self._chosen.add(key)
        return ""


@dataclass(frozen=True)
class Plan:
    """What is compared. Of `drafts` the first is none, and each prompt is a conversation that ends
    with a user message."""

    prompts: tuple[tuple[ChatMessage, ...], ...]
    drafts: tuple[DraftOption, ...]
    sampling: Sampling
    max_tokens: int = MOST_TOKENS
    own_seed: bool = False
    """Whether the seed was chosen here, as the user has set none."""


def plan_for(
    settings: Settings,
    prompts: Sequence[Sequence[ChatMessage]],
    drafts: Sequence[DraftOption],
) -> Plan:
    """The comparison of these drafts under the chat's settings."""
    sampling = settings.sampling()
    own_seed = sampling.temperature > 0 and sampling.seed is None
    if own_seed:
        sampling = replace(sampling, seed=SEED)
    return Plan(
        prompts=tuple(map(tuple, prompts)),
        drafts=tuple(drafts),
        sampling=sampling,
        max_tokens=min(settings.max_tokens or MOST_TOKENS, MOST_TOKENS),
        own_seed=own_seed,
    )
