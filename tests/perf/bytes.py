"""How much the app writes to its terminal while a reply streams; run by hand, asserts nothing.

    python -m tests.perf.bytes [--size 120x40] [--rate 50] [--seconds 20] [--far yes|no]

The app runs in a pseudo-terminal; its engine is a stand-in that sends the events of a real one at a
steady pace, three tokens a round. Counted are the bytes that come out of the terminal once the
chat has filled the screen, which is when every new line moves all others.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from core import wire
from core.protocol import (
    DrafterInfo,
    Event,
    Forecast,
    Generate,
    Load,
    Loaded,
    ModelInfo,
    Ready,
    ReplyStats,
    Round,
    Shutdown,
)

ROUND_TOKENS = 3
TEXT = """Speculative decoding lets a small draft model propose several tokens, which the large
model then checks in a single batch. Tokens that it agrees with are kept, so that the reply is what
the large model alone would have said, only **sooner**.

- The draft keeps its own cache, which is cut back to what was accepted.
- The length of a draft is chosen by what a batch costs on this machine.
- Where drafting loses, it pauses, and says so.

```python
def verify(proposed, wanted):
    kept = 0
    while kept < len(proposed) and proposed[kept] == wanted[kept]:
        kept += 1
    return kept
```

"""


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--rate", type=float, default=50.0, help="tokens a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--settle", type=float, default=12.0, help="seconds before the count")
    parser.add_argument("--far", default="yes", help="what the setting `remote` is to be")
    parser.add_argument("--part", choices=("app", "engine"), help=argparse.SUPPRESS)
    given, flags = parser.parse_known_args()
    match given.part:
        case "app":
            _run_app(given.rate, flags)
        case "engine":
            _run_engine(given.rate)
        case _:
            _measure(given)


def _measure(given: argparse.Namespace) -> None:
    from tests.perf.keystroke import Terminal

    columns, rows = map(int, given.size.split("x"))
    command = [sys.executable, "-m", "tests.perf.bytes", "--part", "app"]
    command += ["--rate", str(given.rate), "--demo", "--remote", given.far]
    terminal = Terminal(command, columns, rows)
    try:
        terminal.wait("ready")
        terminal.write(b"Tell me about speculative decoding\r")
        _count(terminal.master, given.settle)
        n_bytes, n_writes = _count(terminal.master, given.seconds)
        rate, often = n_bytes / given.seconds / 1000, n_writes / given.seconds
        print(f"{given.size}, {given.rate:.0f} tok/s, remote = {given.far}:")
        print(f"{rate:.1f} kB/s, read {often:.0f} times a second")
    finally:
        terminal.close()


def _count(master: int, seconds: float) -> tuple[int, int]:
    """The bytes, and how often there were any, within so many seconds."""
    import select

    end, n_bytes, n_reads = time.perf_counter() + seconds, 0, 0
    while (left := end - time.perf_counter()) > 0:
        if select.select([master], [], [], left)[0]:
            data = os.read(master, 1 << 16)
            n_bytes, n_reads = n_bytes + len(data), n_reads + 1
    return n_bytes, n_reads


# ------------------------------------------------------------------ the app and its engine


def _run_app(rate: float, flags: list[str]) -> None:
    """The real app by its real command line, on the stand-in."""
    from core import client
    from tui.cli import main as run

    argv, env = client.engine_invocation()
    stand_in = [*argv[: argv.index("-m")], "-m", "tests.perf.bytes", "--part", "engine"]
    client.engine_invocation = lambda *_: ([*stand_in, "--rate", str(rate)], env)
    raise SystemExit(run(flags))


def _run_engine(rate: float) -> None:
    _send(Ready(pid=os.getpid()))
    for line in sys.stdin:
        match wire.read_command(line):
            case Load():
                target, draft = _model("target", 2_800_000), _model("draft", 400_000)
                drafter = DrafterInfo(kind="model", name="draft", model=draft)
                _send(Loaded(target=target, drafter=drafter))
            case Generate() as command:
                for event in _rounds(command.id, rate):
                    _send(event)
            case Shutdown():
                return


def _rounds(reply: str, rate: float) -> Iterator[Event]:
    words = itertools.cycle(part for part in _pieces(TEXT))
    started = time.perf_counter()
    for number in itertools.count(1):
        time.sleep(max(0.0, started + number * ROUND_TOKENS / rate - time.perf_counter()))
        n_tokens = number * ROUND_TOKENS
        stats = ReplyStats(
            n_prompt=20,
            n_tokens=n_tokens,
            n_rounds=number,
            n_drafted=4 * number,
            n_accepted=2 * number,
            acceptance_rate=0.5 + 0.01 * (number % 7),
            accepted_per_position=[0.8, 0.7 + 0.01 * (number % 5), 0.6, 0.5],
            tokens_per_round=3.0 + 0.1 * (number % 3),
            ttft_s=0.31,
            decode_tok_s=rate + number % 5,
            baseline_tok_s=rate / 2,
            n_compared=n_tokens - ROUND_TOKENS,
            alone_s=(n_tokens - ROUND_TOKENS) / (rate / 2),
            speedup=2.0 + 0.01 * (number % 9),
            draft_len=4 + number % 2,
            drafter="model",
        )
        yield Round(
            id=reply,
            text="".join(next(words) for _ in range(ROUND_TOKENS)),
            tokens=_tokens(number),
            rejected=[],
            n_drafted=4,
            n_accepted=2,
            drafter="model",
            draft_s=0.01,
            verify_s=0.04,
            n_ctx_used=20 + n_tokens,
            reason=f"drafting {4 + number % 2}",
            forecast=Forecast(
                at_zero=rate / 2, at_chosen=rate + number % 4, other_len=6, at_other=rate - 3
            ),
            stats=stats,
        )


def _tokens(number: int) -> list[Any]:
    from core.protocol import TokenInfo

    origins: tuple[Any, ...] = ("accepted", "accepted", "corrected")
    return [TokenInfo(id=number, origin=origin, p_draft=0.7) for origin in origins]


def _pieces(text: str) -> Iterator[str]:
    """About four characters each, as tokens are."""
    for start in range(0, len(text), 4):
        yield text[start : start + 4]


def _model(name: str, n_params: int) -> ModelInfo:
    return ModelInfo(
        path=f"/models/{name}.gguf",
        name=name,
        description="llama F16",
        n_params=n_params,
        size_bytes=2 * n_params,
        n_ctx=8192,
        n_ctx_train=8192,
        n_vocab=2048,
        n_layers=8,
        n_layers_gpu=0,
        devices=[],
    )


def _send(event: Event) -> None:
    print(wire.write(event), flush=True)


if __name__ == "__main__":
    main()
