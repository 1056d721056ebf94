"""How long the catalog takes for many models, with and without its index; run by hand.

    python -m tests.perf.catalog [FILES [VOCABULARY [KINDS]]]

Writes the headers of so many models (1000 with 5,000 tokens, unless given) into a folder of their
own, with so many different vocabularies in turn (1), and prints the seconds that listing them
takes: cold (no index), the same where the files have to come from the disk, warm (with the index
that a new process would find), and one comparison of each with the first as its target.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from core.models.catalog import find_catalogued
from core.models.index import Comparisons
from tests.support.sparse_gguf import SparseModel, write_sparse
from tests.support.tiny_gguf import vocabulary

REPEATS = 5


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def forget(models: Path, cache: Path) -> None:
    """Have neither the files in the system's memory nor an index of them."""
    for path in models.iterdir():
        with path.open("rb") as file:
            os.fdatasync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    shutil.rmtree(cache)


def main(n_files: int = 1000, vocab_size: int = 5000, n_kinds: int = 1) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"HOME": folder, "XDG_CACHE_HOME": f"{folder}/cache"}
        models = Path(folder, "models")
        models.mkdir()
        tokens, _, merges = vocabulary(vocab_size)
        # A merge for most tokens is usual, and merges are what takes the time beside the tokens.
        merges += ["a b"] * (vocab_size - len(merges))
        for i in range(n_files):
            tokenizer = {
                "tokenizer.ggml.model": "gpt2",
                "tokenizer.ggml.tokens": [*tokens[:-1], str(i % n_kinds)],
                "tokenizer.ggml.merges": [*merges[:-1], f"{i % n_kinds} b"],
            }
            shape = SparseModel(n_vocab=vocab_size, metadata=tokenizer)
            write_sparse(models / f"{i}.gguf", shape)
        on_disk = sum(path.stat().st_blocks for path in models.iterdir()) / 2 / n_files
        print(f"{n_files} files of {on_disk:.0f} KiB on disk, {vocab_size} tokens each")

        def find() -> object:
            return find_catalogued([models])

        print(f"cold      {seconds(find):6.3f} s")
        forget(models, Path(folder, "cache"))
        print(f"from disk {seconds(find):6.3f} s")
        print(f"warm      {median(seconds(find) for _ in range(REPEATS)):6.3f} s")
        found = [(m.model.path, next(iter(m.parts.values()))) for m in find_catalogued([models])]
        fits = Comparisons()
        each = seconds(lambda: [fits.compare(found[0], draft) for draft in found])
        print(f"compared  {each:6.3f} s")
        index = next(Path(folder, "cache").rglob("models.json"))
        print(f"the index has {index.stat().st_size / 2**20:.2f} MiB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
