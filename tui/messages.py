"""Messages between widgets and the app."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from tui.choices import Offer


@dataclass
class OfferFound(Message):
    """The models were looked for: what there is, or why it cannot be used."""

    offer: Offer | None
    problem: str = ""


@dataclass
class Submitted(Message):
    """Enter was pressed in the composer."""

    text: str
