"""An offer of drafts, and the engine's events about them, for a dialogue without an engine."""

from __future__ import annotations

from typing import Any

from core.protocol import (
    DrafterInfo,
    Finished,
    ModelInfo,
    ReplyStats,
    Round,
    TokenInfo,
)
from tui.choices import LOOKUP, NONE, DraftOption, Offer

MODEL = DraftOption("model", "small", "/m/small.gguf")
UNFIT = DraftOption("model", "odd", "/m/odd.gguf", "token 3 differs")
OFFER = Offer("/m/big.gguf", (NONE, LOOKUP, MODEL, UNFIT), MODEL)


def info(path: str) -> ModelInfo:
    numbers = dict.fromkeys(
        ("n_params", "size_bytes", "n_ctx_train", "n_vocab", "n_layers", "n_layers_gpu"), 1
    )
    return ModelInfo(path=path, name="n", description="d", n_ctx=8192, devices=[], **numbers)


def drafter(option: DraftOption) -> DrafterInfo:
    return DrafterInfo(
        kind=option.kind, name=option.name, model=info(option.path) if option.path else None
    )


def round_event(text: str, id: str = "reply-1", n: int = 2, **stats: Any) -> Round:
    return Round(
        id=id,
        text=text,
        tokens=[TokenInfo(id=1, origin="accepted")] * n,
        rejected=[],
        n_drafted=n,
        n_accepted=n,
        draft_s=0.0,
        verify_s=0.0,
        n_ctx_used=10,
        stats=ReplyStats(**stats),
    )


def finished(text: str, id: str = "reply-1") -> Finished:
    return Finished(id=id, finish_reason="stop", text=text, n_ctx_used=12, stats=ReplyStats())
