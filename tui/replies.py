"""What the line above a reply says about it."""

from __future__ import annotations

from collections.abc import Sequence

from core.chats.records import Ending
from tui import figures
from tui.conversation import Turn

ENDINGS: dict[Ending, str] = {
    "stop": "",
    "length": "length limit",
    "context": "context full",
    "cancelled": "stopped",
    "error": "interrupted",
    "interrupted": "interrupted",
}


SEPARATOR = " · "


def summary(turn: Turn) -> list[str]:
    """`96 tokens`, `142 tok/s`, `2.31×`; first how it ended, where that was not by itself. A reply
    that was continued has `+57 tokens` where nobody knows how many there were before."""
    if turn.finish_reason is None:
        return []
    refused = turn.finish_reason in ("error", "interrupted") and not turn.reply
    parts = ["not answered" if refused else ENDINGS[turn.finish_reason]]
    stats = turn.stats
    if turn.n_tokens:
        parts.append(figures.count(turn.n_tokens, "token"))
    elif stats and stats.n_tokens:
        parts.append(f"+{figures.count(stats.n_tokens, 'token')}")
    if stats and stats.n_tokens:
        if stats.decode_tok_s is not None:
            parts.append(f"{figures.rate(stats.decode_tok_s)} tok/s")
        if stats.speedup is not None:
            parts.append(figures.speedup(stats.speedup))
    return [part for part in parts if part]


def shortened(parts: Sequence[str], cells: int) -> str:
    """As many of the parts as fit into `cells`; the first and the last are the last to go."""
    left = list(parts)
    while left and len(SEPARATOR.join(left)) > cells:
        left.pop(-2 if len(left) > 2 else -1)
    return SEPARATOR.join(left)
