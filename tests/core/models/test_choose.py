"""What the settings' target and draft come to, with the bundled pair replaced by tiny models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.configuration import load_settings
from core.errors import SpecdecError
from core.models.choose import choose_pair
from core.models.names import BUNDLED
from core.settings import Settings
from tests.support.tiny_gguf import (
    truncate_file,
    write_draft_of,
    write_embedding_model,
    write_tiny_model,
)


@pytest.fixture(autouse=True)
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SPECDEC_CONFIG", str(tmp_path / "none.toml"))
    target = write_tiny_model(tmp_path / "bundled-target.gguf", vocab_size=300)
    write_draft_of(tmp_path / "bundled-draft.gguf", target)
    monkeypatch.setattr("core.models.choose.TARGET_PATH", tmp_path / "bundled-target.gguf")
    monkeypatch.setattr("core.models.choose.DRAFT_PATH", tmp_path / "bundled-draft.gguf")
    monkeypatch.setitem(BUNDLED, "demo", tmp_path / "bundled-target.gguf")
    monkeypatch.setitem(BUNDLED, "demo-draft", tmp_path / "bundled-draft.gguf")
    return tmp_path


@pytest.fixture
def mine(bundled: Path) -> Path:
    (bundled / "mine").mkdir()
    target = write_tiny_model(bundled / "mine/my-target.gguf", vocab_size=600, seed=5)
    write_draft_of(bundled / "mine/my-draft.gguf", target)
    return bundled / "mine"


def settings(**flags: object) -> Settings:
    return load_settings(flags)


def refused(**flags: object) -> SpecdecError:
    with pytest.raises(SpecdecError) as caught:
        choose_pair(settings(**flags))
    return caught.value


def test_nothing_configured_means_the_bundled_pair(bundled: Path) -> None:
    target, draft = choose_pair(settings())
    assert target == bundled / "bundled-target.gguf"
    assert (draft.kind, draft.path) == ("model", str(bundled / "bundled-draft.gguf"))


def test_demo_overrides_what_is_configured(
    bundled: Path, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECDEC_TARGET", str(mine / "x"))
    monkeypatch.setenv("SPECDEC_DRAFT", "gone.gguf")
    target, draft = choose_pair(settings(demo=True))
    assert target == bundled / "bundled-target.gguf"
    assert draft.path == str(bundled / "bundled-draft.gguf")


def test_a_draft_named_beside_demo_drafts_for_the_bundled_target(
    bundled: Path, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_model(mine / "another.gguf", vocab_size=300, seed=9)
    for flags in ({"demo": True}, {}):
        target, draft = choose_pair(settings(**flags, draft=str(mine / "another.gguf")))
        assert target == bundled / "bundled-target.gguf"
        assert draft.path == str(mine / "another.gguf")
        monkeypatch.setenv("SPECDEC_DEMO", "true")
    assert "There is no file" in refused(demo=True, draft="gone.gguf").message


def test_a_target_named_on_the_command_line_counts_over_a_configured_demo(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECDEC_DEMO", "true")
    target, draft = choose_pair(settings(target=str(mine / "my-target.gguf")))
    assert (target, draft.kind) == (mine / "my-target.gguf", "none")


def test_demo_with_a_target_is_a_contradiction(mine: Path) -> None:
    error = refused(demo=True, target=str(mine / "my-target.gguf"))
    assert error.kind == "settings"
    assert error.message == "--demo brings its own target; leave out --demo or --target."


def test_demo_leaves_drafts_without_a_file_in_force() -> None:
    assert choose_pair(settings(demo=True, draft="none"))[1].kind == "none"
    assert choose_pair(settings(demo=True, draft="lookup"))[1].kind == "lookup"


def test_auto_is_no_draft_for_another_target(mine: Path) -> None:
    target, draft = choose_pair(settings(target=str(mine / "my-target.gguf")))
    assert target == mine / "my-target.gguf"
    assert (draft.kind, draft.path) == ("none", None)


def test_names_are_looked_up_in_the_folders_of_the_user(mine: Path) -> None:
    target, draft = choose_pair(
        settings(target="my-target", draft="my-draft", models_dirs=[mine], draft_ctx=999)
    )
    assert target == mine / "my-target.gguf"
    assert draft.path == str(mine / "my-draft.gguf")
    assert draft.options.n_ctx == 999


def test_the_bundled_models_have_names(bundled: Path) -> None:
    target, draft = choose_pair(settings(target="demo", draft="demo-draft"))
    assert target == bundled / "bundled-target.gguf"
    assert draft.path == str(bundled / "bundled-draft.gguf")


def test_a_draft_of_another_vocabulary_is_refused_with_the_cause(mine: Path) -> None:
    error = refused(draft=str(mine / "my-draft.gguf"))
    assert error.kind == "draft"
    assert error.message == (
        "my-draft cannot draft for demo: vocabularies differ by 300 tokens, "
        "at most 128 are allowed; choose another draft, `lookup` or `none`."
    )


def test_files_that_cannot_be_loaded_are_refused(mine: Path) -> None:
    assert "There is no file" in refused(target=str(mine / "gone.gguf")).message
    write_embedding_model(mine / "e.gguf")
    assert refused(target=str(mine / "e.gguf")).kind == "model"
    assert refused(target=str(mine / "my-target.gguf"), draft=str(mine / "e.gguf")).kind == "model"
    truncate_file(mine / "my-target.gguf", 0.8)
    assert "is cut off" in refused(target=str(mine / "my-target.gguf")).message


def test_a_split_model_must_be_whole(mine: Path) -> None:
    write_tiny_model(mine / "s.gguf", vocab_size=300, split_max_tensors=4)
    parts = sorted(mine.glob("s-*.gguf"))
    assert choose_pair(settings(target=str(parts[0])))[0] == parts[0]
    assert "give the first part" in refused(target=str(parts[1])).message
    parts[2].unlink()
    assert "part 3 of 3 is missing; download it" in refused(target=str(parts[0])).message


def test_a_name_that_is_no_unicode_is_refused(mine: Path) -> None:
    path = mine / os.fsdecode(b"\xff.gguf")
    write_tiny_model(path, vocab_size=300)
    assert "the file's name is not UTF-8; rename it" in refused(target=str(path)).message


def test_relative_paths_are_made_absolute(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine)
    target, draft = choose_pair(settings(target="my-target.gguf", draft="./my-draft.gguf"))
    assert (target, draft.path) == (mine / "my-target.gguf", str(mine / "my-draft.gguf"))
