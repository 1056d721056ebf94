"""A small template language, so that one line of text stands for thousands of sentences.

`(a|b|)` chooses one alternative, `{name}` takes a value of the scene or a word of the list with
that name. Apart from the corpus modules because all of them expand templates.
"""

import random
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TEXTS = Path(__file__).parent / "texts"

_CHOICE = re.compile(r"\(([^()]*)\)")
_SLOT = re.compile(r"\{(\w+)\}")


@cache
def word_lists() -> dict[str, list[str]]:
    """The named word lists of `texts/words.txt`; lists with commas may hold phrases."""
    lists: dict[str, list[str]] = {}
    for line in (TEXTS / "words.txt").read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(":")
        lists[name] = [w.strip() for w in rest.split(",")] if "," in rest else rest.split()
    return lists


def expand(template: str, rng: random.Random, scene: Mapping[str, str] | None = None) -> str:
    """Expand every choice, then every slot, of `template`.

    Raises KeyError for a slot that is neither in `scene` nor a word list.
    """
    text = template
    while "(" in text:
        text, n = _CHOICE.subn(lambda m: rng.choice(m[1].split("|")), text)
        if not n:
            raise ValueError(f"unbalanced choice in {template!r}")
    known = scene or {}
    lists = word_lists()
    return _SLOT.sub(lambda m: known[m[1]] if m[1] in known else rng.choice(lists[m[1]]), text)


def with_article(noun: str) -> str:
    """`noun` with `a` or `an`; phrases that already bring an article stay as they are."""
    if noun.split(maxsplit=1)[0] in {"a", "an", "the", "some"}:
        return noun
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def sentence(text: str) -> str:
    """`text` with a capital first letter, single spaces and the right `a` or `an`."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text).replace('?".', '?"')
    return text[:1].upper() + text[1:]


_ONSETS = [
    "b",
    "br",
    "bl",
    "c",
    "ch",
    "d",
    "dr",
    "f",
    "fl",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "kl",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "qu",
    "r",
    "s",
    "sh",
    "sk",
    "st",
    "t",
    "th",
    "tr",
    "v",
    "w",
    "z",
]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ee", "oo", "ou"]
_CODAS = [
    "n",
    "r",
    "l",
    "s",
    "t",
    "m",
    "nd",
    "rk",
    "x",
    "ck",
    "st",
    "th",
    "sh",
    "b",
    "d",
    "g",
    "p",
    "v",
] + [""] * 6


def invented_word(rng: random.Random) -> str:
    """A pronounceable word that means nothing, to teach copying and honest ignorance."""
    syllables = rng.choice((1, 2, 2, 2, 3))
    return "".join(
        rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(syllables)
    )
