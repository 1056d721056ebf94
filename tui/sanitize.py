"""The one place where text from outside (models, templates, file names, GGUF headers) is cleaned.

What a terminal could take as a command is removed: C0 and C1 control characters except newline and
tab, the delete character, bidirectional overrides and isolates, and line or paragraph separators.
"""

from __future__ import annotations

import re

ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, modes
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC up to their terminator
    r"|\x1b[ -/]*[0-~]",  # two-character sequences
    re.DOTALL,
)
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # bidirectional marks, overrides, isolates
    "\u2028\u2029\ufff9-\ufffb\ufeff"  # separators, interlinear marks, byte order mark
    "\U000e0000-\U000e007f"  # tags: invisible text
    "\ud800-\udfff]"  # lone surrogates cannot be written to a terminal
)
NEWLINE = re.compile(r"\r\n?")


def clean_text(text: str) -> str:
    """`text` without anything but printable characters, newlines and tabs."""
    if "\r" in text:
        text = NEWLINE.sub("\n", text)
    if "\x1b" in text:
        text = ESCAPE_SEQUENCE.sub("", text)
    return FORBIDDEN.sub("", text)


def clean_stream(text: str) -> str:
    """A piece of a longer text, cleaned character by character.

    A sequence may be cut in two between pieces, so no sequence is removed as a whole here: without
    its escape character it is harmless, and the whole text is cleaned again when it is complete.
    """
    return FORBIDDEN.sub("", text)


def clean_line(text: str, limit: int = 200) -> str:
    """`text` as one line of at most `limit` characters, for names and headers."""
    line = " ".join(clean_text(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
