"""How many drafted tokens each verifier keeps, by kind of prompt; run by hand.

    python -m tests.perf.acceptance [TARGET DRAFT] [--temperature 0.8] [--seeds 20] [--kinds story]

On the bundled pair unless told otherwise, at a fixed draft length of 4: accepted over drafted by
exact match where the draft draws with the target's clocks (coupled), by exact match with the
draft's likeliest token (argmax), and by rejection sampling; and the last over each of the others,
with the standard error of the ratio over the seeds. The last column is what rejection keeps for
certain beyond coupling at the places it came to: the sum of Σ min(p, q) over that of the agreement.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.bench.prompts import KINDS, prompts
from core.demo import DRAFT_PATH, TARGET_PATH
from core.engine.choice import Way, WayRecord
from core.engine.reply import Ended, Limits, Reply
from core.engine.sampling import Distribution
from core.engine.session import Session
from core.engine.verify import agreement, overlap
from core.llama.log import capture_log
from core.protocol import ChatMessage, DraftChoice, ModelOptions, Sampling

LENGTH = 4
WAYS: tuple[Way, ...] = ("coupled", "argmax", "rejection")


class _Counting(WayRecord):
    """Keeps to one way, and adds up the chances at the places that it is shown."""

    def __init__(self, way: Way) -> None:
        super().__init__()
        self.way: Way = way
        self.chances = np.zeros(2)

    def best(self, mode: object) -> Way:  # noqa: ARG002 - the mode is overruled
        return self.way

    def record(self, p: Distribution, q: Distribution) -> None:
        self.chances += agreement(p, q), overlap(p, q)


def accepted(
    session: Session, messages: list[ChatMessage], sampling: Sampling, way: Way, n_tokens: int
) -> tuple[int, int, NDArray[np.float64]]:
    """Tokens drafted and kept in one reply, and the summed chances of coupling and rejection."""
    record = _Counting(way)
    session.ways[session.drafter.name] = record
    end = list(Reply(session, messages, sampling, Limits(n_tokens)).steps())[-1]
    assert isinstance(end, Ended)
    return end.stats.n_drafted, end.stats.n_accepted, record.chances


def ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> str:
    """The ratio of two rates and its standard error; each (n_seeds, 2): drafted and accepted."""

    def rate(x: NDArray[np.float64]) -> float:
        drafted, kept = x.sum(axis=0)
        return float(kept / max(drafted, 1))

    n = len(a)
    without = [
        rate(np.delete(a, i, axis=0)) / max(rate(np.delete(b, i, axis=0)), 1e-9) for i in range(n)
    ]
    error = ((n - 1) / n * np.square(np.array(without) - np.mean(without)).sum()) ** 0.5
    return f"{rate(a) / max(rate(b), 1e-9):.3f} ±{error:.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.perf.acceptance")
    parser.add_argument("models", nargs="*", default=[str(TARGET_PATH), str(DRAFT_PATH)])
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--open", action="store_true", help="without top-k, top-p and min-p")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=120)
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    given = parser.parse_args()
    capture_log(show=False)
    limits = {"top_k": 0, "top_p": 1.0, "min_p": 0.0} if given.open else {}
    base = Sampling(**{"temperature": given.temperature} | limits)
    session = Session(given.models[0], ModelOptions(), LENGTH)
    choice = DraftChoice(kind="model", path=given.models[1])
    session.use_drafter(*session.make_drafter(choice), choice)
    heads = [*WAYS, "rejection/coupled", "rejection/argmax", "expected"]
    print(f"{'kind':14}" + "".join(f"{head:>20}" for head in heads))
    total: dict[Way, list[NDArray[np.float64]]] = defaultdict(list)
    chances = np.zeros(2)
    for kind in given.kinds:
        counts = {way: np.zeros((given.seeds, 2)) for way in WAYS}
        here = np.zeros(2)
        for way in WAYS:
            for seed in range(given.seeds):
                settings = replace(base, seed=seed, verify="rejection")
                for prompt in prompts([kind]):
                    messages = list(prompt.messages)
                    *n, some = accepted(session, messages, settings, way, given.tokens)
                    counts[way][seed] += n
                    here += some
            total[way].append(counts[way])
        chances += here
        _line(kind, counts, here)
    _line("all", {way: np.sum(total[way], axis=0) for way in WAYS}, chances)
    session.close()


def _line(name: str, counts: dict[Way, NDArray[np.float64]], chances: NDArray[np.float64]) -> None:
    sums = [counts[way].sum(axis=0) for way in WAYS]
    cells = [f"{kept:.0f}/{drafted:.0f} {kept / max(drafted, 1):.1%}" for drafted, kept in sums]
    cells += [ratio(counts["rejection"], counts[other]) for other in ("coupled", "argmax")]
    cells += [f"{chances[1] / max(chances[0], 1e-9):.3f}"]
    print(f"{name:14}" + "".join(f"{cell:>20}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
