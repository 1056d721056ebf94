"""How tokens came, counted one by one, equals what the engine says: on the bundled pair, for real.

The engine's totals are what the stats bar shows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from core import wire
from core.demo import DRAFT_PATH, TARGET_PATH
from core.engine.events import Naming, event_of
from core.engine.reply import Grown, Limits, Prefilled, Reply
from core.engine.session import Session
from core.llama import log
from core.protocol import ChatMessage, DraftChoice, Finished, ModelOptions, Sampling
from tests.support.traces import invented, round_of, trace_of
from tui.feed import Rounds, coalesce
from tui.sanitize import clean_stream
from tui.token_layout import NEWLINE, NOTHING_SEEN, TokenLayout
from tui.trace import Trace, Vocabulary, learn

MODEL = DraftChoice(
    kind="model", path=str(DRAFT_PATH), lookup=False, options=ModelOptions(n_threads=1)
)
LOOKUP, NONE = DraftChoice(kind="lookup"), DraftChoice()
COUNT = "Count from 1 to 20."
STORY = "Write a story that begins: 'The door creaked open...'"
GREEDY, WARM = Sampling(temperature=0), Sampling(temperature=1.2, seed=3)


class Engine:
    """The bundled pair; replies come as traces, through the events that the app gets."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.naming = Naming(session.model)
        self.vocabulary: Vocabulary = {}
        self.cancelled = False

    def use(self, draft: DraftChoice) -> None:
        self.session.use_drafter(*self.session.make_drafter(draft), draft)

    def cancel(self) -> None:
        self.cancelled = True

    def reply(
        self,
        prompt: str,
        sampling: Sampling,
        limits: Limits = Limits(120),  # noqa: B008 - it is frozen
        after: dict[int, Callable[[], None]] | None = None,
    ) -> tuple[Trace, Finished]:
        """The trace of a reply, and its end. `after`: what is done after how many rounds."""
        trace, n_rounds, self.cancelled = Trace(self.vocabulary), 0, False
        messages = [ChatMessage(role="user", content=prompt)]
        reply = Reply(self.session, messages, sampling, limits, lambda: self.cancelled)
        for step in reply.steps():
            if isinstance(step, Prefilled):
                continue
            line = wire.write(event_of("1", step, self.naming))
            event = wire.read_event(line)
            for item in coalesce([event]):
                for round_ in item.every if isinstance(item, Rounds) else []:
                    learn(self.vocabulary, round_.pieces)
                    trace.add(round_, round_.drafter)
            if isinstance(step, Grown):
                n_rounds += 1
                (after or {}).get(n_rounds, lambda: None)()
        assert isinstance(event, Finished)
        return trace, event


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    log.capture_log(show=False)
    session = Session(str(TARGET_PATH), ModelOptions(n_threads=1), 4)
    engine = Engine(session)
    engine.use(MODEL)
    yield engine
    session.close()


def drawn(trace: Trace) -> str:
    layout = TokenLayout(trace, 80)
    layout.grow()
    text = "".join(s.text for row in layout.rows for s in row if s.is_token)
    return text.replace(NEWLINE, "\n").replace(NOTHING_SEEN, "")


def test_what_is_counted_token_by_token_is_what_the_engine_counts(engine: Engine) -> None:
    switches = {
        8: lambda: engine.use(LOOKUP),
        16: lambda: engine.use(NONE),
        24: lambda: engine.use(MODEL),
    }
    rejection = replace(WARM, verify="rejection")
    replies = {
        "greedy": engine.reply(COUNT, GREEDY),
        "the draft exchanged": engine.reply(STORY * 2, WARM, after=switches),
        "rejection": engine.reply(STORY, rejection),
        "stopped": engine.reply(STORY, WARM, after={10: engine.cancel}),
        "a stop string": engine.reply(COUNT, GREEDY, Limits(120, ("7,",))),
        "cut short": engine.reply(COUNT, GREEDY, Limits(6)),
    }
    for name, (trace, end) in replies.items():
        counts, stats = trace.counts, end.stats
        assert counts.agree(stats), (name, counts, stats)
        assert counts.n_accepted == stats.n_accepted > 0, name
        assert trace.n_tokens == stats.n_tokens and trace.n_rounds == stats.n_rounds
        assert drawn(trace).startswith(clean_stream(end.text)), name
    exchanged = replies["the draft exchanged"][0]
    assert {kind for _, kind in exchanged.drafters} == {"model", "lookup", "none"}
    assert exchanged.counts.corrected and exchanged.counts.alone and exchanged.counts.rejected
    reasons = [end.finish_reason for _, end in replies.values()]
    assert reasons[3:] == ["cancelled", "stop", "length"]
    stopped, end = replies["a stop string"]
    assert end.text.endswith("6, ") and "7," in drawn(stopped)


def test_a_round_tells_what_was_proposed_and_how_sure_the_draft_was() -> None:
    trace = trace_of(
        [round_of([0, 1], 2, [3, 4], p=0.8), round_of((), 5), round_of([6], 7, p=None)], "abcdefgh"
    )
    first, alone, last = (trace.round(number) for number in range(3))
    assert (first.first, first.n_tokens, first.n_accepted, first.n_drafted) == (0, 3, 2, 4)
    assert [proposed.id for proposed in first.rejected] == [3, 4]
    assert first.rejected[0].p == pytest.approx(0.4) and trace.p(0) == pytest.approx(0.8)
    assert (alone.n_drafted, alone.kind, trace.origin(3)) == (0, "none", "target")
    assert [trace.origin(index) for index in (2, 4, 5)] == ["corrected", "accepted", "bonus"]
    assert trace.p(2) is None and trace.p(4) is None
    assert (last.first, [trace.round_of(index) for index in range(6)]) == (4, [0, 0, 0, 1, 2, 2])


def test_the_next_correction_is_found_in_both_directions() -> None:
    trace = trace_of([round_of([0], 1, [2]), round_of((), 3), round_of((), 4, [5])], "abcdef")
    assert trace.next_corrected(-1, 1) == 1
    assert trace.next_corrected(1, 1) == 3
    assert trace.next_corrected(3, 1) is None
    assert trace.next_corrected(3, -1) == 1 and trace.next_corrected(1, -1) is None


def test_a_reply_of_ten_thousand_tokens_stays_small() -> None:
    trace, _ = invented(1, n_rounds=4000)
    fields = [value for name, value in vars(trace).items() if name.startswith("_")]
    assert trace.n_tokens > 8000 and sum(map(sys.getsizeof, fields)) < 400_000
