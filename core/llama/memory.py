"""How much main memory a KV cache takes, asked before llama.cpp allocates.

Linux grants more memory than it has and kills the process later; a question beforehand is the only
way to an error message.
"""

from __future__ import annotations

from pathlib import Path

from core.errors import SpecdecError
from core.llama.model import Model
from core.models.buffers import kv_bytes
from core.models.gguf import read_header
from core.models.machine import main_memory
from core.models.memory import gib
from core.models.shape import shape_of
from core.protocol import ModelOptions


class NoRoom(SpecdecError):
    """Says itself what is lacking, so that nothing need be added."""


def require_memory(model: Model, n_ctx: int, options: ModelOptions) -> None:
    """Raise NoRoom (kind `memory`) where the cache of a context takes more than is free."""
    needed = kv_bytes_on_cpu(model, n_ctx, options.cache_type_k, options.cache_type_v)
    free = main_memory().free
    if free is not None and needed > free:
        raise NoRoom(
            f"A context of {n_ctx:,} tokens takes {gib(needed)}, and {gib(free)} are free; choose "
            "a smaller one with --ctx, or another cache type.",
            "memory",
        )


def kv_bytes_on_cpu(model: Model, n_ctx: int, type_k: str, type_v: str) -> int:
    """Bytes of the KV cache that lie in main memory: layers on the GPU keep theirs there."""
    try:
        shape = shape_of(model.header or read_header(Path(model.path)))
    except SpecdecError:  # llama.cpp has loaded it: that it reads in another way stops nothing
        return 0
    n_layers_cpu = max(shape.n_layer + 1 - model.n_layers_gpu, 0)  # the last one is the output
    return sum(kv_bytes(shape, n_ctx, type_k, type_v)[:n_layers_cpu])
