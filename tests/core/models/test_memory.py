"""What models take of each device, and how to load them so that they fit; all by value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.engine.drafters import MAX_DRAFT
from core.engine.session import DRAFT_ROWS
from core.llama.context import N_SNAPSHOTS
from core.models.buffers import kv_bytes
from core.models.gguf import GgufError, read_header
from core.models.memory import (
    DRAFT,
    GIB,
    MAIN,
    TARGET,
    Device,
    Footprint,
    MemoryUse,
    added,
    estimate,
    gib,
    make_plan,
    placement,
    shortfall,
    together,
    with_room,
)
from core.models.shape import Shape, joined, read_footprint, shape_of, weights_of
from core.protocol import ModelOptions
from tests.support.sparse_gguf import (
    GEMMA3_4B,
    LLAMA_1B,
    QWEN3_06B,
    QWEN3_8B,
    QWEN3_30B_A3B,
    QWEN35_4B,
    SparseModel,
    write_sparse,
)
from tests.support.tiny_gguf import write_tiny_model

MIB = 2**20
PLAIN = ModelOptions()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Footprint]:
    folder = tmp_path_factory.mktemp("sparse")
    named = {
        "1b": LLAMA_1B,
        "8b": QWEN3_8B,
        "0.6b": QWEN3_06B,
        "moe": QWEN3_30B_A3B,
        "gemma": GEMMA3_4B,
        "hybrid": QWEN35_4B,
    }
    return {
        name: read_footprint([write_sparse(folder / f"{name}.gguf", model)])
        for name, model in named.items()
    }


def ram(free: float, total: float = 64) -> Device:
    return Device(MAIN, "CPU", int(free * GIB), int(total * GIB))


def gpu(free: float, name: str = "CUDA0") -> Device:
    return Device(name, "GPU", int(free * GIB), int(free * GIB))


# ------------------------------------------------------------------ headers


def test_a_shape_holds_the_widths_of_every_layer(models: dict[str, Footprint]) -> None:
    shape = models["8b"].shape
    assert (shape.n_layer, shape.k, shape.v) == (36, (1024,) * 36, (1024,) * 36)
    assert not any(shape.windowed) and not shape.is_recurrent
    assert sum(kv_bytes(shape, 4096, "f16", "f16")) == 576 * MIB
    assert sum(kv_bytes(shape, 4096, "q8_0", "q4_0")) == 576 * MIB * (34 + 18) // 128


def test_layers_with_a_window_keep_all_tokens_only_if_they_must(
    models: dict[str, Footprint],
) -> None:
    shape = models["gemma"].shape
    assert (shape.windowed.count(True), shape.window) == (29, 1024)
    assert [i for i, window in enumerate(shape.windowed) if not window] == [5, 11, 17, 23, 29]
    whole = kv_bytes(shape, 8192, "f16", "f16")
    pruned = kv_bytes(shape, 8192, "f16", "f16", swa_full=False)
    assert len(set(whole)) == 1
    assert pruned[0] * 16 == whole[0] * 3  # 1024 + 512 of 8192
    assert pruned[5] == whole[5]


def test_three_of_four_layers_of_a_hybrid_keep_a_state(models: dict[str, Footprint]) -> None:
    shape = models["hybrid"].shape
    assert [bool(n) for n in shape.state[:8]] == [True, True, True, False] * 2
    assert [bool(n) for n in shape.k[:8]] == [False, False, False, True] * 2
    assert shape.rolls_back


def test_a_cache_that_is_laid_out_sideways_is_padded_to_the_widest_layer(
    models: dict[str, Footprint],
) -> None:
    shape = replace(models["1b"].shape, v=(256, 128) * 11)
    narrow = kv_bytes(shape, 1024, "f16", "f16")
    padded = kv_bytes(shape, 1024, "f16", "f16", transposed=True)
    assert (narrow[0], narrow[1]) == (padded[0], padded[1] - 1024 * 2 * 128)


def test_weights_are_sorted_by_layer(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_tiny_model(path, n_layer=3)
    header = read_header(path)
    weights = weights_of(header)
    assert len(weights.layers) == 3 and len(set(weights.layers)) == 1
    assert weights.input == 512 * 32 * 4
    assert weights.output == 512 * 32 * 4 + 32 * 4
    assert (weights.head, weights.experts) == (True, 0)
    assert weights.total == header.tensor_bytes


def test_all_experts_count_and_parts_add_up(models: dict[str, Footprint], tmp_path: Path) -> None:
    weights = models["moe"].weights
    assert weights.experts == 48 * 3 * 128 * 2048 * 768 // 256 * 144
    assert weights.experts / weights.total > 0.9
    write_sparse(tmp_path / "m.gguf", QWEN3_30B_A3B, parts=4)
    headers = [read_header(path) for path in sorted(tmp_path.iterdir())]
    assert joined(map(weights_of, headers)) == weights
    assert sum(header.tensor_bytes for header in headers) == weights.total


@pytest.mark.parametrize("n_layer", [0, 513, 2**31])
def test_a_number_of_layers_that_no_model_has_is_refused(tmp_path: Path, n_layer: int) -> None:
    path = write_sparse(
        tmp_path / "m.gguf", SparseModel(n_layer=1, metadata={"llama.block_count": n_layer})
    )
    with pytest.raises(GgufError, match="layers, which is no model"):
        shape_of(read_header(path))


def test_absurd_widths_count_as_absent(tmp_path: Path) -> None:
    odd = {"llama.attention.head_count": 2**31, "llama.attention.head_count_kv": [3] * 5}
    path = write_sparse(tmp_path / "m.gguf", SparseModel(metadata=odd))
    shape = shape_of(read_header(path))
    assert shape.k == (3 * 64,) * 5 + (0,) * 17
    assert shape.n_head == 0


# ------------------------------------------------------------------ devices


def test_the_engine_asks_for_what_is_reckoned_with() -> None:
    assert (TARGET.n_rows, TARGET.n_snapshots) == (MAX_DRAFT + 1, N_SNAPSHOTS)
    assert (DRAFT.n_rows, DRAFT.n_snapshots) == (DRAFT_ROWS, 0)


def test_layers_go_to_the_gpus_from_the_last_one_on() -> None:
    assert placement(4, -1, []) == [MAIN] * 5
    assert placement(4, -1, [gpu(8)]) == ["CUDA0"] * 5
    assert placement(4, 2, [gpu(8)]) == [MAIN] * 3 + ["CUDA0"] * 2
    assert placement(4, 0, [gpu(8)]) == [MAIN] * 5
    two = [gpu(30, "A"), gpu(10, "B")]
    assert placement(7, -1, two) == ["A"] * 6 + ["B"] * 2
    assert placement(3, -1, [Device("A", "GPU", None, 0), Device("B", "GPU", None, 0)]) == [
        *("A", "A", "B", "B")
    ]


def test_the_embedding_and_the_logits_stay_in_main_memory(models: dict[str, Footprint]) -> None:
    uses = estimate(models["8b"], PLAIN, [ram(64), gpu(24)])
    weights = models["8b"].weights
    assert uses[MAIN].weights == weights.input
    assert uses[MAIN].output == 65 * 151936 * 4
    assert (uses[MAIN].kv, uses["CUDA0"].kv) == (0, 1152 * MIB)
    assert uses["CUDA0"].weights == weights.total - weights.input


def test_a_tied_embedding_lies_in_both_memories(models: dict[str, Footprint]) -> None:
    weights = models["gemma"].weights
    assert not weights.head
    uses = estimate(models["gemma"], PLAIN, [ram(64), gpu(24)])
    assert uses["CUDA0"].weights + uses[MAIN].weights == weights.total + weights.input
    assert estimate(models["gemma"], PLAIN, [ram(64)])[MAIN].weights == weights.total


def test_a_part_on_the_gpu_takes_whole_layers(models: dict[str, Footprint]) -> None:
    part = estimate(models["8b"], ModelOptions(n_gpu_layers=10), [ram(64), gpu(24)])
    weights = models["8b"].weights
    assert part["CUDA0"].weights == sum(weights.layers[-9:]) + weights.output
    assert part["CUDA0"].kv == 9 * 32 * MIB
    assert part[MAIN].weights == weights.input + sum(weights.layers[:27])


def test_uses_add_up_by_device() -> None:
    a, b = MemoryUse(1, 2, 3, 4, 5), MemoryUse(weights=10)
    assert added({"A": a}, {"A": b, "B": b}) == {"A": MemoryUse(11, 2, 3, 4, 5), "B": b}
    assert a.total == 15


def test_a_gibibyte_of_every_gpu_stays_free_and_less_of_a_small_main_memory() -> None:
    uses = {"CUDA0": MemoryUse(weights=7 * GIB), MAIN: MemoryUse(weights=GIB)}
    assert shortfall(uses, [gpu(8), ram(1.25, 4)]) == {}
    assert shortfall(uses, [gpu(7.5), ram(1.2, 4)]) == {
        "CUDA0": GIB // 2,
        MAIN: GIB + GIB // 4 - int(1.2 * GIB),
    }
    assert shortfall(uses, [Device(MAIN, "CPU", None, 0), gpu(9)]) == {}


def test_an_integrated_gpu_shares_main_memory() -> None:
    uses = {"Vulkan0": MemoryUse(weights=6 * GIB), MAIN: MemoryUse(weights=6 * GIB)}
    igpu = Device("Vulkan0", "IGPU", 16 * GIB, 16 * GIB)
    assert shortfall(uses, [ram(14), igpu]) == {}
    assert shortfall(uses, [ram(12), igpu]) == {MAIN: GIB}


# ------------------------------------------------------------------ what fits


def plan_sentence(models: dict[str, Footprint], *devices: Device, **options: object) -> str:
    chosen = replace(PLAIN, **options)
    return make_plan(models["8b"], models["0.6b"], devices, chosen, PLAIN).sentence


def test_target_and_draft_are_reckoned_together(models: dict[str, Footprint]) -> None:
    devices = [ram(64), gpu(24)]
    plan = make_plan(models["8b"], models["0.6b"], devices, PLAIN, PLAIN)
    assert plan.fits
    assert plan.target.n_ctx == 8192 and plan.target.n_gpu_layers == -1
    assert plan.draft is not None and plan.draft.n_ctx == 8192
    alone = estimate(models["8b"], PLAIN, devices), estimate(models["0.6b"], PLAIN, devices, DRAFT)
    assert plan.uses == added(*alone)
    assert plan.total == sum(use.total for part in alone for use in part.values())
    main, card = (gib(plan.uses[name].total) for name in (MAIN, "CUDA0"))
    assert plan.sentence == (
        f"fits: {main} of 64.0 GiB free in main memory, {card} of 24.0 GiB free on CUDA0"
    )


def test_a_draft_is_shared_out_over_what_the_target_leaves(models: dict[str, Footprint]) -> None:
    devices = [ram(64), gpu(2, "A"), gpu(6, "B")]
    uses = together(models["8b"], models["0.6b"], devices, PLAIN, PLAIN)
    target = estimate(models["8b"], PLAIN, devices)
    left = [replace(d, free=(d.free or 0) - target[d.name].total) for d in devices]
    assert uses == added(target, estimate(models["0.6b"], PLAIN, left, DRAFT))
    alone = estimate(models["0.6b"], PLAIN, devices, DRAFT)
    assert uses != added(target, alone)


def test_what_is_short_is_made_up_for_in_order(models: dict[str, Footprint]) -> None:
    main = ram(64)
    assert plan_sentence(models, main, gpu(7)).startswith("fits with a q8_0 cache: ")
    assert plan_sentence(models, main, gpu(6.4)).startswith(
        "fits with a context of 4,096 tokens, a q8_0 cache: "
    )
    assert "a q4_0 cache: " in plan_sentence(models, main, gpu(6.15))
    partly = plan_sentence(models, main, gpu(4))
    assert partly.startswith("fits with a context of 4,096 tokens, a q8_0 cache, ")
    assert "of 37 layers on the GPU: " in partly
    n = int(partly.split("cache, ")[1].split(" of ")[0])
    assert 0 < n < 37
    assert ", none of 37 layers on the GPU: " in plan_sentence(models, main, gpu(1.8))


def test_as_many_layers_as_fit_go_to_the_gpu(models: dict[str, Footprint]) -> None:
    devices = [ram(64), gpu(4)]
    plan = make_plan(models["8b"], None, devices, PLAIN, PLAIN)
    more = replace(plan.target, n_gpu_layers=plan.target.n_gpu_layers + 1)
    assert plan.fits and plan.draft is None
    assert shortfall(together(models["8b"], None, devices, more, PLAIN), devices)


def test_what_the_user_fixed_stays(models: dict[str, Footprint]) -> None:
    main = ram(64)
    fixed = make_plan(
        models["8b"], None, [main, gpu(5)], ModelOptions(n_ctx=16384, n_gpu_layers=37), PLAIN
    )
    assert (fixed.target.n_ctx, fixed.target.n_gpu_layers, fixed.fits) == (16384, 37, False)
    without_flash = ModelOptions(flash_attn="off", n_gpu_layers=0)
    plan = make_plan(models["8b"], None, [ram(7)], without_flash, PLAIN)
    assert plan.target.cache_type_v == "f16" and plan.target.cache_type_k == "q8_0"


def test_nothing_is_proposed_where_nothing_fits(models: dict[str, Footprint]) -> None:
    sentence = plan_sentence(models, ram(4, 8))
    assert sentence.startswith("does not fit: it takes at least 5.")
    assert sentence.endswith(" GiB in main memory, 2.0 GiB too much")
    assert plan_sentence(models, Device(MAIN, "CPU", None, 0)).startswith("takes 7.9 GiB; ")


def test_a_small_context_is_proposed_only_where_it_was_asked_for(
    models: dict[str, Footprint],
) -> None:
    for free in (2.5, 3.5, 4.5, 5.5, 6.5):
        plan = make_plan(models["8b"], models["0.6b"], [ram(free, 16)], PLAIN, PLAIN)
        assert plan.target.n_ctx in (8192, 4096)
    small = make_plan(models["8b"], None, [ram(16)], ModelOptions(n_ctx=512), PLAIN)
    assert (small.target.n_ctx, small.fits) == (512, True)


def test_sizes_in_words() -> None:
    assert [gib(n) for n in (42 * MIB, GIB // 2, int(4.66 * GIB), 140 * GIB)] == [
        *("42 MiB", "0.5 GiB", "4.7 GiB", "140 GiB")
    ]


def test_every_shape_can_be_reckoned_with(models: dict[str, Footprint]) -> None:
    """No header's numbers divide by zero; the shape of a model without attention among them."""
    empty = Shape("x", 0, 0, 0, 0, 0, 0, (0,), (0,), (False,), 0, (0,), False, 0, 0, 0, 0, 0)
    odd = Footprint(empty, models["1b"].weights)
    for footprint in (*models.values(), odd):
        for devices in ([], [ram(8)], [ram(8), gpu(8)]):
            assert make_plan(footprint, odd, devices, PLAIN, PLAIN).sentence


def test_devices_without_what_is_loaded_have_its_memory_but_not_that_of_mapped_weights() -> None:
    uses = {
        MAIN: MemoryUse(weights=3 * GIB, kv=GIB),
        "CUDA0": MemoryUse(weights=2 * GIB, kv=GIB),
    }
    devices = [
        Device(MAIN, "CPU", 4 * GIB, 16 * GIB),
        Device("CUDA0", "GPU", GIB, 8 * GIB),
        Device("CUDA1", "GPU", GIB, 8 * GIB),
        Device("Vulkan0", "GPU", None, 0),
    ]
    assert [device.free for device in with_room(devices, uses)] == [5 * GIB, 4 * GIB, GIB, None]
