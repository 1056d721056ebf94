"""`auto` against fixed draft lengths on a pair, interleaved; run by hand, asserts nothing.

    python -m tests.perf.lengths FOLDER [--lengths 3,7,11] [--kind easy] [--tokens 128]

FOLDER holds `target.gguf` and `draft.gguf`, as `core.bench.synthetic.write_pair` writes them. Each
length has an engine process of its own that stays, as a user's does, so only the first reply of
`auto` begins without a record. Printed: tok/s of each reply, then the ratio of `auto` to the fixed
length that was best over all, each and as a median, the first reply apart.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from statistics import median

from core.bench.prompts import prompts
from core.client import EngineClient
from core.protocol import (
    ChatMessage,
    DraftChoice,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    ModelOptions,
    Sampling,
)

SETTLE_S = 8.0
"""After a load the engine measures batches that the load had no time for, and must be alone."""


async def ended(client: EngineClient, kind: type[Loaded] | type[Finished]) -> Loaded | Finished:
    """The next event of this kind. Raises RuntimeError where a command failed."""
    while True:
        event = await client.events.get()
        if isinstance(event, Failed):
            raise RuntimeError(event.message)
        if isinstance(event, kind):
            return event


async def engine(folder: Path, length: str) -> EngineClient:
    """A process with the pair loaded, at this draft length."""
    options = ModelOptions(n_ctx=1024, n_threads=2)
    draft = DraftChoice(kind="model", path=str(folder / "draft.gguf"), options=options)
    client = EngineClient()
    await client.start()
    await client.send(
        Load(
            target=str(folder / "target.gguf"),
            options=options,
            draft=draft if length != "0" else DraftChoice(),
            draft_len="auto" if length == "auto" else int(length),
        )
    )
    await ended(client, Loaded)
    await asyncio.sleep(SETTLE_S)
    return client


async def reply(client: EngineClient, message: ChatMessage, tokens: int) -> float:
    """Tokens per second of one reply."""
    await client.send(
        Generate(id="a", messages=[message], sampling=Sampling(temperature=0), max_tokens=tokens)
    )
    finished = await ended(client, Finished)
    assert isinstance(finished, Finished)
    return finished.stats.decode_tok_s or 0.0


async def measure(given: argparse.Namespace) -> None:
    lengths = ["auto", *given.lengths.split(",")]
    engines = {length: await engine(given.folder, length) for length in lengths}
    rates: dict[str, list[float]] = {length: [] for length in lengths}
    asked = [prompt.messages[-1] for prompt in prompts([given.kind])]
    for _ in range(given.repeats):
        for message in asked:
            for length, client in engines.items():
                rates[length].append(await reply(client, message, given.tokens))
            print("  ".join(f"{name} {rate[-1]:6.1f}" for name, rate in rates.items()), flush=True)
    best = max(lengths[1:], key=lambda length: median(rates[length]))
    each = [a / b for a, b in zip(rates["auto"], rates[best], strict=True)]
    print(
        f"auto / {best}: {median(each):.3f}; the first {each[0]:.3f}, then "
        f"{median(each[1:]):.3f} ({' '.join(f'{ratio:.3f}' for ratio in each)})"
    )
    for client in engines.values():
        await client.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.perf.lengths")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lengths", default="3,7,11")
    parser.add_argument("--kind", default="easy")
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=2)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
