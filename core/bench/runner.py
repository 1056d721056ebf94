"""Runs prompts through the engine process, with and without a draft, and through a llama-server.

The variants of a prompt run one after another, forwards and backwards in turn, so that a machine
that grows warm or busy favours none. The models stay loaded between them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from core.bench.driver import EngineDriver, EngineReply
from core.bench.prompts import Prompt
from core.bench.results import BASELINE, SERVER, BenchResult, Sample
from core.bench.server import LlamaServer, ServerReply
from core.models.records import record_served
from core.protocol import Costs, DraftChoice, Load, Loaded, Sampling

GREEDY = Sampling(temperature=0)
SWEEP = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16)
WARM_UP_TOKENS = 48
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class BenchPlan:
    """What is to be measured.

    `load` names the models and, in `draft_len`, the variant that the draft is judged by; without a
    draft only the baseline runs. `lengths`: fixed draft lengths to run beside it; 0 is the baseline
    and runs anyway. `server`: URL of a llama-server to run beside them. `skip_tokens`: leave the
    first tokens of each reply of ours out of its tok/s (0: the first round only); the server's
    timings know no such thing.
    """

    load: Load
    prompts: tuple[Prompt, ...]
    repeats: int = 3
    max_tokens: int = 128
    sampling: Sampling = GREEDY
    lengths: tuple[int, ...] = ()
    server: str | None = None
    skip_tokens: int = 0

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants: the baseline first, then what drafts, then the server."""
        names = [BASELINE]
        if self.load.draft.kind != "none":
            names += [str(n) for n in (self.load.draft_len, *self.lengths) if n != 0]
        if self.server:
            names.append(SERVER)
        return tuple(dict.fromkeys(names))


def run_bench(plan: BenchPlan, on_progress: OnProgress = lambda _done, _of: None) -> BenchResult:
    """Measure. `on_progress` hears how many replies are done, of how many.

    Raises SpecdecError where the engine, a model or the server fails.
    """
    return asyncio.run(measure(plan, on_progress))


def run_costs(load: Load) -> tuple[Loaded, Costs]:
    """Load the models and measure what batches cost on target and draft. Raises SpecdecError."""

    async def measure_costs() -> tuple[Loaded, Costs]:
        async with EngineDriver() as engine:
            return await engine.load(load), await engine.costs()

    return asyncio.run(measure_costs())


async def measure(plan: BenchPlan, on_progress: OnProgress) -> BenchResult:
    """`run_bench` for a loop that runs already."""
    server = LlamaServer(plan.server) if plan.server else None
    async with EngineDriver() as engine:
        contest = _Contest(plan, engine, server)
        await (
            contest.warm_up_server()
        )  # one that is not there is to be known before the models load
        loaded = await contest.load()
        await contest.warm_up()
        samples: list[Sample] = []
        turns = list(_turns(plan))
        for done, (repeat, prompt, variant) in enumerate(turns):
            on_progress(done, len(turns))
            samples.append(await contest.sample(variant, prompt, repeat))
        on_progress(len(turns), len(turns))
    kinds = tuple(dict.fromkeys(prompt.kind for prompt in plan.prompts))
    return BenchResult(loaded.target, loaded.drafter, plan.variants, kinds, tuple(samples))


def _turns(plan: BenchPlan) -> Iterator[tuple[int, Prompt, str]]:
    for repeat in range(plan.repeats):
        order = plan.variants[:: -1 if repeat % 2 else 1]
        for prompt in plan.prompts:
            for variant in order:
                yield repeat, prompt, variant


class _Contest:
    """Takes samples of any variant of a plan."""

    def __init__(self, plan: BenchPlan, engine: EngineDriver, server: LlamaServer | None) -> None:
        self._plan = plan
        self._engine = engine
        self._server = server
        self._in_use = ""
        self._loaded: Loaded | None = None

    async def load(self) -> Loaded:
        """Load the models; what `auto` achieves with them is recorded from now on."""
        self._loaded = await self._engine.load(self._plan.load)
        return self._loaded

    async def warm_up_server(self) -> None:
        """A short reply to the first prompt."""
        if self._server:
            first = self._plan.prompts[0].messages
            await self._server.reply(first, self._plan.sampling, 8)

    async def warm_up(self) -> None:
        """A short reply of each kind without a draft, with which the engine has measured the target
        alone, and one with the draft."""
        plan, n = self._plan, min(self._plan.max_tokens, WARM_UP_TOKENS)
        for variant in (v for v in plan.variants[:2] if v != SERVER):
            await self._use(variant)
            await self._engine.reply(plan.prompts[0].messages, plan.sampling, n)

    async def sample(self, variant: str, prompt: Prompt, repeat: int) -> Sample:
        """One reply by one variant."""
        plan = self._plan
        if variant == SERVER:
            assert self._server is not None
            reply = await self._server.reply(prompt.messages, plan.sampling, plan.max_tokens)
            return _server_sample(reply, prompt, repeat)
        await self._use(variant)
        ours = await self._engine.reply(prompt.messages, plan.sampling, plan.max_tokens)
        if variant == "auto" and self._loaded:
            record_served(self._loaded.target, self._loaded.drafter, ours.stats)
        return engine_sample(variant, ours, prompt, repeat, plan.skip_tokens)

    async def _use(self, variant: str) -> None:
        if variant == self._in_use:
            return
        draft = DraftChoice() if variant == BASELINE else self._plan.load.draft
        await self._engine.use(draft, _length(variant))
        self._in_use = variant


def _length(variant: str) -> int | Literal["auto"]:
    return int(variant) if variant.isdigit() else "auto"


def engine_sample(
    variant: str, reply: EngineReply, prompt: Prompt, repeat: int, skip_tokens: int = 0
) -> Sample:
    """What a reply of ours says of its variant."""
    stats = reply.stats
    return Sample(
        variant=variant,
        kind=prompt.kind,
        prompt=prompt.number,
        repeat=repeat,
        n_tokens=stats.n_tokens,
        n_rounds=stats.n_rounds,
        n_drafted=stats.n_drafted,
        n_accepted=stats.n_accepted,
        tok_s=reply.tok_s_after(skip_tokens),
        wall_s=reply.wall_s,
        text=reply.text,
    )


def _server_sample(reply: ServerReply, prompt: Prompt, repeat: int) -> Sample:
    return Sample(
        variant=SERVER,
        kind=prompt.kind,
        prompt=prompt.number,
        repeat=repeat,
        n_tokens=reply.n_tokens,
        n_rounds=reply.n_rounds,
        n_drafted=reply.n_drafted,
        n_accepted=reply.n_accepted,
        tok_s=reply.tok_s,
        wall_s=reply.wall_s,
        text=reply.text,
    )
