"""The course of a comparison: the same prompts with several drafts in turn, on the engine of the
chat, whose conversation it leaves alone.

No Textual here. One command at a time goes to `send`, and what the engine reports comes in by
`take`. In the end, however it comes, the draft that the chat uses is in use again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

from core.bench.results import BASELINE, Sample
from core.protocol import (
    Cancel,
    Command,
    DraftChanged,
    EngineDied,
    Failed,
    Finished,
    Generate,
    Progress,
    ReplyStats,
    SetDraft,
    Trimmed,
)
from core.settings import Settings
from tui.choices import DraftOption
from tui.feed import FeedItem, Rounds
from tui.lineup import Plan
from tui.sanitize import clean_line, clean_stream, clean_text

BUDGET_S = 30.0
"""A comparison of one prompt takes about so long at most, if the models allow."""
FEWEST_TOKENS = 24
"""Of a reply, that is not cut shorter for want of time."""
MOST_REPEATS = 5
ID_BEGINS = "compare-"

Status = Literal["waiting", "loading", "prefill", "writing", "measured", "failed"]
Phase = Literal["running", "stopping", "restoring", "over"]


@dataclass
class Contestant:
    """One draft in the comparison, and what is seen of it."""

    draft: DraftOption
    status: Status = "waiting"
    fraction: float = 0.0
    """Of what is being loaded or prefilled."""
    text: str = ""
    """Of its reply to the prompt that is being answered, or was last."""
    stats: ReplyStats | None = None
    problem: str = ""
    """Why it is out."""

    @property
    def key(self) -> str:
        return self.draft.key


@dataclass(frozen=True)
class Written:
    """A whole reply: its text, and the ids of its tokens."""

    text: str
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class _Turn:
    repeat: int
    prompt: int
    by: Contestant


@dataclass
class _Asked:
    """The reply that was asked for last."""

    turn: _Turn
    id: str
    at: float
    first_round: float | None = None
    tokens: list[int] = field(default_factory=list)
    cut: bool = False
    """It is long enough, and was told to end."""


@dataclass
class Comparison:
    """Runs a plan. Times are in seconds, as `clock` has them."""

    plan: Plan
    settings: Settings
    send: Callable[[Command], None]
    chats_draft: Callable[[], DraftOption]
    """The draft that the chat wants at the moment when it is asked."""
    in_use: str
    """Key of the draft that the engine has now."""
    when_over: Callable[[], object] = lambda: None
    clock: Callable[[], float] = perf_counter

    phase: Phase = "over"
    problem: str = ""
    """Why the whole of it ended early."""
    notes: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    written: dict[tuple[str, int], list[Written]] = field(default_factory=dict)
    """Whole replies by draft and prompt, first to last."""
    measured: list[tuple[DraftOption, ReplyStats]] = field(default_factory=list)
    """The totals of every whole reply that was drafted for."""
    turn: _Turn | None = None
    """Whose it is, or was last."""
    stopped: bool = False
    """The user has ended it early."""
    died: bool = False
    """The engine has; the chat's models are to be loaded again."""

    def __post_init__(self) -> None:
        self.contestants = [Contestant(draft) for draft in self.plan.drafts]
        self._turns: Iterator[_Turn] = iter(())
        self._ids = itertools.count(1)
        self._asked: _Asked | None = None
        self._changing = False
        self._limits: dict[int, int] = {}
        self._started = 0.0

    # -------------------------------------------------------------- what the user does

    def start(self) -> None:
        """Begin."""
        self.phase, self._started = "running", self.clock()
        self._turns = self._take_turns()
        self._go_on()

    def stop(self) -> None:
        """End as soon as can be; what was measured stays."""
        if self.phase != "running":
            return
        self.phase, self.stopped = "stopping", True
        if self._asked:
            self.send(Cancel(id=self._asked.id))

    @property
    def over(self) -> bool:
        """All is as it was before, and the engine is free."""
        return self.phase == "over"

    def contestant(self, key: str) -> Contestant:
        """The contestant with this draft."""
        return next(contestant for contestant in self.contestants if contestant.key == key)

    def last_two(self, key: str) -> tuple[Written, Written] | None:
        """The last whole reply by a draft to the prompt of this turn, and the first one without a
        draft; None where the one or the other is not there yet."""
        prompt = self.turn.prompt if self.turn else 0
        own, alone = (self.written.get((name, prompt)) for name in (key, BASELINE))
        return (own[-1], alone[0]) if own and alone else None

    # -------------------------------------------------------------- what the engine reports

    def take(self, item: FeedItem) -> bool:
        """Go on with what an event says; True where it means nothing to the chat."""
        if self.phase == "over":
            return False
        if self._asked and getattr(item, "id", None) == self._asked.id:
            self._take_reply(self._asked, item)
            return not isinstance(item, Rounds)  # what a token is, is said once: the chat learns it
        return self._take_other(item)

    def _take_other(self, item: FeedItem) -> bool:
        match item:
            case EngineDied():
                self.died, self.problem = True, clean_line(item.message, 400)
                self._end()
            case DraftChanged():  # which the chat's state is to know, too
                self._draft_changed()
            case Failed(command="set_draft") if self._changing:
                return self._draft_refused(clean_line(item.message, 400))
            case Progress(stage="load_draft") if self._changing:
                self._progress("loading", item.fraction)
                return self.phase != "restoring"
        return False

    def _take_reply(self, asked: _Asked, item: FeedItem) -> None:
        match item:
            case Progress():
                self._progress("prefill", item.fraction)
            case Rounds():
                self._grow(asked, item)
            case Trimmed():
                note = "the context is full: the oldest messages are left out"
                self.notes += [note] if note not in self.notes else []
            case Finished():
                self._finish(asked, item)
            case Failed():
                self._asked = None
                self._drop(asked.turn.by, clean_line(item.message, 400))
                self._go_on()

    # -------------------------------------------------------------- whose turn it is

    def _take_turns(self) -> Iterator[_Turn]:
        """Forwards and backwards in turn, so that a machine that grows warm favours none."""
        for repeat in range(MOST_REPEATS):
            if repeat and not self._time_for_another(repeat):
                return
            for prompt in range(len(self.plan.prompts)):
                for contestant in self.contestants[:: -1 if repeat % 2 else 1]:
                    if contestant.status != "failed":
                        yield _Turn(repeat, prompt, contestant)

    def _time_for_another(self, repeat: int) -> bool:
        last = sum(sample.wall_s for sample in self.samples if sample.repeat == repeat - 1)
        return self.clock() - self._started + last <= BUDGET_S

    def _go_on(self) -> None:
        turn = next(self._turns, None) if self.phase == "running" else None
        if turn is None:
            self._restore()
            return
        if not self.turn or turn.prompt != self.turn.prompt:
            for contestant in self.contestants:
                contestant.text, contestant.stats = "", None
        self.turn = turn
        if turn.by.key == self.in_use:
            self._ask(turn)
        else:
            turn.by.status, turn.by.fraction = "loading", 0.0
            self._change(turn.by.draft)

    def _change(self, draft: DraftOption) -> None:
        self._changing = True
        self.send(SetDraft(draft=draft.choice(self.settings)))

    def _ask(self, turn: _Turn) -> None:
        turn.by.status, turn.by.fraction = "prefill", 0.0
        turn.by.text, turn.by.stats = "", None
        self._asked = _Asked(turn, f"{ID_BEGINS}{next(self._ids)}", self.clock())
        self.send(
            Generate(
                id=self._asked.id,
                messages=list(self.plan.prompts[turn.prompt]),
                sampling=self.plan.sampling,
                max_tokens=self._limits.get(turn.prompt, self.plan.max_tokens),
            )
        )

    # -------------------------------------------------------------- drafts

    def _draft_changed(self) -> None:
        if not self._changing:
            return
        self._changing = False
        if self.phase == "restoring":
            self._end()
        elif self.phase == "stopping":
            self.in_use = self.turn.by.key if self.turn else self.in_use
            self._go_on()
        elif self.turn:
            self.in_use = self.turn.by.key
            self._ask(self.turn)

    def _draft_refused(self, message: str) -> bool:
        self._changing = False
        if self.phase == "restoring":
            self._end()
            return False  # the chat has lost its draft, and has to say so
        if self.turn:
            self._drop(self.turn.by, message)
        self._go_on()
        return True

    def _restore(self) -> None:
        """Give the chat its draft back."""
        if self.turn and self.turn.by.status != "failed":
            self.turn.by.status = self._rest(self.turn.by)
        wanted = self.chats_draft()
        if wanted.key == self.in_use:
            self._end()
            return
        self.phase = "restoring"
        self._change(wanted)

    def _end(self) -> None:
        self.phase, self._asked, self._changing = "over", None, False
        self.when_over()

    def _rest(self, contestant: Contestant) -> Status:
        replied = any(sample.variant == contestant.key for sample in self.samples)
        return "measured" if replied else "waiting"

    def _drop(self, contestant: Contestant, message: str) -> None:
        """A draft that cannot take part; without a reply of the target alone nothing is known."""
        contestant.status, contestant.problem = "failed", message
        if contestant.draft.kind == BASELINE:
            self._break_off(message)

    def _break_off(self, message: str) -> None:
        self.problem, self._turns = message, iter(())

    # -------------------------------------------------------------- replies

    def _progress(self, status: Status, fraction: float) -> None:
        if self.turn and self.phase != "restoring":
            self.turn.by.status, self.turn.by.fraction = status, fraction

    def _grow(self, asked: _Asked, item: Rounds) -> None:
        by = asked.turn.by
        by.status, by.stats = "writing", item.last.stats
        by.text += clean_stream(item.text)
        asked.tokens += [token.id for round_ in item.every for token in round_.tokens]
        asked.first_round = asked.first_round or self.clock()
        if self._sets_length(asked) and not asked.cut and self._long_enough(asked, item):
            asked.cut = True
            self.send(Cancel(id=asked.id))

    def _sets_length(self, asked: _Asked) -> bool:
        """The first reply to a prompt, without a draft, says how long all replies to it are."""
        return asked.turn.repeat == 0 and asked.turn.by.draft.kind == BASELINE

    def _long_enough(self, asked: _Asked, item: Rounds) -> bool:
        """Two replies by each are to fit into the time."""
        share = BUDGET_S / (2 * len(self.contestants))
        took = self.clock() - (asked.first_round or 0.0)
        return took >= share and item.last.stats.n_tokens >= FEWEST_TOKENS

    def _finish(self, asked: _Asked, item: Finished) -> None:
        self._asked = None
        by, turn = asked.turn.by, asked.turn
        by.text, by.stats = clean_text(item.text), item.stats
        whole = item.finish_reason != "cancelled" or (asked.cut and self.phase == "running")
        if whole:
            if asked.cut:
                self._limits[turn.prompt] = item.stats.n_tokens
            self.samples.append(_sample(asked, item, self.clock()))
            written = self.written.setdefault((by.key, turn.prompt), [])
            written.append(Written(self.samples[-1].text, tuple(asked.tokens)))
            if by.draft.kind != BASELINE:
                self.measured.append((by.draft, item.stats))
        by.status = self._rest(by)
        self._go_on()


def _sample(asked: _Asked, item: Finished, now: float) -> Sample:
    stats = item.stats
    return Sample(
        variant=asked.turn.by.key,
        kind="",
        prompt=asked.turn.prompt,
        repeat=asked.turn.repeat,
        n_tokens=stats.n_tokens,
        n_rounds=stats.n_rounds,
        n_drafted=stats.n_drafted,
        n_accepted=stats.n_accepted,
        tok_s=stats.decode_tok_s,
        wall_s=now - asked.at,
        text=clean_text(item.text),
    )
