"""Finding models where the tools keep them, in a home folder made for the test."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import SpecdecError
from core.models.catalog import bundled_models, find_catalogued, find_models, resolve
from core.models.names import name_of
from core.models.places import find_files
from tests.support.tiny_gguf import (
    truncate_file,
    write_embedding_model,
    write_gguf,
    write_tiny_model,
)

DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "LLAMA_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("OLLAMA_MODELS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def tiny(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tiny_model(path, vocab_size=300)
    return path


def ollama(root: Path, model: str, tag: str, layer: object) -> None:
    manifest = root / "manifests/host" / model / tag
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"layers": [{"mediaType": "x"}, layer]}))


def test_nothing_is_found_in_an_empty_home(home: Path) -> None:
    assert find_models() == []
    assert find_models([home / "gone", home]) == []


def test_says_what_each_model_is(home: Path) -> None:
    path = home / "mine/Tiny-F32.gguf"
    path.parent.mkdir()
    write_tiny_model(path, vocab_size=300, n_layer=2, n_ctx_train=99)
    (model,) = find_models([home / "mine"])
    assert (model.path, model.name, model.source) == (path, "Tiny-F32", "your folders")
    assert (model.kind, model.architecture, model.quantisation) == ("language", "llama", "F32")
    assert (model.n_layers, model.n_vocab, model.n_ctx_train) == (2, 300, 99)
    assert model.size_bytes == path.stat().st_size
    assert model.n_params > 300 * 32
    assert model.error is None


HUB = "models--o--r/snapshots/0123/m.gguf"


@pytest.mark.parametrize(
    ("variable", "value", "place", "source"),
    [
        ("", "", f".cache/huggingface/hub/{HUB}", "Hugging Face"),
        ("XDG_CACHE_HOME", "xdg", f"xdg/huggingface/hub/{HUB}", "Hugging Face"),
        ("HF_HOME", "hf", f"hf/hub/{HUB}", "Hugging Face"),
        ("HF_HUB_CACHE", "cache", f"cache/{HUB}", "Hugging Face"),
        ("HUGGINGFACE_HUB_CACHE", "cache", f"cache/{HUB}", "Hugging Face"),
        ("", "", ".cache/llama.cpp/m.gguf", "llama.cpp"),
        ("", "", "Library/Caches/llama.cpp/m.gguf", "llama.cpp"),
        ("LOCALAPPDATA", "local", "local/llama.cpp/m.gguf", "llama.cpp"),
        ("LLAMA_CACHE", "lc", f"lc/{HUB}", "llama.cpp"),
        ("", "", ".lmstudio/models/publisher/model/m.gguf", "LM Studio"),
        ("", "", ".cache/lm-studio/models/publisher/model/m.gguf", "LM Studio"),
        ("", "", ".local/share/nomic.ai/GPT4All/m.gguf", "GPT4All"),
    ],
)
def test_places(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    place: str,
    source: str,
) -> None:
    if variable:
        monkeypatch.setenv(variable, str(home / value))
    path = tiny(home / place)
    assert [(m.path, m.name, m.source) for m in find_models()] == [(path, "m", source)]


def test_lm_studio_may_keep_models_elsewhere(home: Path) -> None:
    (home / ".lmstudio-home-pointer").write_text(str(home / "studio") + "\n")
    (home / "studio").mkdir()
    (home / "studio/settings.json").write_text(json.dumps({"downloadsFolder": str(home / "down")}))
    path = tiny(home / "down/p/m/x.gguf")
    assert [(m.path, m.source) for m in find_models()] == [(path, "LM Studio")]


@pytest.mark.parametrize("by_variable", [True, False])
def test_ollama_models_have_their_names(
    home: Path, monkeypatch: pytest.MonkeyPatch, by_variable: bool
) -> None:
    root = home / (".ollama/models" if not by_variable else "elsewhere")
    if by_variable:
        monkeypatch.setenv("OLLAMA_MODELS", str(root))
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": DIGEST}
    blob = tiny(root / "blobs" / DIGEST.replace(":", "-"))
    ollama(root, "library/llama3.2", "1b", layer)
    assert [(m.path, m.name, m.source) for m in find_models()] == [(blob, "llama3.2:1b", "Ollama")]
    assert name_of(blob) == "llama3.2:1b"


def test_an_ollama_manifest_cannot_point_out_of_the_blobs(home: Path) -> None:
    tiny(home / "secret")
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../secret"}
    ollama(home / ".ollama/models", "me/evil", "latest", layer)
    ollama(home / ".ollama/models", "me/odd", "latest", ["no", "object"])
    assert find_models() == []


def test_jan(home: Path) -> None:
    path = tiny(home / ".config/Jan/data/llamacpp/models/org/m/model.gguf")
    (path.parent / "model.yml").write_text(
        "name: x\nmodel_path: llamacpp/models/org/m/model.gguf\nsize_bytes: 1\n"
    )
    assert [(m.path, m.name, m.source) for m in find_models()] == [(path, "org/m", "Jan")]
    assert name_of(path) == "org/m"


def test_links_to_one_file_are_one_model_under_its_link(home: Path) -> None:
    repo = home / ".cache/huggingface/hub/models--o--r"
    blob = tiny(repo / "blobs/abc")
    for snapshot in ("1", "2"):
        link = repo / "snapshots" / snapshot / "Named-Q8_0.gguf"
        link.parent.mkdir(parents=True)
        link.symlink_to(blob)
    (model,) = find_models([repo / "snapshots/2"])
    assert model.path == repo / "snapshots/2/Named-Q8_0.gguf"
    assert model.name == "Named-Q8_0"
    assert model.size_bytes == blob.stat().st_size


def test_a_dangling_link_is_listed_with_the_reason(home: Path) -> None:
    (home / "mine").mkdir()
    (home / "mine/x.gguf").symlink_to(home / "gone")
    (model,) = find_models([home / "mine"])
    assert model.error is not None and "no such file" in model.error


def test_a_file_is_called_what_the_list_calls_it(home: Path) -> None:
    (home / "mine").mkdir()
    write_tiny_model(home / "mine/Whole.Q8.GGUF", vocab_size=300)
    write_tiny_model(home / "mine/split.gguf", vocab_size=300, split_max_tensors=4)
    models = [*find_models([home / "mine"]), *bundled_models()]
    assert {model.name for model in models} >= {"Whole.Q8", "split"}
    assert [name_of(model.path) for model in models] == [model.name for model in models]
    assert name_of(Path("blobs/sha256-0")) == "sha256-0"


def test_parts_of_a_split_model_are_one(home: Path) -> None:
    (home / "mine").mkdir()
    write_tiny_model(home / "mine/whole.gguf", vocab_size=300)
    write_tiny_model(home / "mine/split.gguf", vocab_size=300, split_max_tensors=4)
    split, whole = sorted(find_models([home / "mine"]), key=lambda m: m.name)
    parts = sorted((home / "mine").glob("split-*"))
    assert (split.name, split.path, split.error) == ("split", parts[0], None)
    assert split.n_params == whole.n_params
    assert split.size_bytes == sum(part.stat().st_size for part in parts)


@pytest.mark.parametrize("lost", [0, 1])
def test_a_missing_part_is_named(home: Path, lost: int) -> None:
    (home / "mine").mkdir()
    write_tiny_model(home / "mine/split.gguf", vocab_size=300, split_max_tensors=4)
    parts = sorted((home / "mine").glob("split-*"))
    parts[lost].unlink()
    (model,) = find_models([home / "mine"])
    assert model.error == f"part {lost + 1} of {len(parts)} is missing; download it"


def test_what_cannot_be_read_is_listed_with_the_reason(home: Path) -> None:
    folder = home / "mine"
    for name in ("cut", "whole"):
        tiny(folder / f"{name}.gguf")
    truncate_file(folder / "cut.gguf", 0.5)
    (folder / "text.gguf").write_text("hello")
    write_embedding_model(folder / "embed.gguf")
    models = {m.name: m for m in find_models([folder])}
    assert "is cut off" in (models["cut"].error or "")
    assert models["cut"].size_bytes > 0
    assert "is not a GGUF file" in (models["text"].error or "")
    assert models["embed"].kind == "embedding"
    assert models["whole"].error is None


def test_a_changed_file_is_read_again(home: Path) -> None:
    path = tiny(home / "mine/m.gguf")
    assert find_models([home / "mine"])[0].error is None
    truncate_file(path, 0.5)
    assert find_models([home / "mine"])[0].error is not None


def test_what_was_listed_once_is_listed_again_from_the_index(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny(home / "mine/one.gguf")
    write_tiny_model(home / "mine/split.gguf", vocab_size=300, split_max_tensors=4)
    (home / "mine/text.gguf").write_text("hello")
    first = find_models([home / "mine"])

    def fail(*_: object) -> None:
        raise AssertionError("a header was read")

    monkeypatch.setattr("core.models.index.read_header", fail)
    assert find_models([home / "mine"]) == first
    assert len(first) == 3 and [bool(model.error) for model in first].count(True) == 1


def test_entries_of_all_parts_come_with_a_model(home: Path) -> None:
    (home / "mine").mkdir()
    write_tiny_model(home / "mine/split.gguf", vocab_size=300, split_max_tensors=4)
    (found,) = find_catalogued([home / "mine"])
    assert list(found.parts) == sorted((home / "mine").glob("split-*"))
    assert sum(part.n_params for part in found.parts.values()) == found.model.n_params


def test_a_folder_that_contains_itself_ends(home: Path) -> None:
    path = tiny(home / "mine/sub/m.gguf")
    (home / "mine/sub/loop").symlink_to(home / "mine")
    assert [m.path for m in find_models([home / "mine"])] == [path]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_closed_folder_is_passed_over(home: Path) -> None:
    path = tiny(home / "mine/m.gguf")
    (home / "mine/closed").mkdir(mode=0)
    assert [m.path for m in find_models([home / "mine"])] == [path]


def test_files_are_found_without_being_opened(home: Path) -> None:
    (home / "mine").mkdir()
    os.mkfifo(home / "mine/pipe.gguf")
    assert [found.name for found in find_files([home / "mine"])] == ["pipe"]


def test_bundled_models_are_those_that_are_there() -> None:
    assert {m.name for m in bundled_models()} <= {"demo", "demo-draft"}


# ------------------------------------------------------------------ by name


@pytest.fixture
def folder(home: Path) -> Path:
    folder = home / "mine"
    for name in ("Qwen2.5-0.5B-Q8_0", "Qwen2.5-7B-Q4_K_M", "SmolLM2-135M"):
        folder.mkdir(exist_ok=True)
        write_gguf(folder / f"{name}.gguf", "llama", {})
    return folder


@pytest.fixture
def refused(folder: Path) -> Callable[[str], str]:
    def message(name: str) -> str:
        with pytest.raises(SpecdecError) as caught:
            resolve(name, find_files([folder]))
        assert caught.value.kind == "file"
        return caught.value.message

    return message


@pytest.mark.parametrize("name", ["SmolLM2-135M", "smollm2-135m", "SmolLM2-135M.gguf", "smol"])
def test_a_name_or_a_part_of_one_only_is_enough(folder: Path, name: str) -> None:
    assert resolve(name, find_files([folder])) == folder / "SmolLM2-135M.gguf"


def test_a_path_is_taken_as_it_is(folder: Path) -> None:
    assert resolve(str(folder / "SmolLM2-135M.gguf"), []) == folder / "SmolLM2-135M.gguf"
    assert resolve("~/mine/SmolLM2-135M.gguf", []) == folder / "SmolLM2-135M.gguf"


def test_names_that_do_not_lead_to_one_file(folder: Path, refused: Callable[[str], str]) -> None:
    assert refused("qwen2.5") == (
        "qwen2.5 fits several models; say which: Qwen2.5-0.5B-Q8_0, Qwen2.5-7B-Q4_K_M."
    )
    assert refused("SmolLM2-136M").endswith("; did you mean SmolLM2-135M?")
    assert refused("zzz").endswith("; `specdec-tui models` lists what there is.")
    assert refused("./gone.gguf") == "There is no file ./gone.gguf; check the path."
    assert "is a folder" in refused(str(folder))
    assert "\\x1b[31m" in refused("\x1b[31m")
