"""Reading GGUF headers: whole ones, broken ones, and ones that nobody would write by accident."""

from __future__ import annotations

import ctypes
import os
import random
import resource
import struct
import time
from pathlib import Path
from typing import Any

import gguf
import llama_cpp
import pytest

from core.models.gguf import GgufError, HeaderIncomplete, parse_header, read_header
from core.models.known_arrays import KnownArrays
from tests.support.tiny_gguf import (
    CHATML,
    truncate_file,
    vocabulary,
    write_gguf,
    write_tiny_model,
    write_vocab_only,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "model.gguf"
    write_tiny_model(path, vocab_size=300, name="A tiny model", n_ctx_train=777, n_layer=2)
    return path


def message(path: Path) -> str:
    with pytest.raises(GgufError) as caught:
        read_header(path)
    text = caught.value.message
    assert caught.value.kind == "file"
    assert "\n" not in text and text.endswith(".") and path.name in text
    return text


def test_reads_what_the_file_says(model: Path) -> None:
    header = read_header(model)
    assert (header.version, header.architecture, header.name) == (3, "llama", "A tiny model")
    assert (header.context_length, header.block_count, header.n_vocab) == (777, 2, 300)
    assert (header.quantisation, header.chat_template) == ("F32", CHATML)
    assert (header.split_no, header.split_count) == (0, 1)
    assert header.flag("tokenizer.ggml.add_bos_token") is False
    assert header.number("{arch}.attention.head_count") == 2
    assert header.number("general.name") is None


def test_agrees_with_the_reference_reader(model: Path) -> None:
    reference = gguf.GGUFReader(model)
    header = read_header(model)
    assert header.tensors == tuple((t.name, int(t.n_bytes)) for t in reference.tensors)
    assert header.n_params == sum(int(t.n_elements) for t in reference.tensors)
    assert header.tensor_bytes == sum(int(t.n_bytes) for t in reference.tensors)
    tokens = reference.fields["tokenizer.ggml.tokens"].contents()
    assert [text.decode() for text in header.tokens] == tokens
    assert header.array_lengths["tokenizer.ggml.token_type"] == 300


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_layer": 3},
        {"weights_type": "F16"},
        {"tokenizer": "llama"},
        {"arch": "mamba"},
        {"arch": "gemma3", "n_layer": 6},
    ],
)
def test_agrees_with_llama_cpp(tmp_path: Path, parameters: dict[str, Any]) -> None:
    path = tmp_path / "model.gguf"
    write_tiny_model(path, **parameters)
    header = read_header(path)
    llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))
    loaded = llama_cpp.llama_model_load_from_file(
        str(path).encode(), llama_cpp.llama_model_default_params()
    )
    assert loaded
    try:
        assert header.n_params == llama_cpp.llama_model_n_params(loaded)
        assert header.tensor_bytes == llama_cpp.llama_model_size(loaded)
        assert header.block_count == llama_cpp.llama_model_n_layer(loaded)
        assert header.context_length == llama_cpp.llama_model_n_ctx_train(loaded)
        vocab = llama_cpp.llama_model_get_vocab(loaded)
        assert header.n_vocab == llama_cpp.llama_vocab_n_tokens(vocab)
    finally:
        llama_cpp.llama_model_free(loaded)


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _silent(_level: int, _text: bytes, _data: ctypes.c_void_p) -> None:
    """llama.cpp reports every load at length."""


def test_tokens_are_a_sequence_of_bytes(model: Path) -> None:
    tokens = read_header(model).tokens
    texts, _, _ = vocabulary(300)
    assert len(tokens) == 300
    assert tokens[0] == texts[0].encode()
    assert tokens[-1] == texts[-1].encode()
    assert tokens[256:259] == [b"<|endoftext|>", b"<|im_start|>", b"<|im_end|>"]
    with pytest.raises(IndexError):
        tokens[300]


def test_quantisation_falls_back_on_the_tensors(tmp_path: Path) -> None:
    write_gguf(tmp_path / "a.gguf", "llama", {})
    assert read_header(tmp_path / "a.gguf").quantisation == "F32"


def test_reads_a_large_vocabulary_quickly(tmp_path: Path) -> None:
    path = tmp_path / "large.gguf"
    write_vocab_only(path, vocab_size=151_936)
    fastest = min(_seconds_to_read(path) for _ in range(3))
    assert read_header(path).n_vocab == 151_936
    assert fastest < 0.1


def _seconds_to_read(path: Path) -> float:
    """Of the processor's time: others may use it, too."""
    begin = time.thread_time()
    read_header(path)
    return time.thread_time() - begin


# ------------------------------------------------------------------ broken files


def test_missing_file(tmp_path: Path) -> None:
    assert "cannot be read: no such file" in message(tmp_path / "gone.gguf")


def test_folder(tmp_path: Path) -> None:
    (tmp_path / "folder.gguf").mkdir()
    assert "is a folder; give a .gguf file in it" in message(tmp_path / "folder.gguf")


def test_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    assert "is not an ordinary file" in message(tmp_path / "pipe.gguf")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty; download it again"),
        (b"GG", "is cut off or damaged: the magic at byte 0 needs 4 bytes"),
        (b"Hello, world", "is not a GGUF file: it begins with 'Hello, world'; give a .gguf file"),
        (b"\x1b[31mred", "it begins with '\\x1b[31mred'"),
        (b"version https://git-lfs/spec/v1\n", "fetch it with Git LFS"),
        (b"tjgg\x03\0\0\0", "older than GGUF"),
        (b"GGUF" + struct.pack(">I", 3) + bytes(16), "big-endian"),
        (b"GGUF" + struct.pack("<I", 1) + bytes(16), "is GGUF version 1, too old"),
        (b"GGUF" + struct.pack("<I", 4) + bytes(16), "is GGUF version 4, newer than this program"),
        (b"GGUF\3\0\0\0" + struct.pack("<QQ", 0, 2**40), "it claims 0 tensors and 1,099,511,627"),
        (b"GGUF\3\0\0\0" + struct.pack("<QQQ", 0, 1, 2**62) + bytes(9), "a key at byte 32 needs"),
    ],
)
def test_wrong_beginnings(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "wrong.gguf"
    path.write_bytes(content)
    assert expected in message(path)


def one_field(value: bytes, key: bytes = b"k") -> bytes:
    return b"GGUF\3\0\0\0" + struct.pack("<QQQ", 0, 1, len(key)) + key + value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (struct.pack("<I", 99), "the field k has the unknown type 99"),
        (struct.pack("<IQ", 8, 2**63), "the field k at byte 45 needs 9,223,372,036,854,775,808"),
        (struct.pack("<IIQ", 9, 8, 2**61), "the field k at byte 49 needs"),
        (struct.pack("<IIQ", 9, 4, 2**62), "the field k at byte 49 needs"),
        (struct.pack("<IIQ", 9, 9, 1), "is an array of the unknown type 9"),
        (struct.pack("<IIQQQ", 9, 8, 2, 2**64 - 1, 0), "the field k at byte 49 needs"),
    ],
)
def test_wrong_fields_are_named(tmp_path: Path, value: bytes, expected: str) -> None:
    path = tmp_path / "wrong.gguf"
    path.write_bytes(one_field(value))
    assert expected in message(path)


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    field = struct.pack("<Q", 1) + b"k" + struct.pack("<II", 4, 7)
    path = tmp_path / "twice.gguf"
    path.write_bytes(b"GGUF\3\0\0\0" + struct.pack("<QQ", 0, 2) + field + field)
    assert "the field k stands twice" in message(path)


def test_control_characters_of_keys_do_not_reach_the_message(tmp_path: Path) -> None:
    path = tmp_path / "evil.gguf"
    path.write_bytes(one_field(struct.pack("<I", 99), key=b"\x1b]0;owned\x07\xe2\x80\xae"))
    assert "\\x1b]0;owned\\x07\\u202e" in message(path)


def test_truncated_data_says_how_much_is_there(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(model.read_bytes())
    whole = path.stat().st_size
    has = truncate_file(path, 0.9)
    assert f"is cut off: it has {has:,} of {whole:,} bytes; download it again" in message(path)


def test_a_header_cut_anywhere_is_an_error_of_one_sentence(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    whole = model.read_bytes()
    for size in range(1, len(whole), 397):
        path.write_bytes(whole[:size])
        assert "download it again" in message(path)


def test_a_header_beyond_the_first_read_is_read_on(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_header(model)
    monkeypatch.setattr("core.models.gguf.FIRST_READ", 100)
    assert read_header(model) == whole


@pytest.mark.parametrize("first_read", range(1000, 9000, 397))
def test_a_header_is_read_on_wherever_the_first_piece_ends(
    model: Path, monkeypatch: pytest.MonkeyPatch, first_read: int
) -> None:
    whole = read_header(model)
    monkeypatch.setattr("core.models.gguf.FIRST_READ", first_read)
    assert read_header(model) == whole
    known = KnownArrays()
    monkeypatch.setattr("core.models.gguf_reader.MAX_ARRAY_KEPT", 0)
    assert [read_header(model, known) for _ in range(2)] == [read_header(model)] * 2


def test_a_header_larger_than_any_is_not_read_into_memory(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.models.gguf.FIRST_READ", 1000)
    monkeypatch.setattr("core.models.gguf.MAX_HEADER", 2000)
    assert "its header would be longer than 2,000 bytes" in message(model)


def test_parsing_the_beginning_of_a_remote_file_asks_for_more(model: Path) -> None:
    whole = model.read_bytes()
    with pytest.raises(HeaderIncomplete) as caught:
        parse_header(whole[:1000], len(whole), model)
    assert 1000 < caught.value.needed <= len(whole)
    # The header alone is enough: the tensors' data need not be there, only be promised.
    header_alone = whole[: len(whole) - read_header(model).tensor_bytes]
    assert parse_header(header_alone, len(whole), model) == read_header(model)


def test_mutated_headers_never_crash_hang_or_eat_memory(tmp_path: Path) -> None:
    """A seeded fuzz: bytes are flipped, lengths made huge, pieces cut out or doubled."""
    path = tmp_path / "seed.gguf"
    write_tiny_model(path, vocab_size=270, n_embd=32)
    whole = path.read_bytes()
    end = len(whole) - read_header(path).tensor_bytes
    rng = random.Random(20261124)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = 0
    slowest = 0.0
    for _ in range(3000):
        mutated = mutate(bytearray(whole), end, rng)
        begin = time.thread_time()
        try:
            parse_header(bytes(mutated), len(mutated), path)
        except GgufError as error:
            assert not isinstance(error, HeaderIncomplete)
            assert error.message.isprintable() and len(error.message) < 600
            refused += 1
        slowest = max(slowest, time.thread_time() - begin)
    assert refused > 1000
    assert slowest < 0.5
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 200 * 1024


def mutate(data: bytearray, end: int, rng: random.Random) -> bytearray:
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(8, end)
        match rng.randrange(5):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at : at + 8] = struct.pack("<Q", rng.choice([0, 2**31, 2**63, 2**64 - 1]))
            case 2:
                del data[at : at + rng.randint(1, 40)]
            case 3:
                data[at:at] = data[at : at + rng.randint(1, 40)]
            case 4:
                data[at : at + 4] = struct.pack("<I", rng.randrange(16))
    return data
