"""What F1 shows: the keys, and the words on the screen with their one meaning each."""

from __future__ import annotations

from textual.content import Content

from tui.keys import ACTIONS

WORDS = (
    ("target", "the large model; every reply is what it alone would have said"),
    ("draft", "who proposes tokens: a small model, prompt lookup, or nobody"),
    ("round", "one pass: the draft proposes, the target verifies in one batch"),
    ("drafting n", "the draft length: tokens proposed in a round"),
    ("paused", "proposing would not pay now, so the target answers alone"),
    ("accepted", "proposals kept, of those verified; beside it the acceptance rate (acc.)"),
    ("corrected", "the target's own token in the place of a proposal that was rejected"),
    ("bonus", "the target's own token after all proposals of a round were accepted"),
    ("a round", "tokens a round yields, the target's own token included"),
    ("tok/s", "tokens a second while decoding, after the first round"),
    ("speed-up", "tok/s over that of the target alone, measured in this session"),
    ("target alone", "tok/s of the target without a draft, measured in this session"),
    ("first token", "time from Enter to the first text (TTFT)"),
    ("ctx", "tokens of the context in use, of those there are"),
    ("–", "not measured yet"),
)


def help_lines() -> list[Content]:
    """Keys, then words."""
    lines = [Content.styled("keys", "bold $muted")]
    lines += [_entry(entry.key_text, entry.help) for entry in ACTIONS if entry.key_text]
    lines += [Content(""), Content.styled("words", "bold $muted")]
    lines += [_entry(word, meaning) for word, meaning in WORDS]
    return lines


def _entry(name: str, text: str) -> Content:
    return Content.assemble((f"{name:<13}", "$primary"), text)
