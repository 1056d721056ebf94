"""What the Python around llama.cpp costs per token, on the bundled pair; run by hand.

    python -m tests.perf.overhead [TARGET DRAFT]

For each way of decoding, the median over replies of (wall time of the loop − time inside
llama_decode) / tokens, once for the loop alone and once with the events written as JSON, as the
engine process does.
"""

from __future__ import annotations

import sys
import time
from statistics import median

from core.demo import DRAFT_PATH, TARGET_PATH
from core.engine.drafters import ModelDrafter
from core.engine.reply import Grown, Limits, Prefilled, Reply
from core.engine.session import Session
from core.llama.log import capture_log
from core.protocol import ChatMessage, DraftChoice, ModelOptions, Sampling
from core.worker import _round_event

PROMPTS = (
    "What is the quadratic equation formula?",
    "Count from 1 to 20.",
    "Write a Python function that computes the factorial.",
    "Write a story that begins: 'The door creaked open...'",
)
REPEATS = 5


def overhead(
    session: Session, prompt: str, temperature: float, as_events: bool
) -> tuple[float, float]:
    """Microseconds of Python per token, and tokens per second, of one reply."""
    contexts = [session.target.context]
    if isinstance(session.drafter, ModelDrafter):
        contexts.append(session.drafter._cache.context)
    messages = [ChatMessage(role="user", content=prompt)]
    sampling = Sampling(temperature=temperature, seed=1)
    n, started, inside = 0, 0.0, 0.0
    for step in Reply(session, messages, sampling, Limits(200)).steps():
        if isinstance(step, Prefilled) or not started:
            started = time.perf_counter()
            inside = sum(c.decode_s for c in contexts)
        elif isinstance(step, Grown):
            n += len(step.round.tokens)
            if as_events:
                _round_event("1", step).model_dump_json()
    wall = time.perf_counter() - started
    inside = sum(c.decode_s for c in contexts) - inside
    return (wall - inside) / max(n, 1) * 1e6, n / wall


def main() -> None:
    """Print the table."""
    capture_log(show=False)
    target, draft = sys.argv[1:3] if len(sys.argv) > 2 else (str(TARGET_PATH), str(DRAFT_PATH))
    choices = {"no draft": DraftChoice(), "lookup": DraftChoice(kind="lookup")}
    choices["draft"] = DraftChoice(kind="model", path=draft)
    print(f"{'':24}{'loop µs/token':>16}{'with events':>14}{'tok/s':>9}")
    for name, choice in choices.items():
        for length in ["auto"] if name == "no draft" else ["auto", 4, 8]:
            session = Session(target, ModelOptions(), length)
            session.use_drafter(*session.make_drafter(choice), choice)
            for temperature in (0.0, 0.8):
                rows = {
                    as_events: [
                        overhead(session, prompt, temperature, as_events)
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


if __name__ == "__main__":
    main()
