"""How a token is drawn by how it came; the picture and the words beside it both use it."""

from __future__ import annotations

from tui.token_layout import Look

LOOKS: dict[Look, str] = {
    "model": "$accepted",
    "lookup": "$accepted underline",
    "corrected": "$corrected bold underline",
    "bonus": "$bonus bold",
    "target": "$alone italic",
    "rejected": "$rejected strike",
    "bracket": "$rejected",
}
"""No two are told apart by colour alone."""
GROUNDS: dict[Look, str] = {
    "model": "$accepted-tint",
    "lookup": "$accepted-tint",
    "corrected": "$corrected-tint",
    "bonus": "$bonus-tint",
    "target": "$alone-tint",
}
"""Under every other token, so that neighbours are seen apart. Rejected ones have brackets, and a
ground that some themes reverse would pass for the cursor."""


def style_of(look: Look, odd: bool = False) -> str:
    """How a token that came like this is drawn."""
    ground = GROUNDS.get(look) if odd else None
    return LOOKS[look] + (f" on {ground}" if ground else "")
