"""The training text of the demonstration pair: an endless, seeded stream of ChatML conversations.

Everything that the pair knows is written in `texts/` and in the `corpus_*` modules beside this one.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial

from core.demo import corpus_numbers as numbers
from core.demo import corpus_tables as tables
from core.demo import corpus_talk as talk
from core.demo.corpus_facts import fact, maths_then_code, program
from core.demo.corpus_grammar import TEXTS
from core.demo.corpus_phrases import Exchange
from core.demo.corpus_stories import story_about, story_begun, verse

IM_START, IM_END = "<|im_start|>", "<|im_end|>"

Maker = Callable[[random.Random], Exchange]

# How often each kind of exchange is drawn. Stories are long, so they need few draws.
MIX: list[tuple[float, Maker]] = [
    (15.0, partial(fact, "speculation")),
    (9.0, partial(fact, "app")),
    (15.0, partial(fact, "school")),
    (10.0, program),
    (1.5, maths_then_code),
    (10.0, tables.lookup),
    (1.0, tables.unknown_entry),
    (1.5, tables.short_list),
    (22.0, numbers.arithmetic),
    (0.7, numbers.too_large),
    (7.0, numbers.counting),
    (2.5, numbers.derivative),
    (1.5, numbers.shape),
    (1.5, numbers.is_it),
    (10.0, talk.small_talk),
    (9.0, talk.unknown),
    (5.0, talk.repeat),
    (3.3, story_about),
    (4.7, story_begun),
    (0.6, verse),
]


@dataclass(frozen=True)
class Conversation:
    """A system prompt (or none) and the turns, each a user message and its reply."""

    system: str
    turns: Exchange

    def segments(self) -> list[tuple[str, bool]]:
        """The ChatML text in pieces; the flag says that the assistant writes the piece."""
        pieces: list[tuple[str, bool]] = []
        if self.system:
            pieces.append((f"{IM_START}system\n{self.system}{IM_END}\n", False))
        for user, reply in self.turns:
            head = f"{IM_START}user\n{user}{IM_END}\n{IM_START}assistant\n"
            pieces += [(head, False), (f"{reply}{IM_END}", True), ("\n", False)]
        return pieces

    def text(self) -> str:
        """The conversation as one ChatML string."""
        return "".join(piece for piece, _ in self.segments())


@cache
def _systems() -> list[str]:
    return (TEXTS / "systems.txt").read_text(encoding="utf-8").splitlines()


def conversation(rng: random.Random) -> Conversation:
    """One conversation: mostly one or two subjects, now and then a dozen."""
    n = rng.choices((1, 2, 3, 4, 6, 10), (50, 22, 12, 8, 5, 3))[0]
    makers = rng.choices([m for _, m in MIX], [w for w, _ in MIX], k=n)
    turns = [turn for maker in makers for turn in maker(rng)]
    roll = rng.random()
    system = ""
    if roll < 0.5:
        system = "You are a helpful assistant." if roll < 0.25 else rng.choice(_systems())
    return Conversation(system, turns)


def conversations(seed: int) -> Iterator[Conversation]:
    """The endless stream of conversations that belongs to `seed`."""
    rng = random.Random(seed)
    while True:
        yield conversation(rng)
