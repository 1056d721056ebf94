"""An engine that says what it is told to, at a given rate: to measure the app, not a model.

    python -m tests.perf.stand_in --rate 1500 [--text fence]

It speaks core.protocol over stdin and stdout as core.worker does.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections.abc import Iterator
from itertools import count

from core import wire
from core.protocol import (
    Cancel,
    DraftChanged,
    DrafterInfo,
    Event,
    Finished,
    Generate,
    Load,
    Loaded,
    ModelInfo,
    Ready,
    ReplyStats,
    Round,
    SetDraft,
    TokenInfo,
)
from tests.perf.long_chat import CODE, reply

TOKENS_A_ROUND, CHARACTERS_A_TOKEN = 5, 4


def markdown() -> Iterator[str]:
    """Replies one after the other, without an end."""
    random_ = random.Random(7)
    while True:
        yield reply(random_) + "\n\n"


def fence() -> Iterator[str]:
    """A sentence, and code that does not end."""
    yield "Here is the whole program, in one file.\n\n```python\n"
    for number in count():
        yield CODE.replace("rounds", f"rounds_{number}") + "\n\n"


TEXTS = {"markdown": markdown, "fence": fence}


def emit(event: Event) -> None:
    sys.stdout.write(wire.write(event) + "\n")
    sys.stdout.flush()


class StandIn:
    def __init__(self, rate: float, text: str) -> None:
        self._rate, self._text = rate, text
        self._cancelled: set[str] = set()
        self._info = ModelInfo(
            path="/stand-in.gguf",
            name="stand-in",
            description="no model",
            n_params=1,
            size_bytes=1,
            n_ctx=1 << 20,
            n_ctx_train=1 << 20,
            n_vocab=1000,
            n_layers=1,
            n_layers_gpu=0,
            devices=[],
        )

    def take(self, line: str) -> None:
        match command := wire.read_command(line):
            case Load():
                emit(Loaded(target=self._info, drafter=DrafterInfo(kind="none", name="none")))
            case SetDraft():
                emit(DraftChanged(drafter=DrafterInfo(kind="none", name="none")))
            case Generate():
                threading.Thread(target=self._reply, args=(command,), daemon=True).start()
            case Cancel():
                self._cancelled.add(command.id)

    def _reply(self, command: Generate) -> None:
        pieces = self._pieces()
        started, n_tokens, whole = time.perf_counter(), 0, []
        reason = "cancelled"
        while command.id not in self._cancelled:
            if 0 < command.max_tokens <= n_tokens:
                reason = "length"
                break
            piece = next(pieces)
            whole.append(piece)
            n_tokens += TOKENS_A_ROUND
            emit(self._round(command.id, piece, n_tokens))
            ahead = started + n_tokens / self._rate - time.perf_counter()
            if ahead > 0:
                time.sleep(ahead)
        emit(
            Finished(
                id=command.id,
                finish_reason=reason,  # type: ignore[arg-type]
                text="".join(whole),
                n_ctx_used=n_tokens,
                stats=self._stats(n_tokens),
            )
        )

    def _pieces(self) -> Iterator[str]:
        size, held = TOKENS_A_ROUND * CHARACTERS_A_TOKEN, ""
        for text in TEXTS[self._text]():
            held += text
            while len(held) >= size:
                yield held[:size]
                held = held[size:]

    def _round(self, reply_id: str, text: str, n_tokens: int) -> Round:
        return Round(
            id=reply_id,
            text=text,
            tokens=[TokenInfo(id=n, origin="accepted", p_draft=0.9) for n in range(TOKENS_A_ROUND)],
            rejected=[],
            n_drafted=TOKENS_A_ROUND,
            n_accepted=TOKENS_A_ROUND - 1,
            drafter="draft",
            draft_s=0.001,
            verify_s=0.001,
            n_ctx_used=n_tokens,
            stats=self._stats(n_tokens),
        )

    def _stats(self, n_tokens: int) -> ReplyStats:
        return ReplyStats(
            n_tokens=n_tokens,
            n_rounds=n_tokens // TOKENS_A_ROUND,
            n_drafted=n_tokens,
            n_accepted=n_tokens * 4 // 5,
            acceptance_rate=0.8,
            accepted_per_position=[0.95, 0.9, 0.8, 0.7, 0.6],
            tokens_per_round=5.0,
            ttft_s=0.1,
            decode_tok_s=self._rate,
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.perf.stand_in")
    parser.add_argument("--rate", type=float, default=1500)
    parser.add_argument("--text", choices=TEXTS, default="markdown")
    given = parser.parse_args()
    engine = StandIn(given.rate, given.text)
    emit(Ready(pid=0))
    for line in sys.stdin:
        engine.take(line)


if __name__ == "__main__":
    main()
