"""The flags of `specdec-tui bench` that are no settings; apart so that the parser, which every
command builds, loads nothing heavy."""

from __future__ import annotations

import argparse
from typing import Any

NOT_SETTINGS = ("theme", "stats_per_second", "remote", "ascii", "max_tokens", "system")
"""Settings that a benchmark does not have."""
MAX_LENGTH = 64


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `bench` its own flags."""
    group = parser.add_argument_group("what is measured")
    for flag, options in _FLAGS.items():
        group.add_argument(flag, **options)


def _words(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise argparse.ArgumentTypeError("name at least one kind")
    return list(dict.fromkeys(words))


def _drafts(text: str) -> list[str]:
    try:
        return _words(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError("name at least one draft") from None


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 10**6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")
    return int(text)


def _lengths(text: str) -> tuple[int, ...]:
    words = text.split(",")
    if not all(word.isdecimal() and int(word) <= MAX_LENGTH for word in words):
        raise argparse.ArgumentTypeError(f"give draft lengths from 0 to {MAX_LENGTH}, as in 2,4,8")
    return tuple(sorted(set(map(int, words))))


def _acceptance(text: str) -> tuple[float, float]:
    try:
        shares = [float(word) for word in text.split(",")]
    except ValueError:
        shares = []
    if len(shares) not in (1, 2) or not all(0 <= share <= 1 for share in shares):
        raise argparse.ArgumentTypeError("give one or two shares from 0 to 1, as in 0.9,0.3")
    return shares[0], shares[-1]


_FLAGS: dict[str, dict[str, Any]] = {
    "--kinds": {
        "type": _words,
        "metavar": "KIND,…",
        "help": "Kinds of prompts, of code, mathematics, facts, summary, story and chat; for a "
        "synthetic target of easy, hard and turning. All of them where not given.",
    },
    "--repeats": {
        "type": _positive,
        "default": 3,
        "metavar": "N",
        "help": "Runs of each prompt (3).",
    },
    "--tokens": {
        "type": _positive,
        "default": 128,
        "metavar": "N",
        "help": "Tokens of a reply, at most (128).",
    },
    "--sweep": {
        "type": _lengths,
        "nargs": "?",
        "const": (),
        "metavar": "N,…",
        "help": "Fixed draft lengths beside the one of --draft-len; without a list, 1 to 8, 10, 12 "
        "and 16.",
    },
    "--costs": {
        "action": "store_true",
        "help": "Instead: what a batch of 1 to 17 tokens costs on the target, and a draft step.",
    },
    "--synthetic": {
        "metavar": "SHAPE",
        "help": "Write a pair with the shape of real models into a temporary folder and measure "
        "it: tiny, 1.1b-50m, 1.1b-110m or 8b-1b; Q8_0, or F16 with -f16 behind the name.",
    },
    "--acceptance": {
        "type": _acceptance,
        "metavar": "X[,Y]",
        "help": "How often the synthetic draft is right about the next token, from 0 to 1; X,Y: "
        "in easy and in hard text (0.8).",
    },
    "--vs": {
        "metavar": "URL",
        "help": "Run the same prompts through the llama-server at this address.",
    },
    "--prompts": {
        "metavar": "FILE",
        "help": "Your own prompts: a text file (-: stdin) with one a paragraph, or `chats`: the "
        "last ones of your conversations.",
    },
    "--drafts": {
        "type": _drafts,
        "metavar": "DRAFT,…",
        "help": "Rank these drafts beside none on the same prompts: paths, names, lookup, or `all` "
        "that are on this machine and fit.",
    },
    "--plot": {"metavar": "FILE", "help": "Write a plot as SVG."},
}
