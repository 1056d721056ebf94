"""`python -m core.bench.contest`: this engine beside llama-server on the same pair, interleaved.

Starts the llama-server that it is given once for each draft length, and runs the same prompts
through both, at temperature 0, with one slot and the same threads. RESULTS.md holds what it said.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from core.bench.ending import ends_in_order
from core.bench.prompts import KINDS, Prompt, prompts
from core.bench.results import BASELINE, SERVER, BenchResult
from core.bench.runner import BenchPlan, run_bench
from core.bench.synthetic import Pair, write_pair
from core.demo import DRAFT_PATH, TARGET_PATH
from core.errors import SpecdecError
from core.protocol import DraftChoice, Load, ModelOptions

SERVER_DEFAULT = 3
"""The draft length of a llama-server that was told none."""
START_S = 120.0


@dataclass(frozen=True)
class Setting:
    """What both engines are given."""

    binary: Path
    pair: Pair
    n_threads: int
    n_ctx: int
    flash_attn: Literal["auto", "on", "off"] = "auto"
    """Ours; the server's own choice stays. `auto` is off on a CPU, where the server has it on."""

    def load(self, draft_len: int | Literal["auto"]) -> Load:
        """The same for ours; a draft length of 0 loads no draft."""
        options = ModelOptions(
            n_ctx=self.n_ctx, n_threads=self.n_threads, flash_attn=self.flash_attn
        )
        draft = DraftChoice(kind="model", path=str(self.pair.draft), options=options)
        return Load(
            target=str(self.pair.target),
            options=options,
            draft=DraftChoice() if draft_len == 0 else draft,
            draft_len=draft_len,
        )


@contextlib.contextmanager
def llama_server(setting: Setting, draft_len: int) -> Iterator[str]:
    """A running llama-server with this draft length (0: no draft); yields its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    threads = str(setting.n_threads)
    command = [str(setting.binary), "-m", str(setting.pair.target), "--port", str(port)]
    command += ["--host", "127.0.0.1", "-np", "1", "-c", str(setting.n_ctx)]
    command += ["-t", threads, "-tb", threads, "--jinja"]
    if draft_len:
        command += ["-md", str(setting.pair.draft), "--spec-type", "draft-simple"]
        command += ["--spec-draft-n-max", str(draft_len)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(process, url)
            yield url
        finally:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_S
    asking = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on this machine
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError):
            asking.open(f"{url}/health", timeout=1).close()
            return
        time.sleep(0.2)
    raise SpecdecError("llama-server did not start; run it by hand to see its complaint.")


def deep(prompt: Prompt, n: int) -> Prompt:
    """The prompt after `n` characters of filling, which are as many tokens of a synthetic model."""
    first, *others = prompt.messages
    return replace(prompt, messages=(replace(first, content="." * n + first.content), *others))


def contest(
    setting: Setting, length: str, asked: Sequence[Prompt], tokens: int, repeats: int
) -> BenchResult:
    """One draft length of ours (digits or `auto`) against the server's; 0: both without a draft.
    `auto` meets the server as it comes."""
    draft_len = int(length) if length.isdigit() else None
    with llama_server(setting, SERVER_DEFAULT if draft_len is None else draft_len) as url:
        plan = BenchPlan(
            load=setting.load("auto" if draft_len is None else draft_len),
            prompts=tuple(asked),
            repeats=repeats,
            max_tokens=tokens,
            server=url,
        )
        return run_bench(plan)


def row(length: str, result: BenchResult) -> str:
    """A line of the table."""
    ours = result.speculative or BASELINE
    rates = [result.figures(v).tok_s or 0.0 for v in (BASELINE, ours, SERVER)]
    accepted = [result.figures(v).acceptance_rate or 0.0 for v in (ours, SERVER)]
    ratio, alone = result.ratio(ours, SERVER) or 0.0, result.ratio(ours, BASELINE) or 0.0
    return (
        f"| {length} | {rates[0]:.1f} | {rates[1]:.1f} | {rates[2]:.1f} | **{ratio:.3f}** | "
        f"{alone:.2f} | {accepted[0]:.0%} / {accepted[1]:.0%} | "
        f"{result.same_text(ours, SERVER) or 0:.0%} |"
    )


HEADING = """\
| draft length | alone tok/s | ours tok/s | server tok/s | ours / server | ours / alone | accepted \
| same text |
|---|---|---|---|---|---|---|---|"""


def main() -> None:
    """Entry point of `python -m core.bench.contest`."""
    arguments = _arguments()
    # a `kill` ends the server too, which may hold a GPU, and leaves no models behind
    with ends_in_order(), tempfile.TemporaryDirectory(prefix="specdec-contest-") as folder:
        os.environ["XDG_CACHE_HOME"] = folder  # the costs of models that are gone afterwards
        if arguments.shape == "demo":
            pair, kinds = Pair(TARGET_PATH, DRAFT_PATH), KINDS
        elif arguments.pair:
            kept = arguments.pair
            pair, kinds = Pair(kept / "target.gguf", kept / "draft.gguf"), ("easy",)
        else:
            pair = write_pair(Path(folder), arguments.shape, (arguments.acceptance,) * 2)
            kinds = ("easy",)
        setting = Setting(
            arguments.server, pair, arguments.threads, arguments.ctx, arguments.flash_attn
        )
        written = f"{arguments.shape}, acceptance {arguments.acceptance}"
        print(f"{arguments.pair or written}\n\n{HEADING}", flush=True)
        asked = [deep(prompt, arguments.depth) for prompt in prompts(arguments.kinds or kinds)]
        for length in arguments.lengths.split(","):
            result = contest(setting, length, asked, arguments.tokens, arguments.repeats)
            print(row(length, result), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--server", type=Path, required=True, metavar="FILE", help="the llama-server binary")
    add("--shape", default="1.1b-50m", help="a synthetic shape, or demo: the bundled pair")
    add("--pair", type=Path, metavar="FOLDER", help="a synthetic pair that is there already")
    add("--acceptance", type=float, default=0.8, help="of the synthetic draft")
    add("--lengths", default="0,4,7,8,auto", help="ours, each against a server of the same")
    add("--kinds", type=lambda text: text.split(","), help="kinds of prompts")
    add("--tokens", type=int, default=128)
    add("--repeats", type=int, default=3)
    add("--threads", type=int, default=2)
    add("--ctx", type=int, default=1024)
    add("--flash-attn", choices=("auto", "on", "off"), default="auto", help="ours")
    add("--depth", type=int, default=0, help="tokens of context before each prompt; synthetic")
    return parser.parse_args()


if __name__ == "__main__":
    main()
