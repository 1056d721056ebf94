"""How much a KV cache takes and how much memory is free, asked before llama.cpp allocates.

Linux grants more memory than it has and kills the process later; a question beforehand is the only
way to an error message.
"""

from __future__ import annotations

from pathlib import Path

import llama_cpp

from core.llama.model import Model

# Bytes per element by cache type: block bytes over block length in ggml-common.h.
_BYTES = {
    **{"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32},
    **{"q5_1": 24 / 32, "q5_0": 22 / 32, "q4_1": 20 / 32, "q4_0": 18 / 32},
}


def kv_bytes_on_cpu(model: Model, n_ctx: int, type_k: str, type_v: str) -> int:
    """Bytes of the KV cache that lie in main memory: layers on the GPU keep theirs there."""
    n_head = llama_cpp.llama_model_n_head(model.handle)
    if n_head <= 0:
        return 0  # no attention, no KV cache
    head_size = llama_cpp.llama_model_n_embd(model.handle) // n_head
    arch = model.meta("general.architecture")
    sizes = [
        int(model.meta(f"{arch}.attention.{key}") or head_size)
        for key in ("key_length", "value_length")
    ]
    per_head = sizes[0] * _BYTES[type_k] + sizes[1] * _BYTES[type_v]
    n_layers = max(model.n_layers - model.n_layers_gpu, 0)
    return int(n_ctx * n_layers * llama_cpp.llama_model_n_head_kv(model.handle) * per_head)


def free_bytes() -> int | None:
    """Main memory that can still be had, the limit of a container included; None: unknown."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = (
            next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) * 1024
        )
    except (OSError, StopIteration, ValueError):
        return None
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return free
    return min(free, max(limit - used, 0))
