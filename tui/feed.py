"""Many engine events to few: the rounds of a reply that arrived within a frame become one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.protocol import Event, Round


@dataclass(frozen=True)
class Rounds:
    """Consecutive rounds of one reply: their text together, the last one's figures, and all."""

    id: str
    text: str
    n_first: int
    """Tokens of the first of these rounds."""
    last: Round
    every: list[Round] = field(default_factory=list)


FeedItem = Event | Rounds


def coalesce(events: Iterable[Event]) -> list[FeedItem]:
    """The events in order, each run of rounds of one reply joined. No text is lost."""
    items: list[FeedItem] = []
    run: list[Round] = []

    def close_run() -> None:
        if run:
            text = "".join(round_.text for round_ in run)
            items.append(Rounds(run[0].id, text, len(run[0].tokens), run[-1], run.copy()))
            run.clear()

    for event in events:
        if not isinstance(event, Round):
            close_run()
            items.append(event)
        else:
            if run and run[0].id != event.id:
                close_run()
            run.append(event)
    close_run()
    return items
