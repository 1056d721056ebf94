"""What the Python around llama.cpp costs per token, on the bundled pair; run by hand.

    python -m tests.perf.overhead [TARGET DRAFT] [--vocabulary 150000] [--settings]

For each way of decoding, the median over replies of (wall time of the loop − time inside
llama_decode) / tokens, once for the loop alone and once with the events written as JSON, as the
engine process does. With `--settings` the loop alone, for each of many sampler settings: the median
over replies and, in brackets, the dearest prompt's. `--vocabulary` adds made-up tokens to the
models until they have so many.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
from gguf import GGUFReader

from core import wire
from core.bench.gguf_writer import Tensor, write_gguf
from core.demo import DRAFT_PATH, TARGET_PATH
from core.engine.drafters import ModelDrafter
from core.engine.events import Naming, event_of
from core.engine.reply import Grown, Limits, Prefilled, Reply
from core.engine.session import Session
from core.llama.log import capture_log
from core.protocol import ChatMessage, DraftChoice, ModelOptions, Sampling

PROMPTS = (
    "What is the quadratic equation formula?",
    "Count from 1 to 20.",
    "Write a Python function that computes the factorial.",
    "Write a story that begins: 'The door creaked open...'",
)
REPEATS = 5
_OPEN = {"top_k": 0, "top_p": 1.0, "min_p": 0.0}
_PENALTIES = {"repeat_penalty": 1.1, "presence_penalty": 0.1, "frequency_penalty": 0.1}
SETTINGS: dict[str, dict[str, float]] = {
    "greedy": {"temperature": 0},
    "greedy, penalties": {"temperature": 0, **_PENALTIES},
    "defaults, T 0.8": {"temperature": 0.8},
    "penalties, T 0.8": {"temperature": 0.8, **_PENALTIES},
    "penalties over 1024": {"temperature": 0.8, **_PENALTIES, "repeat_last_n": 1024},
    "top-k 500": {"temperature": 0.8, "top_k": 500, "top_p": 1.0, "min_p": 0.0},
    "top-p 0.95": {"temperature": 0.8, **_OPEN, "top_p": 0.95},
    "min-p 0.05": {"temperature": 0.8, **_OPEN, "min_p": 0.05},
    "min-p, top-p": {"temperature": 0.8, **_OPEN, "min_p": 0.05, "top_p": 0.95},
    "all tokens": {"temperature": 0.8, **_OPEN},
    "all tokens, T 1": {"temperature": 1.0, **_OPEN},
    "all tokens, T 1.5": {"temperature": 1.5, **_OPEN},
    "all tokens, penalties": {"temperature": 0.8, **_OPEN, **_PENALTIES},
    "top-p 0.95, T 1.5": {"temperature": 1.5, **_OPEN, "top_p": 0.95},
}


def overhead(
    session: Session, prompt: str, sampling: Sampling, *, as_events: bool = False, n: int = 200
) -> tuple[float, float]:
    """Microseconds of Python per token, and tokens per second, of one reply of `n` tokens."""
    contexts = [session.target.context]
    if isinstance(session.drafter, ModelDrafter):
        contexts.append(session.drafter._cache.context)
    messages = [ChatMessage(role="user", content=prompt)]
    n_tokens, started, inside = 0, 0.0, 0.0
    naming = Naming(session.model)
    for step in Reply(session, messages, sampling, Limits(n)).steps():
        if isinstance(step, Prefilled) or not started:
            started = time.perf_counter()
            inside = sum(c.decode_s for c in contexts)
        elif isinstance(step, Grown):
            n_tokens += len(step.round.tokens)
            if as_events:
                wire.write(event_of("1", step, naming))
    wall = time.perf_counter() - started
    inside = sum(c.decode_s for c in contexts) - inside
    return (wall - inside) / max(n_tokens, 1) * 1e6, n_tokens / wall


@contextmanager
def widened(target: str, draft: str, n_vocab: int) -> Iterator[tuple[str, str]]:
    """Copies of both models with a vocabulary of `n_vocab`."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / name) for name in ("target.gguf", "draft.gguf")]
        for source, path in zip((target, draft), paths, strict=True):
            _widen(Path(source), Path(path), n_vocab)
        yield paths[0], paths[1]


def _widen(source: Path, path: Path, n_vocab: int) -> None:
    """A row of a made-up token is the mean of two real ones, the same two in every model, and a
    share of the mean of all, which makes it unlikely. So the logits are spread as in a large
    vocabulary: few tokens at the top, a crowd far below, which counts where the model is unsure."""
    reader = GGUFReader(source)
    metadata = {
        key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")
    }
    texts, types = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    n_real = len(texts)
    texts += [f"\u0120madeup{i}" for i in range(n_vocab - n_real)]
    types += [1] * (n_vocab - n_real)
    metadata["llama.vocab_size"] = n_vocab
    pairs = np.random.default_rng(0).integers(0, n_real, (2, n_vocab - n_real))
    tensors = []
    for tensor in reader.tensors:
        data = np.array(tensor.data)
        if tensor.name in ("token_embd.weight", "output.weight"):
            rows = data.astype(np.float32)
            made_up = rows[pairs].mean(axis=0) + 0.8 * rows.mean(axis=0)
            data = np.concatenate([rows, made_up]).astype(data.dtype)
        raw = data.tobytes()
        kind = tensor.tensor_type.name
        tensors.append(Tensor(tensor.name, data.shape, kind, lambda raw=raw: [raw]))
    write_gguf(path, metadata, tensors)


def by_way(target: str, draft: str) -> None:
    """Print the table of ways to decode."""
    choices = {"no draft": DraftChoice(), "lookup": DraftChoice(kind="lookup")}
    choices["draft"] = DraftChoice(kind="model", path=draft)
    print(f"{'':24}{'loop µs/token':>16}{'with events':>14}{'tok/s':>9}")
    for name, choice in choices.items():
        for length in ["auto"] if name == "no draft" else ["auto", 4, 8]:
            session = Session(target, ModelOptions(), length)
            session.use_drafter(*session.make_drafter(choice), choice)
            for temperature in (0.0, 0.8):
                sampling = Sampling(temperature=temperature, seed=1)
                rows = {
                    as_events: [
                        overhead(session, prompt, sampling, as_events=as_events)
                        for _ in range(REPEATS)
                        for prompt in PROMPTS
                    ]
                    for as_events in (False, True)
                }
                loop, events = (median(us for us, _ in rows[k]) for k in (False, True))
                speed = median(s for _, s in rows[False])
                label = f"{name} {length} T={temperature}"
                print(f"{label:24}{loop:16.1f}{events:14.1f}{speed:9.0f}", flush=True)
            session.close()


def by_setting(target: str, draft: str, only: list[str], n: int) -> None:
    """Print the table of sampler settings."""
    ways = ["none", "auto exact", "auto rejection", "4 exact", "4 rejection"]
    print(f"{'loop µs/token':24}" + "".join(f"{way:>17}" for way in ways))
    choice = DraftChoice(kind="model", path=draft)
    session = Session(target, ModelOptions(), "auto")
    proposing, alone = session.make_drafter(choice), session.make_drafter(DraftChoice())
    for name, changes in SETTINGS.items():
        if only and name not in only:
            continue
        cells = []
        for way in ways:
            length, _, verify = way.partition(" ")
            session.use_drafter(
                *(alone if way == "none" else proposing),
                DraftChoice() if way == "none" else choice,
            )
            session.governor.draft_len = "auto" if length != "4" else 4
            settings = Sampling(**{"seed": 1, "verify": verify or "exact"} | changes)
            costs = {
                prompt: [overhead(session, prompt, settings, n=n)[0] for _ in range(3)]
                for prompt in PROMPTS
            }
            middle = median(us for replies in costs.values() for us in replies)
            worst = max(median(replies) for replies in costs.values())
            cells.append(f"{middle:9.0f} ({worst:4.0f})")
        print(f"{name:24}" + "".join(f"{cell:>17}" for cell in cells), flush=True)
    session.close()


def main() -> None:
    """Print the table that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.perf.overhead")
    parser.add_argument("models", nargs="*", default=[str(TARGET_PATH), str(DRAFT_PATH)])
    parser.add_argument("--vocabulary", type=int, help="tokens; made up where there are fewer")
    parser.add_argument("--settings", nargs="*", help="by sampler setting: all, or these")
    parser.add_argument("--tokens", type=int, default=60, help="of a reply, with --settings")
    given = parser.parse_args()
    capture_log(show=False)

    def measure(target: str, draft: str) -> None:
        if given.settings is None:
            by_way(target, draft)
        else:
            by_setting(target, draft, given.settings, given.tokens)

    if given.vocabulary:
        with widened(*given.models, given.vocabulary) as models:
            measure(*models)
    else:
        measure(*given.models)


if __name__ == "__main__":
    main()
