"""What llama.cpp itself would allocate, and how near the arithmetic on headers comes to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import SpecdecError
from core.llama import log
from core.llama.dry_run import measure_memory
from core.llama.memory import kv_bytes_on_cpu
from core.llama.model import Model
from core.models.buffers import kv_bytes
from core.models.gguf import read_header
from core.models.memory import DRAFT, MAIN, TARGET, MemoryUse, Role, estimate
from core.models.shape import Footprint, Weights, read_footprint, shape_of
from core.protocol import ModelOptions
from tests.support.header_models import measure_header, write_small
from tests.support.sparse_gguf import (
    GEMMA3_4B,
    LLAMA_1B,
    QWEN3_06B,
    QWEN3_8B,
    QWEN3_30B_A3B,
    QWEN35_4B,
    Meta,
    SparseModel,
    write_sparse,
)
from tests.support.tiny_gguf import truncate_file, write_tiny_model

MIB = 2**20


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    log.capture_log(show=False)
    yield
    log.capture_log()


def reported(use: MemoryUse) -> int:
    """All but the rows of logits, which llama.cpp does not allocate before they are asked for."""
    return use.total - use.output


OPTIONS = (
    ModelOptions(),
    ModelOptions(n_ctx=4096),
    ModelOptions(n_ctx=300, n_batch=64),
    ModelOptions(n_ctx=16384, flash_attn="on"),
    ModelOptions(n_ctx=8192, cache_type_k="q8_0", cache_type_v="q8_0"),
    ModelOptions(n_ctx=8192, cache_type_k="q4_0"),
)


@pytest.mark.parametrize(
    "model",
    [LLAMA_1B, QWEN3_8B, QWEN3_06B, QWEN3_30B_A3B, GEMMA3_4B, QWEN35_4B],
    ids=["1.1B", "8B", "0.6B tied", "mixture", "windows", "hybrid"],
)
def test_the_estimate_is_near_what_llama_cpp_reports(tmp_path: Path, model: SparseModel) -> None:
    path = write_sparse(tmp_path / "m.gguf", model)
    assert path.stat().st_blocks * 512 < MIB
    footprint = read_footprint([path])
    # llama.cpp allocates a recurrent state even in a dry run, which takes its time
    for options in OPTIONS[:: 4 if model is QWEN35_4B else 1]:
        measured = measure_memory(path, options)
        guess = estimate(footprint, options, [])[MAIN]
        assert guess.weights == measured.weights
        assert guess.kv == pytest.approx(measured.kv, abs=MIB / 50)
        assert guess.recurrent == pytest.approx(measured.recurrent, abs=MIB / 50)
        assert guess.compute == pytest.approx(measured.compute, rel=0.1), options
        assert reported(guess) == pytest.approx(reported(measured), rel=0.01), options


def test_known_figures(tmp_path: Path) -> None:
    """As the facts of this project have them for Qwen3-8B at 4096 tokens."""
    use = measure_memory(write_sparse(tmp_path / "m.gguf", QWEN3_8B), ModelOptions(n_ctx=4096))
    assert use.kv == 576 * MIB
    assert use.weights > 4 * 2**30


def test_a_split_model_takes_what_the_whole_one_does(tmp_path: Path) -> None:
    whole = write_sparse(tmp_path / "whole.gguf", QWEN3_30B_A3B)
    first = write_sparse(tmp_path / "split.gguf", QWEN3_30B_A3B, parts=3)
    parts = sorted(tmp_path.glob("split-*"))
    assert (first, len(parts)) == (parts[0], 3)
    assert measure_memory(first, ModelOptions()) == measure_memory(whole, ModelOptions())
    assert read_footprint(parts) == read_footprint([whole])


def test_a_draft_keeps_no_snapshots_of_its_state(tmp_path: Path) -> None:
    path = write_sparse(tmp_path / "m.gguf", QWEN35_4B)
    as_draft, as_target = (measure_memory(path, ModelOptions(), role) for role in (DRAFT, TARGET))
    assert as_target.recurrent == 9 * as_draft.recurrent
    guess = estimate(read_footprint([path]), ModelOptions(), [], DRAFT)[MAIN]
    assert guess.recurrent == pytest.approx(as_draft.recurrent, abs=MIB / 50)


def test_a_real_load_takes_what_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_tiny_model(path, n_layer=3)
    measured = measure_memory(path, ModelOptions())
    model = Model(str(path), ModelOptions())
    try:
        assert model.size_bytes == measured.weights
        kv = kv_bytes_on_cpu(model, 512, "f16", "f16")
        assert kv == pytest.approx(measured.kv, abs=MIB / 50) and kv > MIB / 10
    finally:
        model.close()


def test_a_file_that_llama_cpp_refuses_is_named_with_its_cause(tmp_path: Path) -> None:
    path = write_small(tmp_path / "headless.gguf", "llama", {})
    with pytest.raises(SpecdecError, match=r"headless\.gguf could not be examined: .*not found"):
        measure_memory(path, ModelOptions())
    truncate_file(path, 0.5)
    with pytest.raises(SpecdecError, match="cut off"):
        measure_memory(path, ModelOptions())


def test_the_log_goes_where_it_went_before(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_tiny_model(path)
    measure_memory(path, ModelOptions())
    with pytest.raises(SpecdecError, match="failed to open GGUF file"):
        Model(str(tmp_path / "gone.gguf"), ModelOptions())


# ------------------------------------------------------------------ by architecture

MAMBA: dict[str, Meta] = {
    "ssm.conv_kernel": 4,
    "ssm.inner_size": 512,
    "ssm.state_size": 64,
    "ssm.time_step_rank": 8,
    "ssm.group_count": 1,
}
EXPERTS: dict[str, Meta] = {
    "expert_count": 4,
    "expert_used_count": 2,
    "expert_feed_forward_length": 256,
}
SOME: dict[str, Meta] = {"attention.head_count_kv": [0, 0, 2, 0, 0, 2]}
WINDOW: dict[str, Meta] = {"attention.sliding_window": 256, "block_count": 9}
LATENT: dict[str, Meta] = {
    "embedding_length": 512,
    "attention.head_count_kv": 1,
    "attention.key_length": 576,
    "attention.value_length": 512,
    "attention.key_length_mla": 192,
    "attention.value_length_mla": 128,
    "attention.kv_lora_rank": 512,
    "attention.q_lora_rank": 256,
    "rope.dimension_count": 64,
    "expert_shared_count": 1,
    "leading_dense_block_count": 1,
    "expert_weights_scale": 1.0,
}
ARCHITECTURES: dict[str, dict[str, Meta]] = {
    "qwen2": WINDOW,  # has the key and no such layers
    "gemma2": {"attention.key_length": 64, "attention.value_length": 64},
    "gemma3": WINDOW,
    "gemma3n": WINDOW | {"block_count": 30, "embedding_length_per_layer_input": 64},
    "gemma4": WINDOW
    | {
        "block_count": 10,
        "attention.sliding_window_pattern": [True, True, True, True, False] * 2,
        "attention.key_length": 128,
        "attention.value_length": 128,
        "attention.key_length_swa": 64,
        "attention.value_length_swa": 64,
        "attention.shared_kv_layers": 5,
        "embedding_length_per_layer_input": 64,
        "rope.freq_base_swa": 10000.0,
    },
    "cohere2": WINDOW | {"logit_scale": 1.0},
    "gpt-oss": WINDOW | EXPERTS,
    "llama4": EXPERTS
    | {
        "block_count": 9,
        "expert_used_count": 1,
        "interleave_moe_layer_step": 1,
        "leading_dense_block_count": 1,
    },
    "olmo2": WINDOW,
    "smallthinker": WINDOW | EXPERTS | {"expert_gating_func": 2},
    "phi3": WINDOW,
    "exaone4": WINDOW | {"block_count": 64},  # of another size, it has none
    "mamba2": MAMBA | {"attention.head_count": 0, "attention.head_count_kv": 0},
    "falcon-h1": MAMBA | {"attention.key_length": 64, "attention.value_length": 64},
    "granitehybrid": MAMBA | SOME | {"logit_scale": 1.0},
    "jamba": MAMBA | SOME | {"expert_count": 4, "expert_used_count": 2},
    "nemotron_h": MAMBA | SOME | {"feed_forward_length": [0, 768, 0, 768, 0, 0]},
    "lfm2": SOME | {"shortconv.l_cache": 3},
    "qwen3next": MAMBA
    | EXPERTS
    | {
        "ssm.group_count": 4,
        "expert_shared_feed_forward_length": 256,
        "rope.dimension_count": 16,
    },
    "qwen35moe": MAMBA
    | EXPERTS
    | {
        "ssm.group_count": 4,
        "expert_shared_feed_forward_length": 256,
        "rope.dimension_sections": [8, 8, 8, 0],
    },
    "deepseek2": LATENT | EXPERTS,
    "kimi-linear": LATENT
    | EXPERTS
    | {
        "attention.head_count_kv": [0, 0, 1, 0, 0, 1],
        "kda.head_dim": 64,
        "ssm.conv_kernel": 4,
        "expert_gating_func": 2,
    },
    "rwkv7": {
        "attention.head_count": 0,
        "attention.head_count_kv": 0,
        "wkv.head_size": 64,
        "attention.decay_lora_rank": 64,
        "attention.iclr_lora_rank": 64,
        "attention.value_residual_mix_lora_rank": 32,
        "attention.gate_lora_rank": 128,
    },
}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_caches_and_states_are_as_wide_as_llama_cpp_makes_them(tmp_path: Path, arch: str) -> None:
    path = write_small(tmp_path / "m.gguf", arch, ARCHITECTURES[arch])
    shape = shape_of(read_header(path))
    footprint = Footprint(shape, Weights())
    for options in (ModelOptions(n_ctx=2048), ModelOptions(n_ctx=1024, flash_attn="on")):
        measured = measure_header(path, options, Role(65, 4))
        assert measured
        guess = estimate(footprint, options, [], Role(65, 4))[MAIN]
        assert guess.kv == pytest.approx(measured.kv, abs=MIB / 50)
        assert guess.recurrent == pytest.approx(measured.recurrent, abs=MIB / 50)
        assert (measured.kv + measured.recurrent) > 0
    if any(shape.windowed):
        pruned = measure_header(path, ModelOptions(n_ctx=16384), Role(65, 0), swa_full=False)
        kv = kv_bytes(shape, 16384, "f16", "f16", transposed=True, swa_full=False)
        assert pruned and sum(kv) == pytest.approx(pruned.kv, abs=MIB / 50)
