"""How many tokens to propose next, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BASELINE_ROUNDS = 4
"""One-token rounds that measure the target alone, where it is not known yet at a like depth."""
AUTO_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """What the governor decided for a round; `reason` is fit for the stats bar."""

    n_draft: int
    reason: str = ""
    paused: bool = False


class Governor:
    """Chooses the draft length of each round: a fixed one, or (`auto`) its own choice."""

    def __init__(self, draft_len: int | Literal["auto"]) -> None:
        self.draft_len = draft_len

    def plan(self, *, drafter: str, n_max: int, baseline_known: bool) -> Plan:
        """The draft length of the next round, at most `n_max`."""
        if drafter == "none":
            return Plan(0, "no draft")
        if not baseline_known:
            return Plan(0, "measuring the target alone")
        wanted = AUTO_LENGTH if self.draft_len == "auto" else self.draft_len
        if wanted == 0:
            return Plan(0, "draft length is 0")
        return Plan(min(wanted, n_max), "fixed length")
