"""Telling models that can chat from all the other things in GGUF files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.errors import SpecdecError
from core.models.gguf import read_header
from core.models.kinds import classify, require_language_model
from tests.support.tiny_gguf import (
    write_embedding_model,
    write_gguf,
    write_tiny_model,
    write_vocab_only,
)


def refusal(path: Path) -> str:
    with pytest.raises(SpecdecError) as caught:
        require_language_model(read_header(path))
    assert caught.value.kind == "model"
    assert path.name in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("arch", ["llama", "mamba", "gemma3"])
def test_chat_models_are_language_models(tmp_path: Path, arch: str) -> None:
    write_tiny_model(tmp_path / "a.gguf", arch=arch)
    header = read_header(tmp_path / "a.gguf")
    assert classify(header) == "language"
    require_language_model(header)


@pytest.mark.parametrize(
    ("name", "arch", "metadata", "kind", "words"),
    [
        ("a", "clip", {}, "projector", "a multimodal projector (mmproj)"),
        ("mmproj-model-f16", "llama", {}, "projector", "a multimodal projector (mmproj)"),
        ("a", "llama", {"general.type": "adapter"}, "adapter", "an adapter (LoRA)"),
        ("a", "qwen3", {"qwen3.pooling_type": 3}, "embedding", "an embedding model"),
        ("a", "qwen3", {"qwen3.pooling_type": 0}, "language", ""),
        ("a", "nomic-bert", {}, "embedding", "an embedding model"),
        ("a", "imatrix", {"general.type": "imatrix"}, "imatrix", "an importance matrix"),
        ("a", "eagle3", {}, "draft-head", "a draft head"),
        ("mtp-model", "qwen35", {}, "draft-head", "a draft head"),
        ("smtp-model", "qwen35", {}, "language", ""),
        ("a", "t5", {}, "other", "an encoder-decoder model"),
        ("a", "dream", {}, "other", "a diffusion model"),
    ],
)
def test_other_files_are_told_apart(
    tmp_path: Path, name: str, arch: str, metadata: dict[str, Any], kind: str, words: str
) -> None:
    path = tmp_path / f"{name}.gguf"
    write_gguf(path, arch, metadata)
    assert classify(read_header(path)) == kind
    if words:
        assert f"is {words}" in refusal(path)


def test_embedding_model(tmp_path: Path) -> None:
    write_embedding_model(tmp_path / "e.gguf")
    assert "an embedding model, which writes no text; give a language model" in refusal(
        tmp_path / "e.gguf"
    )


def test_vocabulary_only(tmp_path: Path) -> None:
    write_vocab_only(tmp_path / "v.gguf")
    assert "is a vocabulary without weights" in refusal(tmp_path / "v.gguf")


def test_a_later_part_is_refused_and_the_first_is_not(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "s.gguf", split_max_tensors=4)
    parts = sorted(tmp_path.glob("s-*.gguf"))
    require_language_model(read_header(parts[0]))
    assert f"is part 2 of {len(parts)} of a model; give the first part" in refusal(parts[1])


def test_a_first_part_with_metadata_alone_is_a_model(tmp_path: Path) -> None:
    write_gguf(tmp_path / "s.gguf", "llama", {"split.count": 2, "split.no": 0}, tensors=0)
    assert classify(read_header(tmp_path / "s.gguf")) == "language"
