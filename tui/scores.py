"""What each draft reached in this conversation, in tokens per second and against the target alone.

A reply's totals mix drafts when the draft is exchanged in mid-reply. So the time and tokens between
two events are credited to the draft that was in use between them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core.protocol import ReplyStats

WINDOW_S = 0.25


@dataclass
class Score:
    n_tokens: int = 0
    seconds: float = 0.0
    n_drafted: int = 0
    n_accepted: int = 0
    n_compared: int = 0
    alone_s: float = 0.0
    """What so many of the tokens take the target alone, where they are."""

    @property
    def tok_s(self) -> float | None:
        return self.n_tokens / self.seconds if self.seconds > 0 else None

    @property
    def speedup(self) -> float | None:
        if self.tok_s is None or not self.n_compared:
            return None
        return self.tok_s / (self.n_compared / self.alone_s)

    @property
    def acceptance_rate(self) -> float | None:
        return self.n_accepted / self.n_drafted if self.n_drafted else None


@dataclass
class _Reached:
    """How far a reply was at the last event: its tokens, and its decode time in seconds."""

    n_first: int
    n_tokens: int
    seconds: float = 0.0
    last: ReplyStats = field(default_factory=ReplyStats)
    window_tokens: int = 0
    window_seconds: float = 0.0

    def passed(self, gained: int, took: float) -> float | None:
        """The rate over the window, once the window is full."""
        self.window_tokens += gained
        self.window_seconds += took
        return None if self.window_seconds < WINDOW_S else self.rest()

    def rest(self) -> float | None:
        """The rate over what is in the window, which is empty thereafter."""
        if self.window_seconds <= 0:
            return None
        rate = self.window_tokens / self.window_seconds
        self.window_tokens, self.window_seconds = 0, 0.0
        return rate


@dataclass
class Scores:
    """Scores by draft key, and the rate between the last two events of a reply."""

    by_draft: dict[str, Score] = field(default_factory=dict)
    _replies: dict[str, _Reached] = field(default_factory=dict)

    def record(self, reply_id: str, draft: str, stats: ReplyStats, n_first: int) -> float | None:
        """Credit what a reply gained since the last call.

        Returns tok/s over the last WINDOW_S of decoding each time that so much has passed.
        `n_first` is the number of tokens in the first round, whose time is the prefill's.
        """
        reached = self._replies.get(reply_id)
        if reached is None:
            reached = self._replies[reply_id] = _Reached(n_first, n_first)
        score = self.by_draft.setdefault(draft, Score())
        last, reached.last = reached.last, stats
        score.n_drafted += stats.n_drafted - last.n_drafted
        score.n_accepted += stats.n_accepted - last.n_accepted
        score.n_compared += stats.n_compared - last.n_compared
        score.alone_s += stats.alone_s - last.alone_s
        if not stats.decode_tok_s:
            return None
        seconds = (stats.n_tokens - reached.n_first) / stats.decode_tok_s
        gained, took = stats.n_tokens - reached.n_tokens, seconds - reached.seconds
        reached.n_tokens, reached.seconds = stats.n_tokens, seconds
        if gained <= 0 or took <= 0:
            return None
        score.n_tokens += gained
        score.seconds += took
        return reached.passed(gained, took)

    def close(self, reply_id: str) -> float | None:
        """A reply is over: tok/s over what was left of the last window, if anything was."""
        reached = self._replies.pop(reply_id, None)
        return reached.rest() if reached else None
