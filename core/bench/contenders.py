"""Runs the same prompts with several drafts in turn on one engine, for the board of drafts.

Apart from the runner, whose variants are the lengths of one draft.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.bench.board import Standing, standings
from core.bench.driver import EngineDriver
from core.bench.prompts import Prompt
from core.bench.report import machine
from core.bench.results import BASELINE, Sample
from core.bench.runner import GREEDY, WARM_UP_TOKENS, OnProgress, engine_sample
from core.models.records import record_served
from core.protocol import DraftChoice, Load, ModelInfo, Sampling


@dataclass(frozen=True)
class Contender:
    """A draft under the name by which it was asked for."""

    name: str
    choice: DraftChoice


NOBODY = Contender(BASELINE, DraftChoice())


@dataclass(frozen=True)
class BoardPlan:
    """What is to be measured: `contenders` beside the target of `load` alone, whose draft does not
    count; with its draft length each, as a benchmark's plan has the rest."""

    load: Load
    contenders: tuple[Contender, ...]
    prompts: tuple[Prompt, ...]
    repeats: int = 3
    max_tokens: int = 128
    sampling: Sampling = GREEDY

    @property
    def all(self) -> tuple[Contender, ...]:
        """The contenders, the target alone before them."""
        return (NOBODY, *(c for c in self.contenders if c.choice.kind != "none"))


@dataclass(frozen=True)
class Board:
    """What was measured; all samples in the order in which they were taken."""

    target: ModelInfo
    standings: tuple[Standing, ...]
    samples: tuple[Sample, ...]


def run_board(plan: BoardPlan, on_progress: OnProgress = lambda _done, _of: None) -> Board:
    """Measure, and note every reply of a draft whose length was left to the engine as a record.

    `on_progress` hears how many replies are done, of how many. Raises SpecdecError where the engine
    or a model fails.
    """
    return asyncio.run(_measure(plan, on_progress))


async def _measure(plan: BoardPlan, on_progress: OnProgress) -> Board:
    turns = list(_turns(plan))
    samples: list[Sample] = []
    async with EngineDriver() as engine:
        loaded = await engine.load(replace(plan.load, draft=DraftChoice()))
        first, n = plan.prompts[0].messages, min(plan.max_tokens, WARM_UP_TOKENS)
        for contender in plan.all:
            await engine.use(contender.choice, plan.load.draft_len)
            await engine.reply(first, plan.sampling, n)
        for done, (repeat, prompt, contender) in enumerate(turns):
            on_progress(done, len(turns))
            drafter = await engine.use(contender.choice, plan.load.draft_len)
            reply = await engine.reply(prompt.messages, plan.sampling, plan.max_tokens)
            samples.append(engine_sample(contender.name, reply, prompt, repeat))
            if plan.load.draft_len == "auto":
                record_served(loaded.target, drafter, reply.stats)
    on_progress(len(turns), len(turns))
    ranked = standings(samples, [contender.name for contender in plan.all])
    return Board(loaded.target, ranked, tuple(samples))


def _turns(plan: BoardPlan) -> Iterator[tuple[int, Prompt, Contender]]:
    """Forwards and backwards in turn, so that a machine that grows warm favours none."""
    for repeat in range(plan.repeats):
        for prompt in plan.prompts:
            for contender in plan.all[:: -1 if repeat % 2 else 1]:
                yield repeat, prompt, contender


def board_document(board: Board, plan: BoardPlan) -> dict[str, Any]:
    """The board as a document for `--json`: who stands where, and each reply without its text."""
    paths = {contender.name: contender.choice.path for contender in plan.all}
    replies: Sequence[dict[str, Any]] = [asdict(sample) for sample in board.samples]
    return {
        "target": board.target.name,
        "target_path": board.target.path,
        "devices": board.target.devices,
        "machine": machine(),
        "n_prompts": len(plan.prompts),
        "repeats": plan.repeats,
        "max_tokens": plan.max_tokens,
        "draft_len": plan.load.draft_len,
        "sampling": asdict(plan.sampling),
        "board": [
            {"draft": s.variant, "draft_path": paths[s.variant], **_figures(s)}
            for s in board.standings
        ],
        "replies": [{k: v for k, v in reply.items() if k != "text"} for reply in replies],
    }


def _figures(standing: Standing) -> dict[str, Any]:
    return {name: value for name, value in asdict(standing).items() if name != "variant"}
