"""How tokens came, counted one by one, equals what the engine says: on the bundled pair, for real.

The engine's totals are what the stats bar shows.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from core.client import EngineClient
from core.demo import DRAFT_PATH, TARGET_PATH
from core.protocol import (
    Cancel,
    ChatMessage,
    DraftChoice,
    EngineDied,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    ModelOptions,
    Round,
    Sampling,
    SetDraft,
)
from tests.support.traces import invented, round_of, trace_of
from tui.feed import Rounds, coalesce
from tui.sanitize import clean_stream
from tui.token_layout import NEWLINE, NOTHING_SEEN, TokenLayout
from tui.trace import Trace, Vocabulary, learn

WAIT_S = 60
MODEL = DraftChoice(kind="model", path=str(DRAFT_PATH))
LOOKUP, NONE = DraftChoice(kind="lookup"), DraftChoice()
COUNT = "Count from 1 to 20."
STORY = "Write a story that begins: 'The door creaked open...'"


class Engine:
    """The bundled pair in an engine process; replies come with their traces."""

    def __init__(self, client: EngineClient) -> None:
        self.client = client
        self.vocabulary: Vocabulary = {}

    async def load(self) -> None:
        options = ModelOptions(n_threads=1)
        draft = MODEL.model_copy(update={"options": options})
        await self.client.send(Load(target=str(TARGET_PATH), options=options, draft=draft))
        while not isinstance(await self._next(), Loaded):
            pass

    async def reply(
        self,
        prompt: str,
        sampling: Sampling,
        *,
        stop: tuple[str, ...] = (),
        after_rounds: tuple[tuple[int, SetDraft | Cancel], ...] = (),
        max_tokens: int = 120,
    ) -> tuple[Trace, Finished]:
        """The trace of a reply, and its end. `after_rounds`: what is sent after how many rounds."""
        messages = [ChatMessage(role="user", content=prompt)]
        await self.client.send(
            Generate(
                id="1", messages=messages, sampling=sampling, stop=list(stop), max_tokens=max_tokens
            )
        )
        trace, n_rounds, to_send = Trace(self.vocabulary), 0, dict(after_rounds)
        while True:
            event = await self._next()
            for item in coalesce([event]):
                for round_ in item.every if isinstance(item, Rounds) else []:
                    learn(self.vocabulary, round_.pieces)
                    trace.add(round_, round_.drafter)
            if isinstance(event, Round):
                n_rounds += 1
                if n_rounds in to_send:
                    await self.client.send(to_send.pop(n_rounds))
            if isinstance(event, Finished):
                return trace, event

    async def _next(self) -> object:
        event = await asyncio.wait_for(self.client.events.get(), WAIT_S)
        assert not isinstance(event, Failed | EngineDied), event
        return event


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    client = EngineClient()
    engine = Engine(client)
    await engine.load()
    yield engine
    await client.close()


def drawn(trace: Trace) -> str:
    layout = TokenLayout(trace, 80)
    layout.grow()
    text = "".join(s.text for row in layout.rows for s in row if s.is_token)
    return text.replace(NEWLINE, "\n").replace(NOTHING_SEEN, "")


async def test_what_is_counted_token_by_token_is_what_the_engine_counts(engine: Engine) -> None:
    greedy, warm = Sampling(temperature=0), Sampling(temperature=1.2, seed=3)
    rejection = warm.model_copy(update={"verify": "rejection"})
    switches = (
        (8, SetDraft(draft=LOOKUP)),
        (30, SetDraft(draft=NONE)),
        (40, SetDraft(draft=MODEL)),
    )
    replies = {
        "greedy": await engine.reply(COUNT, greedy),
        "the draft exchanged": await engine.reply(STORY, warm, after_rounds=switches),
        "rejection": await engine.reply(STORY, rejection),
        "stopped": await engine.reply(STORY, warm, after_rounds=((10, Cancel(id="1")),)),
        "a stop string": await engine.reply(COUNT, greedy, stop=("7,",)),
        "cut short": await engine.reply(STORY, warm, max_tokens=3),
    }
    for name, (trace, end) in replies.items():
        counts, stats = trace.counts, end.stats
        assert counts.agree(stats), (name, counts, stats)
        assert counts.n_accepted == stats.n_accepted > 0 or name == "cut short"
        assert trace.n_tokens == stats.n_tokens and trace.n_rounds == stats.n_rounds
        assert drawn(trace).startswith(clean_stream(end.text)), name
    exchanged = replies["the draft exchanged"][0]
    assert {kind for _, kind in exchanged.drafters} == {"model", "lookup", "none"}
    assert exchanged.counts.corrected and exchanged.counts.alone
    assert replies["stopped"][1].finish_reason == "cancelled"
    stopped, end = replies["a stop string"]
    assert end.text.endswith("6, ") and "7," in drawn(stopped)
    assert replies["greedy"][0].vocabulary[stopped.token(0)], "named in an earlier reply"


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
