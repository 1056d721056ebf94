"""The catalog's index: right while files stay as they are, and never in the way."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from core.models import index as index_module
from core.models.compat import compare
from core.models.gguf import FIRST_READ, GgufError, read_header
from core.models.index import Comparisons, Entry, Index
from core.models.shape import read_footprint
from tests.support.sparse_gguf import QWEN3_30B_A3B, write_sparse
from tests.support.tiny_gguf import (
    truncate_file,
    write_draft_of,
    write_embedding_model,
    write_gguf,
    write_tiny_model,
)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "models.json"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    write_tiny_model(path, n_layer=2, n_ctx_train=99)
    return path


@pytest.fixture
def headers_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose headers were parsed."""
    names: list[str] = []

    def count(path: Path, *known: Any) -> Any:
        names.append(path.name)
        return read_header(path, *known)

    monkeypatch.setattr(index_module, "read_header", count)
    return names


def test_an_entry_holds_what_the_header_says(model: Path, kept: Path) -> None:
    entry, header = Index(kept).entry(model), read_header(model)
    assert (entry.architecture, entry.kind, entry.quantisation) == ("llama", "language", "F32")
    assert (entry.n_layers, entry.n_ctx_train, entry.n_params) == (2, 99, header.n_params)
    assert (entry.n_vocab, entry.n_tokens) == (512, 512)
    assert entry.tokenizer["tokenizer.ggml.pre"] == "qwen2"


def test_a_header_is_parsed_once(model: Path, kept: Path, headers_read: list[str]) -> None:
    first = Index(kept)
    assert first.entry(model) == first.entry(model)
    first.save()
    assert Index(kept).entry(model) == first.entry(model)
    assert headers_read == ["tiny.gguf"]


def test_a_changed_file_is_read_again(model: Path, kept: Path) -> None:
    index = Index(kept)
    assert index.entry(model).n_layers == 2
    index.save()
    write_tiny_model(model, n_layer=3)
    assert Index(kept).entry(model).n_layers == 3
    os.utime(model, ns=(0, 0))
    assert Index(kept).entry(model).n_layers == 3


def test_what_is_wrong_with_a_file_is_remembered(
    model: Path, kept: Path, headers_read: list[str]
) -> None:
    truncate_file(model, 0.5)
    for _ in range(2):
        index = Index(kept)
        with pytest.raises(GgufError, match="is cut off"):
            index.entry(model)
        index.save()
    assert headers_read == ["tiny.gguf"]
    write_tiny_model(model)
    assert Index(kept).entry(model).n_layers == 1


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path, kept: Path) -> None:
    with pytest.raises(GgufError, match="no such file"):
        Index(kept).entry(tmp_path / "gone.gguf")
    with pytest.raises(GgufError, match="is a folder"):
        Index(kept).entry(tmp_path)
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(GgufError, match="not an ordinary file"):
        Index(kept).entry(tmp_path / "pipe.gguf")


def test_a_header_larger_than_the_first_read_is_read_whole(tmp_path: Path, kept: Path) -> None:
    path = tmp_path / "large.gguf"
    write_tiny_model(path, vocab_size=40_000, n_embd=2, n_head=1)
    assert path.stat().st_size > 2 * FIRST_READ
    assert Index(kept).entry(path).n_tokens == 40_000
    truncate_file(path, FIRST_READ + 1)
    with pytest.raises(GgufError, match="cut off"):
        Index(kept).entry(path)


def test_a_vocabulary_met_before_is_recognised_and_one_that_only_begins_alike_is_not(
    tmp_path: Path, kept: Path
) -> None:
    model = write_tiny_model(tmp_path / "a.gguf", vocab_size=5000, n_layer=2)
    write_draft_of(tmp_path / "b.gguf", model, n_layer=1)
    write_draft_of(tmp_path / "c.gguf", model, token_overrides={4999: "another"})
    write_draft_of(tmp_path / "d.gguf", model, vocab_size=4999)
    index = Index(kept)
    entries = [index.entry(path) for path in sorted(tmp_path.glob("*.gguf"))]
    assert entries == [Index(kept).entry(path) for path in sorted(tmp_path.glob("*.gguf"))]
    a, b, c, d = (entry.tokens_hash for entry in entries)
    assert a == b and len({a, c, d}) == 3
    truncate_file(tmp_path / "b.gguf", 60_000)
    with pytest.raises(GgufError, match="cut off"):
        index.entry(tmp_path / "b.gguf")


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "3", '{"version":1}', '{"version":1,"files":[]}', "[" * 100_000),
        '{"version":0,"files":{}}',
    ],
)
def test_a_damaged_index_counts_as_none(model: Path, kept: Path, text: str) -> None:
    kept.parent.mkdir()
    kept.write_text(text)
    index = Index(kept)
    assert index.entry(model).n_layers == 2
    index.save()
    assert str(model) in json.loads(kept.read_text())["files"]


@pytest.mark.parametrize(
    "change",
    [
        {"n_layers": "many"},
        {"kind": "kind"},
        {"tokenizer": []},
        {"tokens_hash": None},
        {"surplus": 1},
    ],
)
def test_a_damaged_entry_is_read_anew(model: Path, kept: Path, change: dict[str, Any]) -> None:
    index = Index(kept)
    right = index.entry(model)
    index.save()
    document = json.loads(kept.read_text())
    document["files"][str(model)]["entry"] |= change
    kept.write_text(json.dumps(document))
    assert Index(kept).entry(model) == right
    for nonsense in (None, 3, [], {"stamp": document["files"][str(model)]["stamp"]}):
        document["files"][str(model)] = nonsense
        kept.write_text(json.dumps(document))
        assert Index(kept).entry(model) == right


def test_what_two_processes_add_is_kept(model: Path, tmp_path: Path, kept: Path) -> None:
    write_gguf(tmp_path / "other.gguf", "llama", {})
    one, two = Index(kept), Index(kept)
    one.entry(model)
    two.entry(tmp_path / "other.gguf")
    one.save()
    two.save()
    assert len(json.loads(kept.read_text())["files"]) == 2
    assert [path.name for path in kept.parent.iterdir()] == ["models.json"]


def test_the_index_does_not_grow_without_end(
    tmp_path: Path, model: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_gguf(tmp_path / "old.gguf", "llama", {})
    old = Index(kept)
    old.entry(tmp_path / "old.gguf")
    old.save()
    monkeypatch.setattr(index_module, "MAX_KEPT", 1)
    index = Index(kept)
    index.entry(model)
    index.save()
    assert list(json.loads(kept.read_text())["files"]) == [str(model)]


def test_a_cache_folder_that_cannot_be_written_to_is_done_without(
    model: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    index = Index(tmp_path / "file" / "models.json")
    assert index.entry(model).n_layers == 2
    index.save()


def test_a_name_that_is_no_text_is_kept_too(tmp_path: Path, kept: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.gguf")
    write_gguf(path, "llama", {})
    for _ in range(2):
        index = Index(kept)
        assert index.entry(path).architecture == "llama"
        index.save()


# ------------------------------------------------------------------ vocabularies


def entry(path: Path, kept: Path) -> tuple[Path, Entry]:
    return path, Index(kept).entry(path)


CHANGES: dict[str, dict[str, Any]] = {
    "equal": {},
    "larger by 128": {"vocab_size": 640},
    "larger by 129": {"vocab_size": 641},
    "a token": {"token_overrides": {400: "another"}},
    "a token before the fifth": {"token_overrides": {3: "another"}},
    "pre": {"pre": "llama-bpe"},
    "template": {"chat_template": "{{ messages }}"},
    "no template": {"chat_template": None},
    "bos": {"add_bos": True},
    "tokenizer": {"tokenizer": "llama"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_entries_are_compared_as_their_headers_would_be(
    tmp_path: Path, kept: Path, change: str
) -> None:
    target = write_tiny_model(tmp_path / "target.gguf")
    write_draft_of(tmp_path / "draft.gguf", target, **CHANGES[change])
    target_path, draft_path = tmp_path / "target.gguf", tmp_path / "draft.gguf"
    wanted = compare(read_header(target_path), read_header(draft_path))
    entries = entry(target_path, kept), entry(draft_path, kept)
    comparisons = Comparisons()
    assert [comparisons.compare(*entries) for _ in range(2)] == [wanted, wanted]
    # Not those of another pair.
    assert comparisons.compare(entries[0], entries[0]).verdict == "yes"


@pytest.mark.parametrize(
    ("change", "n"), [("equal", 0), ("template", 0), ("larger by 129", 0), ("a token", 2)]
)
def test_headers_are_read_only_where_texts_have_to_be_compared(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, change: str, n: int
) -> None:
    target = write_tiny_model(tmp_path / "target.gguf")
    write_draft_of(tmp_path / "draft.gguf", target, **CHANGES[change])
    entries = [entry(tmp_path / name, kept) for name in ("target.gguf", "draft.gguf")]
    read: list[Path] = []

    def count(path: Path, *known: Any) -> Any:
        read.append(path)
        return read_header(path, *known)

    monkeypatch.setattr(index_module, "read_header", count)
    comparisons = Comparisons()
    for _ in range(2):
        comparisons.compare(*entries)
    assert len(read) == n


def test_a_file_without_a_vocabulary_has_the_cause_named(tmp_path: Path, kept: Path) -> None:
    write_tiny_model(tmp_path / "target.gguf")
    write_gguf(tmp_path / "bare.gguf", "llama", {"tokenizer.ggml.model": "gpt2"})
    fit = Comparisons().compare(
        entry(tmp_path / "target.gguf", kept), entry(tmp_path / "bare.gguf", kept)
    )
    assert (fit.verdict, fit.cause) == ("no", "the draft has no vocabulary")


# ------------------------------------------------------------------ memory


def test_what_memory_depends_on_is_kept_too(
    tmp_path: Path, kept: Path, headers_read: list[str]
) -> None:
    write_sparse(tmp_path / "m.gguf", QWEN3_30B_A3B, parts=3)
    parts = sorted(tmp_path.glob("m-*"))
    wanted = read_footprint(parts)
    index = Index(kept)
    assert index.footprint(parts) == wanted
    index.save()
    again = Index(kept)
    assert again.footprint(parts) == wanted
    assert headers_read == 2 * [part.name for part in parts]
    again.entry(parts[0])
    again.save()
    assert Index(kept).footprint(parts[:1]).weights.total < wanted.weights.total


def test_a_damaged_footprint_is_read_anew(model: Path, kept: Path) -> None:
    index = Index(kept)
    right = index.footprint([model])
    index.save()
    document = json.loads(kept.read_text())
    for damage in ("", "{", "{}", '{"shape": {}, "weights": {}}', 3):
        document["files"][str(model)]["footprint"] = damage
        kept.write_text(json.dumps(document))
        assert Index(kept).footprint([model]) == right


def test_what_is_no_model_has_no_footprint(tmp_path: Path, kept: Path) -> None:
    write_embedding_model(tmp_path / "m.gguf")
    with pytest.raises(GgufError, match="which is no model"):
        Index(kept).footprint([tmp_path / "m.gguf"])
