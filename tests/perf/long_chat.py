"""A made-up conversation as long as wanted: prose, lists, tables and code as models write them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tui.message_lines import Role

TEXT = (
    "the draft proposes tokens and target verifies them in one batch so that a reply comes sooner "
    "while memory bandwidth stays what it was because each round reads every weight only once"
)
WORDS = TEXT.split()
CODE = '''def rounds(target, draft, n_draft):
    """Yield what each round kept."""
    while not target.done:
        proposed = draft.propose(n_draft)  # cheap
        kept = target.verify(proposed)
        draft.cut_back(len(proposed) - len(kept))
        yield kept'''


def prose(random_: random.Random, n_words: int) -> str:
    words = [random_.choice(WORDS) for _ in range(n_words)]
    for at in range(7, n_words, 31):
        words[at] = random_.choice(("**{}**", "*{}*", "`{}`")).format(words[at])
    return " ".join(words).capitalize() + "."


def reply(random_: random.Random) -> str:
    """About 1,400 characters of Markdown."""
    items = "\n".join(f"- **{random_.choice(WORDS)}**: {prose(random_, 12)}" for _ in range(5))
    steps = "\n".join(f"{n}. {prose(random_, 9)}" for n in range(1, 5))
    table = "| n | words |\n|---|---|\n" + "\n".join(
        f"| {n} | {prose(random_, 3)} |" for n in range(4)
    )
    blocks = [
        f"## {prose(random_, 4)}",
        prose(random_, 60),
        random_.choice((items, steps, table)),
        f"```python\n{CODE}\n```",
        prose(random_, 40),
    ]
    return "\n\n".join(blocks)


def conversation(n_messages: int, seed: int = 1) -> Iterator[tuple[Role, str]]:
    """Role and text of each message, questions and replies in turn."""
    random_ = random.Random(seed)
    for number in range(n_messages):
        if number % 2:
            yield "assistant", reply(random_)
        else:
            yield "user", f"{number}: {prose(random_, 18)}"
