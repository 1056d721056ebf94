"""The terminal's clipboard: the control sequence (OSC 52) that a text is sent with, as it must be
wrapped to get through tmux and screen, and what can honestly be said about it: nobody answers."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping

from tui import figures

USUAL_LIMIT = 74_994
"""Characters of text that terminals with the common limit of 100,000 for a sequence take."""
SCREEN_PIECE = 500
"""screen gives up on a string of more than 768 characters."""


def osc52(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The sequence that puts `text` on the clipboard of the terminal in front of the user."""
    encoded = base64.b64encode(text.encode()).decode()
    sequence = f"\x1b]52;c;{encoded}\a"
    if environ.get("TMUX"):
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environ.get("STY"):
        pieces = range(0, len(sequence), SCREEN_PIECE)
        return "".join(f"\x1bP{sequence[at : at + SCREEN_PIECE]}\x1b\\" for at in pieces)
    return sequence


def notice(what: str, text: str, environ: Mapping[str, str] = os.environ) -> str:
    """What to tell the user of a text that was sent."""
    size = len(text.encode())
    said = f"{what} sent to the terminal's clipboard (OSC 52, {figures.count(size, 'byte')}). "
    if size > USUAL_LIMIT:
        return said + f"Many terminals take no more than {USUAL_LIMIT:,}: better save it to a file."
    if environ.get("TMUX"):
        return said + "tmux lets it through where its allow-passthrough is on."
    return said + "Some terminals ignore this."
