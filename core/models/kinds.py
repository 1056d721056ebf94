"""What a GGUF file is for: a model that can chat, or one of the many things that only look so."""

from __future__ import annotations

import re
from typing import Literal

from core.errors import SpecdecError
from core.models.header import GgufHeader
from core.models.untrusted import shown

Kind = Literal[
    "language",
    "projector",
    "adapter",
    "embedding",
    "vocabulary",
    "imatrix",
    "draft-head",
    "other",
]

# Read from llama.cpp: llama_model_has_encoder, llm_arch_is_diffusion, the speech models of
# llama-arch.cpp, and the non-causal architectures in src/models/.
_EMBEDDING = {
    *("bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2"),
    *("jina-bert-v3", "eurobert", "gemma-embedding", "llama-embed", "t5encoder"),
}
_DRAFT_HEADS = {"eagle3", "dflash", "gemma4-assistant"}
_DRAFT_HEAD_NAMES = re.compile(r"(?:mtp|eagle3|dflash|dspark)-")
_OTHER = {
    "t5": "an encoder-decoder model",
    **dict.fromkeys(("dream", "llada", "llada-moe", "rnd1"), "a diffusion model"),
    **dict.fromkeys(("wavtokenizer-dec", "qwen3tts", "pockettts"), "a speech model"),
    "controlvector": "a control vector",
}
_WHAT: dict[Kind, str] = {
    "projector": "a multimodal projector (mmproj), which belongs to a model",
    "adapter": "an adapter (LoRA), which belongs to a model",
    "embedding": "an embedding model, which writes no text",
    "vocabulary": "a vocabulary without weights",
    "imatrix": "an importance matrix, which is made for quantising",
    "draft-head": "a draft head (EAGLE-3, MTP or the like), which runs only inside its target",
}


def classify(header: GgufHeader) -> Kind:
    """What the file is, from its header and its name. Only `language` can be target or draft."""
    arch, declared = header.architecture, header.text("general.type")
    file_name = header.path.name.lower()
    signs: tuple[tuple[Kind, bool], ...] = (
        ("imatrix", "imatrix" in (declared, arch)),
        ("adapter", declared == "adapter"),
        ("projector", declared == "mmproj" or arch == "clip" or "mmproj" in file_name),
        ("draft-head", arch in _DRAFT_HEADS or bool(_DRAFT_HEAD_NAMES.match(file_name))),
        ("other", arch in _OTHER or not arch),
        ("embedding", arch in _EMBEDDING or _pools(header)),
        # A model that was split may have its metadata alone in its first file.
        ("vocabulary", not header.tensors and header.split_count == 1),
    )
    return next((kind for kind, is_it in signs if is_it), "language")


def describe(header: GgufHeader) -> str:
    """The same in words, such as `an embedding model, which writes no text`."""
    kind = classify(header)
    if kind == "language":
        return "a language model"
    if kind == "other":
        return _OTHER.get(header.architecture, "a GGUF file that names no architecture")
    return _WHAT[kind]


def require_language_model(header: GgufHeader) -> None:
    """Raise SpecdecError (kind `model`) unless the file can be loaded as a target or a draft."""
    label = shown(str(header.path), 300)
    if header.split_no:
        raise SpecdecError(
            f"{label} is part {header.split_no + 1} of {header.split_count} of a model; "
            "give the first part.",
            kind="model",
        )
    if classify(header) != "language":
        raise SpecdecError(f"{label} is {describe(header)}; give a language model.", kind="model")


def _pools(header: GgufHeader) -> bool:
    """Models that end in a pooled vector: `pooling_type` 0 is none, as llama.h numbers them."""
    causal = header.flag("{arch}.attention.causal")
    return causal is False or (header.number("{arch}.pooling_type") or 0) > 0
