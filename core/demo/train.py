"""Trains the whole pair from a seed: tokenizer, target, draft, and both GGUF files.

Run `python -m core.demo.train --help`; the README of this folder has the command that was used.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as fn

from core.demo import DRAFT_PATH, TARGET_PATH
from core.demo.batches import Batch, Packer
from core.demo.distill import ReplyPacker, agreement_loss, sample_replies
from core.demo.export import export
from core.demo.model import Llama, Shape
from core.demo.tokenizer import VOCAB_SIZE, load_tokenizer, train_tokenizer
from core.demo.workers import (
    agree,
    average_gradients,
    count,
    exchange,
    owned,
    rank,
    run_workers,
)

TARGET = Shape(VOCAB_SIZE, n_layer=8, n_embd=192, n_head=2, n_head_kv=1, n_ff=320)
DRAFT = Shape(VOCAB_SIZE, n_layer=1, n_embd=128, n_head=2, n_head_kv=2, n_ff=384)
HELD_OUT_SEED = 1_000_003
TOKENS_A_STEP = 4_096


@dataclass(frozen=True)
class Budget:
    """When training ends: at the first of the two limits."""

    tokens: float
    seconds: float


@dataclass(frozen=True)
class Progress:
    """What a training run has done; `loss` is held-out nats a token of the assistant's text."""

    tokens: int
    steps: int
    seconds: float
    loss: float


def sequence_length(done: float) -> int:
    """Tokens in a row when the share `done` of the budget is spent: long rows come last."""
    if done < 0.72:
        return 512
    return 1024 if done < 0.93 else 2048


def schedule(done: float) -> float:
    """The learning rate relative to its peak: a short ramp, a plateau, a line to zero."""
    return min(done / 0.01, 1.0) * min(1.0, (1.0 - done) / 0.6) + 1e-3


def matrices(model: nn.Module) -> list[nn.Parameter]:
    """The weights inside the layers."""
    return [p for name, p in model.named_parameters() if p.ndim == 2 and "embd" not in name]


def optimizers(model: nn.Module, peak: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings and norms."""
    inner = owned(matrices(model))
    outer = [p for name, p in model.named_parameters() if p.ndim != 2 or "embd" in name]
    return [
        torch.optim.Muon(inner, lr=peak, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(outer, lr=peak, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def own_logits(model: Llama, batch: Batch) -> Tensor:
    """Logits where the assistant writes, (n, n_vocab)."""
    return model.logits(model.hidden(batch.inputs)[batch.own])


def corpus_loss(model: Llama, batch: Batch) -> Tensor:
    """Cross-entropy of the assistant's tokens."""
    return fn.cross_entropy(own_logits(model, batch), batch.targets[batch.own])


def fit(
    model: Llama,
    peak: float,
    budget: Budget,
    draw: Callable[[int, int], Batch],
    loss_of: Callable[[Batch], Tensor],
    after_step: Callable[[Progress], None],
) -> Progress:
    """Train `model` until the budget is spent. `draw(rows, n)` gives a batch."""
    opts, shares = optimizers(model, peak), (1.0, 0.6)
    start, tokens, steps, mean = time.monotonic(), 0, 0, 0.0
    while True:
        seconds = time.monotonic() - start
        done = agree(max(tokens / budget.tokens, seconds / budget.seconds))
        progress = Progress(tokens, steps, seconds, mean)
        if done >= 1.0:
            return progress
        after_step(progress)
        n = sequence_length(done)
        loss = loss_of(draw(TOKENS_A_STEP // count() // n, n))
        loss.backward()  # type: ignore[no-untyped-call]
        average_gradients(model)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for opt, share in zip(opts, shares, strict=True):
            for group in opt.param_groups:
                group["lr"] = peak * share * schedule(done)
            opt.step()
        exchange(matrices(model))
        model.zero_grad(set_to_none=True)
        tokens, steps = tokens + TOKENS_A_STEP, steps + 1
        mean = loss.item() if steps == 1 else 0.95 * mean + 0.05 * loss.item()


@torch.inference_mode()
def held_out_loss(loss_of: Callable[[Batch], Tensor], tokenizer: Tokenizer) -> float:
    """Mean loss on 64 rows of a corpus with another seed."""
    packer = Packer(tokenizer, HELD_OUT_SEED)
    return sum(loss_of(packer.batch(16, 512)).item() for _ in range(4)) / 4


class Reporter:
    """Prints the progress and keeps checkpoints, so that a long run can be watched."""

    def __init__(self, name: str, folder: Path, model: Llama, every: float) -> None:
        self._name, self._folder, self._model, self._every = name, folder, model, every
        self._next = every

    def __call__(self, progress: Progress) -> None:
        if rank():
            return
        if progress.steps % 50 == 0:
            speed = progress.tokens / max(progress.seconds, 1e-9)
            print(
                f"{self._name} step {progress.steps} {progress.tokens / 1e6:.2f}M tokens "
                f"{progress.seconds:.0f} s {speed:.0f} tok/s loss {progress.loss:.4f}",
                flush=True,
            )
        if progress.seconds >= self._next:
            self._next += self._every
            save(self._model, self._folder / f"{self._name}.pt")


def save(model: Llama, path: Path) -> None:
    """Write the weights in one step."""
    partial = path.with_suffix(".partial")
    torch.save({"shape": asdict(model.shape), "weights": model.state_dict()}, partial)
    partial.replace(path)


def load(path: Path) -> Llama:
    """The model saved at `path`."""
    stored = torch.load(path, weights_only=True)
    model = Llama(Shape(**stored["shape"]))
    model.load_state_dict(stored["weights"])
    return model


def make_target(args: argparse.Namespace, tokenizer: Tokenizer) -> None:
    """Train the target on the corpus; runs in each worker."""
    torch.manual_seed(args.seed)
    model = load(args.resume) if args.resume else Llama(TARGET)
    packer = Packer(tokenizer, args.seed + 1000 * rank())
    budget = Budget(args.target_tokens, args.target_minutes * 60)
    report = Reporter("target", args.work, model, every=120)
    done = fit(model, args.rate, budget, packer.batch, lambda b: corpus_loss(model, b), report)
    if rank() == 0:
        loss = held_out_loss(lambda b: corpus_loss(model, b), tokenizer)
        reached = Progress(done.tokens, done.steps, done.seconds, loss)
        finish("target", args.target_out, model, reached, args.work, tokenizer)


def make_draft(args: argparse.Namespace, tokenizer: Tokenizer) -> None:
    """Distil the draft, half the batches from the corpus, half from the target's own replies.

    Runs in each worker; each samples its own share of the replies.
    """
    target = load(args.work / "target.pt")
    share = args.seed + 2 + 1000 * rank()
    replies = sample_replies(target, tokenizer, share, args.replies // count())
    torch.manual_seed(args.seed + 1)
    model = Llama(DRAFT)
    corpus = Packer(tokenizer, share)
    own = ReplyPacker(replies, tokenizer.encode("\n").ids[0], args.seed)
    turn = iter(range(10**9))

    def draw(rows: int, n: int) -> Batch:
        return (own if replies and next(turn) % 2 else corpus).batch(rows, n)

    def loss_of(batch: Batch) -> Tensor:
        with torch.no_grad():
            wanted = own_logits(target, batch)
        return agreement_loss(own_logits(model, batch), wanted)

    budget = Budget(args.draft_tokens, args.draft_minutes * 60)
    report = Reporter("draft", args.work, model, every=60)
    done = fit(model, args.rate * 2, budget, draw, loss_of, report)
    if rank() == 0:
        loss = held_out_loss(loss_of, tokenizer)
        reached = Progress(done.tokens, done.steps, done.seconds, loss)
        finish("draft", args.draft_out, model, reached, args.work, tokenizer)


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(prog="python -m core.demo.train", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--work", type=Path, default=Path("demo-work"), help="checkpoints go here")
    parser.add_argument("--target-out", type=Path, default=TARGET_PATH)
    parser.add_argument("--draft-out", type=Path, default=DRAFT_PATH)
    parser.add_argument("--target-tokens", type=float, default=30e6)
    parser.add_argument("--target-minutes", type=float, default=600.0)
    parser.add_argument("--draft-tokens", type=float, default=12e6)
    parser.add_argument("--draft-minutes", type=float, default=600.0)
    parser.add_argument("--resume", type=Path, help="weights from which the target goes on")
    parser.add_argument("--replies", type=int, default=6000, help="replies of the target to sample")
    parser.add_argument("--rate", type=float, default=5e-3, help="peak learning rate")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread")
    parser.add_argument("--stage", choices=("all", "target", "draft"), default="all")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Train and export what `--stage` names; write what was reached to `<work>/<name>.json`."""
    args = arguments(argv)
    args.work.mkdir(parents=True, exist_ok=True)
    vocabulary = args.work / "tokenizer.json"
    if not vocabulary.exists():
        train_tokenizer(args.seed).save(str(vocabulary))
    tokenizer = load_tokenizer(vocabulary)
    if args.stage != "draft":
        run_workers(args.workers, make_target, args, tokenizer)
    if args.stage != "target":
        run_workers(args.workers, make_draft, args, tokenizer)
    return 0


def finish(
    name: str, out: Path, model: Llama, reached: Progress, work: Path, tokenizer: Tokenizer
) -> None:
    """Save and export `model`, and note what its training reached."""
    save(model, work / f"{name}.pt")
    export(out, f"specdec demo {name}", model.shape, model.state_dict(), tokenizer)
    numbers = asdict(reached) | {"parameters": sum(p.numel() for p in model.parameters())}
    (work / f"{name}.json").write_text(json.dumps(numbers, indent=1), encoding="utf-8")
    print(name, numbers, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
