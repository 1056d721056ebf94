"""Suggestions from names: the curated pairs, and relatives where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models.gguf import read_header
from core.models.pairs import (
    Suggestion,
    billions_in,
    curated,
    family_of,
    names_of,
    pairs_for,
    plain_name,
)
from tests.support.tiny_gguf import write_gguf

QWEN_DRAFT = "bartowski/Qwen2.5-0.5B-Instruct-GGUF"


def test_the_list_is_whole_and_every_draft_is_the_smaller_one() -> None:
    assert len(curated()) >= 10
    targets = [target for pair in curated() for target in pair.targets]
    assert len(set(targets)) == len(targets)
    for pair in curated():
        draft = billions_in(pair.draft)
        for target in pair.targets:
            size = billions_in(target)
            assert draft and size and draft * 4 <= size, (pair.draft, target)


@pytest.mark.parametrize(
    "name",
    [
        "bartowski/Qwen2.5-7B-Instruct-GGUF",
        "other/Qwen2.5-7B-Instruct-GGUF",
        "Qwen2.5-7B-Instruct-Q4_K_M.gguf",
        "qwen2.5-7b-instruct-q8_0-00001-of-00003.gguf",
        "Qwen_Qwen2.5-7B-Instruct-IQ4_XS.gguf",
        "/models/Qwen2.5-7B-Instruct-UD-Q4_K_XL.gguf",
        "Qwen2.5 7B Instruct",
        "Qwen2.5-7B-Instruct.i1-Q4_K_M.gguf",
        "qwen2.5-7b-instruct-fp16.gguf",
    ],
)
def test_a_target_is_known_by_any_of_its_names(name: str) -> None:
    assert pairs_for(name) == (Suggestion(QWEN_DRAFT, "curated"),)


@pytest.mark.parametrize(
    ("target", "draft"),
    [
        ("Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", "bartowski/Llama-3.2-1B-Instruct-GGUF"),
        ("Llama-3.1-8B-Instruct-Q4_K_M.gguf", "bartowski/Llama-3.2-1B-Instruct-GGUF"),
        ("google_gemma-3-27b-it-Q4_0.gguf", "unsloth/gemma-3-1b-it-GGUF"),
        ("qwen2.5-coder-32b-instruct-q4_k_m.gguf", "bartowski/Qwen2.5-Coder-0.5B-Instruct-GGUF"),
        ("DeepSeek R1 Distill Qwen 32B", "bartowski/DeepSeek-R1-Distill-Qwen-1.5B-GGUF"),
    ],
)
def test_curated_pairs(target: str, draft: str) -> None:
    assert pairs_for(target) == (Suggestion(draft, "curated"),)


def test_relatives_are_suggested_where_no_pair_is_known() -> None:
    assert pairs_for("Qwen3-14B-Q4_K_M.gguf") == (Suggestion("ggml-org/Qwen3-0.6B-GGUF", "family"),)
    among = ["o/Falcon3-7B-GGUF", "o/Falcon3-3B-GGUF", "o/Falcon3-1B-GGUF", "o/Other-1B-GGUF"]
    assert pairs_for("Falcon3-10B-Instruct-Q8_0.gguf", among) == (
        Suggestion("o/Falcon3-1B-GGUF", "family"),
    )
    assert pairs_for("Qwen3-30B-A3B-Q4_K_M.gguf", ["o/Qwen3-1.7B-GGUF"]) == (
        Suggestion("ggml-org/Qwen3-0.6B-GGUF", "family"),
        Suggestion("o/Qwen3-1.7B-GGUF", "family"),
    )


@pytest.mark.parametrize("name", ["", "model.gguf", "Qwen3-0.6B-Q8_0.gguf", "Unknown-70B", "7B"])
def test_nothing_is_suggested_from_nothing(name: str) -> None:
    assert pairs_for(name) == ()


def test_families_and_sizes() -> None:
    assert family_of("Mistral-Small-3.1-24B-Instruct-2503-GGUF") == "mistral-small-3.1"
    assert family_of("gemma-4-E2B-it-GGUF") == "gemma-4"
    assert billions_in("gemma-4-E2B-it-GGUF") == 2
    assert billions_in("Mixtral-8x7B-Instruct") == 56
    assert billions_in("SmolLM2-135M-Instruct") == 0.135
    assert billions_in("phi-4") is None and family_of("phi-4") == ""
    assert plain_name("a/B1_c D-Q4_K_M.gguf") == "b1-c-d"


def test_a_model_on_this_machine_is_known_by_where_it_came_from(tmp_path: Path) -> None:
    folder = tmp_path / "models--bartowski--Qwen2.5-7B-Instruct-GGUF/snapshots/0123"
    folder.mkdir(parents=True)
    write_gguf(folder / "renamed.gguf", "qwen2", {"general.name": "x", "general.basename": "y"})
    header = read_header(folder / "renamed.gguf")
    assert names_of(header) == ("bartowski/Qwen2.5-7B-Instruct-GGUF", "renamed.gguf", "x")
    assert pairs_for(names_of(header)) == (Suggestion(QWEN_DRAFT, "curated"),)


def test_a_model_is_known_by_what_its_file_says(tmp_path: Path) -> None:
    parts = {"basename": "Qwen2.5", "size_label": "7B", "finetune": "Instruct"}
    keys = {f"general.{key}": value for key, value in parts.items()}
    write_gguf(tmp_path / "m.gguf", "qwen2", keys)
    assert pairs_for(names_of(read_header(tmp_path / "m.gguf"))) == (
        Suggestion(QWEN_DRAFT, "curated"),
    )
