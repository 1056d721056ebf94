"""What models take of each device's memory, and how to load them so that they fit: values in,
values out.

Weights, caches and recurrent states are exact, the buffers for computing nearly so; tests hold all
of it against llama.cpp's own dry runs (`core.llama.dry_run`). Apart from the reading of headers,
which is `shape`, and of free memory, which is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from core.models.buffers import compute_bytes, kv_bytes, mask_bytes, padded, state_bytes
from core.models.shape import Footprint, Shape
from core.protocol import ModelOptions

GIB = 2**30
MAIN = "CPU"
"""The name that llama.cpp gives main memory."""
DEFAULT_N_CTX = 8192
MIN_N_CTX = 256
"""llama.cpp aborts on a batch larger than the context, and a verification is a batch."""
LEAST_PROPOSED = 4096
"""A smaller context is proposed only where it was asked for."""


@dataclass(frozen=True)
class Device:
    """A device and its memory in bytes; `free` None: unknown. Types are llama.cpp's: CPU (main
    memory), GPU, IGPU (a GPU that shares main memory)."""

    name: str
    type: str
    free: int | None
    total: int


@dataclass(frozen=True)
class Role:
    """What the engine asks of a context: logits rows at once, and snapshots of a recurrent state,
    where llama.cpp can take them."""

    n_rows: int
    n_snapshots: int


TARGET, DRAFT = Role(65, 8), Role(8, 0)
"""As core.engine.session makes them."""


@dataclass(frozen=True)
class MemoryUse:
    """Bytes by what they are for. `compute`: the buffers that llama.cpp reserves for its graphs;
    `output`: rows of logits, which it allocates when they are first asked for."""

    weights: int = 0
    kv: int = 0
    recurrent: int = 0
    compute: int = 0
    output: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.kv + self.recurrent + self.compute + self.output

    def __add__(self, other: MemoryUse) -> MemoryUse:
        names = [field.name for field in fields(self)]
        return MemoryUse(*(getattr(self, name) + getattr(other, name) for name in names))


Uses = Mapping[str, MemoryUse]
"""By the name of the device."""


def added(*uses: Uses) -> dict[str, MemoryUse]:
    """What several models take together, by device."""
    names = dict.fromkeys(name for use in uses for name in use)
    return {name: sum((u[name] for u in uses if name in u), MemoryUse()) for name in names}


# ------------------------------------------------------------------ one model


def estimate(
    model: Footprint, options: ModelOptions, devices: Sequence[Device], role: Role = TARGET
) -> dict[str, MemoryUse]:
    """What `model` takes of each device under `options`; main memory is always among them.

    Split files count as one model, all experts of a mixture as loaded, which they are.
    """
    shape, weights = model.shape, model.weights
    where = placement(shape.n_layer, options.n_gpu_layers, gpus_of(devices))
    n_ctx, n_batch = context_size(options, shape, role)
    flash = uses_flash_attention(options, on_gpu=any(name != MAIN for name in where))
    kv = kv_bytes(shape, n_ctx, options.cache_type_k, options.cache_type_v, transposed=not flash)
    state = state_bytes(shape, role.n_snapshots)
    uses = dict.fromkeys(where, MemoryUse())
    uses[MAIN] = MemoryUse(weights=weights.input, output=4 * role.n_rows * shape.n_vocab)
    for name in uses:
        here = [i for i, place in enumerate(where[:-1]) if place == name]
        uses[name] += MemoryUse(
            weights=sum(weights.layers[i] for i in here if i < len(weights.layers)),
            kv=sum(kv[i] for i in here),
            recurrent=sum(state[i] for i in here),
        )
    tied = 0 if weights.head or where[-1] == MAIN else weights.input
    uses[where[-1]] += MemoryUse(weights=weights.output + tied)
    graph = compute_bytes(
        shape, n_ctx, n_batch, n_rows=role.n_rows, n_snapshots=role.n_snapshots, flash=flash
    )
    for name in dict.fromkeys(where):
        # For long batches, what lies in main memory is brought to the GPU matrix by matrix.
        visiting = weights.largest if name != MAIN and MAIN in where else 0
        uses[name] += MemoryUse(compute=graph + visiting)
    if MAIN not in where:
        inputs = mask_bytes(shape, n_ctx, n_batch, flash=flash) + 4 * n_batch * shape.n_embd
        uses[MAIN] += MemoryUse(compute=inputs)
    return uses


def gpus_of(devices: Sequence[Device]) -> list[Device]:
    """The devices that llama.cpp gives layers to: GPUs, or an integrated one where it is alone."""
    gpus = [device for device in devices if device.type == "GPU"]
    return gpus or [device for device in devices if device.type == "IGPU"][:1]


def placement(n_layer: int, n_gpu_layers: int, gpus: Sequence[Device]) -> list[str]:
    """The device of each layer, and last that of the output, as `load_tensors` of
    src/llama-model.cpp assigns them: the last layers to the GPUs, shared out by free memory."""
    n_gpu = n_layer + 1 if n_gpu_layers < 0 else min(n_gpu_layers, n_layer + 1)
    if not gpus:
        n_gpu = 0
    free = [gpu.free or 0 for gpu in gpus]
    if not any(free):
        free = [1] * len(gpus)
    names, all_free = [MAIN] * (n_layer + 1 - n_gpu), sum(free)
    for i in range(n_gpu):
        at, end = 0, free[0]
        while i * all_free >= end * n_gpu:
            at += 1
            end += free[at]
        names.append(gpus[at].name)
    return names


def context_size(options: ModelOptions, shape: Shape, role: Role) -> tuple[int, int]:
    """Cells of the cache and tokens of a batch, as core.llama.context and llama.cpp round them."""
    n_ctx = max(options.n_ctx or _default_n_ctx(shape), MIN_N_CTX)
    return padded(n_ctx), max(min(options.n_batch, n_ctx), role.n_rows)


def _default_n_ctx(shape: Shape) -> int:
    return min(shape.n_ctx_train or DEFAULT_N_CTX, DEFAULT_N_CTX)


def uses_flash_attention(options: ModelOptions, *, on_gpu: bool) -> bool:
    """What `auto` comes to, by the rule of core.llama.context."""
    if options.flash_attn != "auto":
        return options.flash_attn == "on"
    return on_gpu or options.cache_type_v not in ("f32", "f16", "bf16")


# ------------------------------------------------------------------ what fits


def left_free(device: Device) -> int:
    """What is not to be used: 1 GiB of a GPU, as llama.cpp does; less of a small main memory."""
    return min(GIB, device.total // 16) if device.type == "CPU" else GIB


def shortfall(uses: Uses, devices: Sequence[Device]) -> dict[str, int]:
    """Bytes that are lacking, by device; empty where all fits. Unknown memory counts as enough."""
    lacking: dict[str, int] = {}
    for device in devices:
        needed = _needed(uses, device, devices)
        if device.free is None or not needed:
            continue
        missing = needed - max(device.free - left_free(device), 0)
        if missing > 0:
            lacking[device.name] = missing
    return lacking


def with_room(devices: Sequence[Device], uses: Uses) -> list[Device]:
    """The devices as they would be without what has `uses`. Weights in main memory are mapped
    files, which do not count as taken."""

    def room(device: Device) -> int:
        use = uses.get(device.name, MemoryUse())
        return use.total - (use.weights if device.type == "CPU" else 0)

    return [
        device
        if device.free is None
        else replace(device, free=min(device.free + room(device), device.total))
        for device in devices
    ]


def _needed(uses: Uses, device: Device, devices: Sequence[Device]) -> int:
    """Bytes of a device; an integrated GPU's are main memory's, too."""
    names = [device.name]
    if device.type == "CPU":
        names += [d.name for d in devices if d.type == "IGPU"]
    return sum(uses[name].total for name in names if name in uses)


@dataclass(frozen=True)
class Plan:
    """How to load a target, and a draft with it: as wanted, or as much less as it takes to fit.

    `uses` is what both take together, by device. `sentence` begins with "fits" or "does not fit",
    or with "takes" where it is not known how much is free.
    """

    target: ModelOptions
    draft: ModelOptions | None
    fits: bool
    uses: Uses
    sentence: str

    @property
    def total(self) -> int:
        """Bytes on all devices together."""
        return sum(use.total for use in self.uses.values())


def make_plan(
    target: Footprint,
    draft: Footprint | None,
    devices: Sequence[Device],
    options: ModelOptions,
    draft_options: ModelOptions,
) -> Plan:
    """The best way to load both that fits, in this order: as wanted; a smaller cache type; a
    smaller context, unless `options` name one; fewer layers of the target on the GPU, and at last
    none of either, unless the options say how many. Where nothing fits, the least that was tried.
    """
    plan = None
    for for_target, for_draft in _attempts(target.shape, devices, options, draft_options):
        uses = together(target, draft, devices, for_target, for_draft)
        fits = not shortfall(uses, devices)
        plan = Plan(for_target, for_draft if draft else None, fits, uses, "")
        if fits:
            break
    assert plan is not None  # there is always an attempt
    return replace(plan, sentence=_sentence(plan, target.shape, devices, options))


def together(
    target: Footprint,
    draft: Footprint | None,
    devices: Sequence[Device],
    options: ModelOptions,
    draft_options: ModelOptions,
) -> dict[str, MemoryUse]:
    """What both take, by device: the draft is shared out over what the target leaves free."""
    uses = estimate(target, options, devices, TARGET)
    if draft is None:
        return uses
    left = [
        replace(device, free=max(device.free - uses[device.name].total, 0))
        if device.free is not None and device.name in uses
        else device
        for device in devices
    ]
    return added(uses, estimate(draft, draft_options, left, DRAFT))


def _attempts(
    shape: Shape, devices: Sequence[Device], options: ModelOptions, draft_options: ModelOptions
) -> Iterator[tuple[ModelOptions, ModelOptions]]:
    """Ways to load target and draft, each smaller than the one before."""
    sizes = [options.n_ctx or _default_n_ctx(shape)]
    while options.n_ctx == 0 and sizes[-1] // 2 >= LEAST_PROPOSED:
        sizes.append(sizes[-1] // 2)

    def both(n_ctx: int, cache: str) -> tuple[ModelOptions, ModelOptions]:
        return _smaller(options, n_ctx, cache), _smaller(draft_options, n_ctx, cache)

    for n_ctx in sizes:
        yield both(n_ctx, "")
        yield both(n_ctx, "q8_0")
    # This costs quality, but less than the speed that is lost with every layer.
    yield both(sizes[-1], "q4_0")
    if options.n_gpu_layers >= 0 or not gpus_of(devices):
        return
    target, draft = both(sizes[-1], "q8_0")
    for n in range(shape.n_layer, -1, -1):
        yield replace(target, n_gpu_layers=n), draft
    if draft.n_gpu_layers < 0:
        yield replace(target, n_gpu_layers=0), replace(draft, n_gpu_layers=0)


_CACHE_TYPES = ("f32", "bf16", "f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
"""From the largest to the smallest."""


def _smaller(options: ModelOptions, n_ctx: int, cache: str) -> ModelOptions:
    """With a context of `n_ctx`, unless another is set, and cache types no larger than `cache`
    ("": as they are). V stays as it is where flash attention is off, which it would need."""
    k, v = options.cache_type_k, options.cache_type_v
    if cache:
        k = max(k, cache, key=_CACHE_TYPES.index)
        v = v if options.flash_attn == "off" else max(v, cache, key=_CACHE_TYPES.index)
    n_ctx = options.n_ctx or n_ctx
    return replace(options, n_ctx=n_ctx, cache_type_k=k, cache_type_v=v)


def _sentence(plan: Plan, shape: Shape, devices: Sequence[Device], options: ModelOptions) -> str:
    known = [d for d in devices if d.free is not None and _needed(plan.uses, d, devices)]
    if not known:
        return f"takes {gib(plan.total)}; how much is free is not known"
    amounts = ", ".join(
        f"{gib(_needed(plan.uses, d, devices))} of {gib(d.free or 0)} free {_in(d)}" for d in known
    )
    if not plan.fits:
        lacking = shortfall(plan.uses, devices)
        short = next(d for d in devices if d.name in lacking)
        needed = gib(_needed(plan.uses, short, devices))
        missing = gib(lacking[short.name])
        return f"does not fit: it takes at least {needed} {_in(short)}, {missing} too much"
    less = []
    if plan.target.n_ctx < (options.n_ctx or _default_n_ctx(shape)):
        less.append(f"a context of {plan.target.n_ctx:,} tokens")
    if plan.target.cache_type_k != options.cache_type_k:
        less.append(f"a {plan.target.cache_type_k} cache")
    if plan.target.n_gpu_layers != options.n_gpu_layers:
        n = plan.target.n_gpu_layers
        less.append(f"{n or 'none'} of {shape.n_layer + 1} layers on the GPU")
    return f"fits{' with ' + ', '.join(less) if less else ''}: {amounts}"


def _in(device: Device) -> str:
    return "in main memory" if device.type == "CPU" else f"on {device.name}"


def gib(n_bytes: int) -> str:
    """Bytes as a person reads them: 42 MiB, 4.7 GiB, 140 GiB."""
    if n_bytes < GIB // 10:
        return f"{n_bytes / 2**20:.0f} MiB"
    return f"{n_bytes / GIB:.{1 if n_bytes < 100 * GIB else 0}f} GiB"
