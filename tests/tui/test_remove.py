"""`specdec-tui rm`: what goes, what stays, and that nothing goes without a yes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import scan_cache_dir

from core.models.places import find_files
from tests.support.tiny_gguf import write_tiny_model
from tui.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`rm` in this process, with what a person types; exit code, stdout and stderr."""

    def remove(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code = main(["rm", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return remove


def tiny(path: Path, **parameters: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tiny_model(path, vocab_size=300, **parameters)
    return path


def in_hub(home: Path, file: str, commit: str = "a" * 40, blob: str = "b" * 64) -> Path:
    """A model in the Hugging Face cache, by its name in a snapshot."""
    repo = home / ".cache/huggingface/hub/models--o--r"
    if not (repo / "blobs" / blob).exists():
        tiny(repo / "blobs" / blob)
    link = repo / "snapshots" / commit / file
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(Path("../" * len(Path(file).parts) + "../blobs") / blob)
    (repo / "refs").mkdir(exist_ok=True)
    (repo / "refs/main").write_text(commit)
    return link


def refusal(result: tuple[int, str, str]) -> str:
    assert (result[0], result[1]) == (1, "")
    return result[2].removeprefix("specdec-tui: ").rstrip()


# ------------------------------------------------------------------ asking


@pytest.mark.parametrize("typed", ["", "\n", "n\n", "yellow\n"])
def test_without_a_yes_nothing_goes(home: Path, run: Run, typed: str) -> None:
    path = tiny(home / ".cache/llama.cpp/mine.gguf")
    size = path.stat().st_size
    code, out, err = run("mine", typed=typed)
    assert (code, out) == (1, "") and path.exists()
    assert f"  {path}\nRemove mine and free {size // 1024 + 1} KiB? [y/N] " in err
    assert err.endswith("[y/N] " + ("" if typed else "\n") + "Nothing was removed.\n")


def test_with_a_yes_it_goes(home: Path, run: Run) -> None:
    path = tiny(home / ".cache/llama.cpp/mine.gguf")
    code, out, _ = run("mine", typed="y\n")
    assert code == 0 and out.startswith("Removed mine: ") and not path.exists()


def test_json_is_one_document(home: Path, run: Run) -> None:
    path = tiny(home / ".cache/llama.cpp/mine.gguf")
    size = path.stat().st_size
    code, out, err = run("mine", "--yes", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "name": "mine",
        "paths": [str(path)],
        "freed_bytes": size,
        "note": None,
    }


# ------------------------------------------------------------------ what goes


def test_in_a_hub_cache_the_bytes_go_with_all_their_names(home: Path, run: Run) -> None:
    first = in_hub(home, "sub/m.gguf")
    in_hub(home, "m.gguf", commit="c" * 40)
    other = in_hub(home, "other.gguf", blob="d" * 64)
    readme = first.parent.parent / "README.md"
    readme.write_text("words")
    code, out, _ = run(str(first), "--yes", "--json")
    assert code == 0
    repo = home / ".cache/huggingface/hub/models--o--r"
    assert json.loads(out)["freed_bytes"] > 0
    assert [p.name for p in repo.rglob("*.gguf")] == ["other.gguf"]
    assert [p.name for p in (repo / "blobs").iterdir()] == ["d" * 64]
    assert other.exists() and readme.exists()
    assert not (repo / "snapshots" / ("c" * 40)).exists()
    assert (repo / "refs/main").read_text() == "a" * 40
    assert not scan_cache_dir(repo.parent).warnings


def test_a_repository_without_files_goes_as_a_whole(home: Path, run: Run) -> None:
    link = in_hub(home, "sub/m.gguf")
    repo = home / ".cache/huggingface/hub/models--o--r"
    (repo / ".no_exist" / "abc").mkdir(parents=True)
    (repo / ".no_exist/abc/config.json").touch()
    assert run("m", "--yes")[0] == 0
    assert not link.exists() and not repo.exists() and repo.parent.exists()


def test_a_branch_that_names_a_snapshot_that_went_goes_too(home: Path, run: Run) -> None:
    in_hub(home, "keep.gguf", commit="c" * 40, blob="d" * 64)
    in_hub(home, "m.gguf")
    repo = home / ".cache/huggingface/hub/models--o--r"
    (repo / "refs/old").write_text("c" * 40)
    assert run("m", "--yes")[0] == 0
    assert [p.name for p in (repo / "refs").iterdir()] == ["old"]
    assert not scan_cache_dir(repo.parent).warnings


def test_all_parts_of_a_split_model_go(home: Path, run: Run) -> None:
    tiny(home / ".cache/llama.cpp/split.gguf", split_max_tensors=4)
    kept = tiny(home / ".cache/llama.cpp/split-other.gguf")
    assert run("split", "--yes")[0] == 0
    assert list((home / ".cache/llama.cpp").iterdir()) == [kept]


def test_of_a_link_only_the_link_goes(home: Path, run: Run) -> None:
    target = tiny(home / "disk/m.gguf")
    link = home / "mine/m.gguf"
    link.parent.mkdir()
    link.symlink_to(target)
    code, out, _ = run("m", "--yes", "--json", "--models-dirs", str(home / "mine"))
    assert code == 0 and target.exists() and not link.is_symlink()
    assert json.loads(out)["freed_bytes"] == 0
    assert json.loads(out)["note"] == "only a link goes; what it points to stays"


def test_a_second_name_of_a_file_frees_nothing(home: Path, run: Run) -> None:
    path = tiny(home / ".cache/llama.cpp/m.gguf")
    (home / "elsewhere.gguf").hardlink_to(path)
    assert json.loads(run("m", "--yes", "--json")[1])["freed_bytes"] == 0


def test_a_dangling_link_can_be_removed(home: Path, run: Run) -> None:
    link = in_hub(home, "m.gguf")
    (link.resolve()).unlink()
    assert run("m", "--yes")[0] == 0
    assert not link.is_symlink()


def test_jans_note_on_a_model_goes_with_it(home: Path, run: Run) -> None:
    path = tiny(home / ".config/Jan/data/llamacpp/models/o/m/model.gguf")
    note = path.with_name("model.yml")
    note.write_text("model_path: llamacpp/models/o/m/model.gguf\n")
    assert run("o/m", "--yes")[0] == 0
    assert not path.exists() and not note.exists()
    assert find_files() == []


# ------------------------------------------------------------------ what stays


def test_ollamas_models_are_left_to_ollama(home: Path, run: Run) -> None:
    digest = "sha256:" + "ab" * 32
    blob = tiny(home / ".ollama/models/blobs" / digest.replace(":", "-"))
    manifest = home / ".ollama/models/manifests/host/library/llama3.2/1b"
    manifest.parent.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": digest}
    manifest.write_text(json.dumps({"layers": [layer]}))
    assert refusal(run("llama3.2:1b", "--yes")) == (
        "llama3.2:1b belongs to Ollama; remove it with `ollama rm llama3.2:1b`."
    )
    assert blob.exists()


def test_a_file_that_jan_only_points_to_stays(home: Path, run: Run) -> None:
    path = tiny(home / "precious/model.gguf")
    note = home / ".config/Jan/data/llamacpp/models/o/m/model.yml"
    note.parent.mkdir(parents=True)
    note.write_text(f"model_path: {path}\n")
    assert "lies outside of the known model folders" in refusal(run("o/m", "--yes"))
    assert path.exists() and note.exists()


def test_a_folder_that_is_a_link_out_of_the_known_ones_is_not_followed(
    home: Path, run: Run
) -> None:
    path = tiny(home / "precious/model.gguf")
    (home / ".cache/llama.cpp").mkdir(parents=True)
    (home / ".cache/llama.cpp/linked").symlink_to(home / "precious")
    assert "lies outside of the known model folders" in refusal(run("model", "--yes"))
    assert path.exists()


def test_what_a_repositorys_folder_of_branches_links_to_stays(home: Path, run: Run) -> None:
    model = in_hub(home, "m.gguf")
    refs = home / ".cache/huggingface/hub/models--o--r/refs"
    refs.rename(home / "precious")
    refs.symlink_to(home / "precious")
    (home / "precious/letter").write_text("dear")
    assert run("m", "--yes")[0] == 0
    assert not model.is_symlink()
    assert {p.name for p in (home / "precious").iterdir()} == {"main", "letter"}


def test_a_link_from_elsewhere_does_not_mean_what_it_points_to(home: Path, run: Run) -> None:
    model = in_hub(home, "m.gguf")
    (home / "desk.gguf").symlink_to(model)
    assert "is none of the models that" in refusal(run(str(home / "desk.gguf"), "--yes"))
    assert model.exists()


def test_any_other_file_stays(home: Path, run: Run) -> None:
    path = tiny(home / "precious/model.gguf")
    assert "is none of the models that" in refusal(run(str(path), "--yes"))
    assert path.exists()
    assert "There is no model called nothing" in refusal(run("nothing", "--yes"))


def test_the_bundled_pair_stays(run: Run) -> None:
    assert refusal(run("demo", "--yes")) == "demo belongs to the program itself; it stays."
