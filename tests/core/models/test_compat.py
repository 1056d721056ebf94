"""The vocabulary rule against llama.cpp's own answers, and the causes that it gives."""

from __future__ import annotations

import ctypes
import struct
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import llama_cpp
import pytest

from core.models.compat import Compatibility, compare, specials
from core.models.gguf import read_header
from core.models.header import GgufHeader, TokenTexts
from tests.support.tiny_gguf import write_tiny_model, write_vocab_only


@pytest.fixture
def header(tmp_path: Path) -> Any:
    def make(**parameters: Any) -> GgufHeader:
        path = tmp_path / "model.gguf"
        write_vocab_only(path, **{"vocab_size": 300} | parameters)
        return read_header(path)

    return make


def with_tokens(header: GgufHeader, texts: Sequence[bytes]) -> GgufHeader:
    raw = b"".join(struct.pack("<Q", len(text)) + text for text in texts)
    return replace(header, tokens=TokenTexts(raw, len(texts)))


def test_a_model_fits_itself(header: Any) -> None:
    cause = "the same vocabulary of 300 tokens"
    assert compare(header(), header()) == Compatibility("yes", cause)


def test_tokenizer_types_must_be_equal(header: Any) -> None:
    assert compare(header(), header(tokenizer="llama", add_bos=False)) == Compatibility(
        "no", "tokenizer types differ: BPE here, SPM there"
    )


def test_sizes_may_differ_by_128(header: Any) -> None:
    assert compare(header(), header(vocab_size=428)).verdict == "yes"
    assert compare(header(vocab_size=428), header()).verdict == "yes"
    expected = "vocabularies differ by 129 tokens, at most 128 are allowed"
    assert compare(header(), header(vocab_size=429)) == Compatibility("no", expected)
    assert compare(header(vocab_size=429), header()) == Compatibility("no", expected)


def test_the_first_token_that_differs_is_named(header: Any) -> None:
    here = header(token_overrides={270: "<unused1>", 280: "x"})
    there = header(token_overrides={270: "[multimodal]"})
    assert compare(here, there) == Compatibility(
        "no", "token 270 differs: '<unused1>' here, '[multimodal]' there"
    )


@pytest.mark.parametrize("index", [0, 4])
def test_the_first_five_tokens_do_not_count(header: Any, index: int) -> None:
    assert compare(header(), header(token_overrides={index: "<longer>"})).verdict == "yes"


@pytest.mark.parametrize("index", [5, 6, 298, 299])
def test_all_others_do(header: Any, index: int) -> None:
    for other in ({index: "<longer>"}, {index: "Ж"}, {2: "<longer>", index: "Ж"}):
        cause = compare(header(), header(token_overrides=other)).cause
        assert cause.startswith(f"token {index} differs: ")


def test_bos_and_eos(header: Any) -> None:
    assert (
        compare(header(add_bos=True), header()).cause == "BOS is added by one and not by the other"
    )
    assert (
        compare(header(), header(add_eos=True)).cause == "EOS is added by one and not by the other"
    )
    moved = {"tokenizer.ggml.bos_token_id": 257}
    assert compare(header(), header(metadata=moved)).verdict == "yes"
    assert compare(header(add_bos=True), header(add_bos=True, metadata=moved)) == Compatibility(
        "no", "BOS is token 256 here, 257 there"
    )


def test_doubts_do_not_forbid(header: Any) -> None:
    assert compare(header(), header(pre="llama-bpe", add_bos=False)) == Compatibility(
        "yes-but", "texts are split otherwise: qwen2 here, llama-bpe there"
    )
    assert compare(header(), header(chat_template=None)).verdict == "yes-but"
    assert compare(header(), header(chat_template="{{ other }}")) == Compatibility(
        "yes-but", "the chat templates differ; the draft may be tuned for another format"
    )


def test_texts_are_compared_as_c_strings_and_never_empty(header: Any) -> None:
    base = header()
    texts = list(base.tokens)
    texts[20], texts[30] = b"a\0b", b""
    other = list(texts)
    other[20], other[30] = b"a\0c", b"[EMPTY_30]"
    assert compare(with_tokens(base, texts), with_tokens(base, other)).verdict == "yes"
    other[40] = b"!!"
    assert compare(with_tokens(base, texts), with_tokens(base, other)).cause.startswith("token 40 ")


def test_a_header_without_vocabulary_fits_nothing(header: Any) -> None:
    empty = with_tokens(header(), [])
    assert compare(header(), empty) == Compatibility("no", "the draft has no vocabulary")
    assert compare(empty, header()) == Compatibility("no", "the target has no vocabulary")
    unknown = replace(header(), metadata={})
    assert compare(unknown, header()).cause == "the target has no known tokenizer"


def test_causes_show_no_control_characters_and_end(header: Any) -> None:
    evil = header(token_overrides={270: "\x1b[2J\u202e" + "long" * 1000})
    cause = compare(header(), evil).cause
    assert "\\x1b[2J\\u202elong" in cause
    assert cause.isprintable()
    assert len(cause) < 200


def test_large_vocabularies_are_compared_quickly(header: Any) -> None:
    base = header(vocab_size=151_936)
    last_differs = with_tokens(base, [*base.tokens[:-1], b"else"])
    for other, verdict, limit_s in ((base, "yes", 0.02), (last_differs, "no", 0.1)):
        assert compare(base, other).verdict == verdict
        assert min(seconds_to_compare(base, other) for _ in range(3)) < limit_s


def seconds_to_compare(here: GgufHeader, there: GgufHeader) -> float:
    """Of the processor's time: others may use it, too."""
    begin = time.thread_time()
    compare(here, there)
    return time.thread_time() - begin


# ------------------------------------------------------------------ against llama.cpp


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _silent(_level: int, _text: bytes, _data: ctypes.c_void_p) -> None:
    """llama.cpp warns of every absent key."""


BOS, EOS = "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id"
ADD_BOS, ADD_EOS = "tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token"


@pytest.mark.parametrize("absent", [(), (ADD_BOS,), (ADD_EOS,), (BOS,), (EOS,), (ADD_BOS, BOS)])
@pytest.mark.parametrize(
    "parameters",
    [
        {"pre": "qwen2"},
        {"pre": "llama-bpe", "add_bos": True},
        {"pre": "tekken"},
        {"pre": "chatglm-bpe"},
        {"pre": "gemma4"},
        {"pre": "smollm", "add_eos": True},
        {"pre": "qwen2", "metadata": {BOS: 99_999, EOS: 99_999}},
        {"tokenizer": "llama"},
        {"tokenizer": "llama", "add_bos": True, "metadata": {BOS: 99_999}},
    ],
)
def test_specials_are_what_llama_cpp_has_after_loading(
    tmp_path: Path, parameters: dict[str, Any], absent: tuple[str, ...]
) -> None:
    path = tmp_path / "model.gguf"
    write_tiny_model(path, **{"vocab_size": 300} | parameters)
    # The key is renamed in place, to one of equal length that means nothing.
    data = path.read_bytes()
    for key in absent:
        data = data.replace(key.encode(), b"x" + key.encode()[1:])
    path.write_bytes(data)
    ours = specials(read_header(path))
    assert (ours.add_bos, ours.bos, ours.add_eos, ours.eos) == as_loaded(path)


def as_loaded(path: Path) -> tuple[bool, int, bool, int]:
    llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))
    params = llama_cpp.llama_model_default_params()
    params.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
    assert model
    try:
        vocab = llama_cpp.llama_model_get_vocab(model)
        return (
            llama_cpp.llama_vocab_get_add_bos(vocab),
            llama_cpp.llama_vocab_bos(vocab),
            llama_cpp.llama_vocab_get_add_eos(vocab),
            llama_cpp.llama_vocab_eos(vocab),
        )
    finally:
        llama_cpp.llama_model_free(model)
