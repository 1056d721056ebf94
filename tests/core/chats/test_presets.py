"""Presets by name, in a file that people edit."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.chats.presets import (
    FIELDS,
    Preset,
    applied,
    preset_of,
    presets_path,
    read_presets,
    remove_preset,
    save_preset,
)
from core.errors import SpecdecError
from core.settings import Settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "presets.toml"


def test_the_file_lies_beside_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECDEC_CONFIG", "/somewhere/config.toml")
    assert presets_path() == Path("/somewhere/presets.toml")


def test_what_is_saved_comes_back_and_applies(path: Path) -> None:
    settings = Settings(target="big", draft_len=5, temperature=0, system='Say "yes" 🦊\nor no.')
    save_preset(preset_of("my code", settings), path)
    preset = read_presets(path)[0]["my code"]
    assert preset.values == {key: getattr(settings, key) for key in FIELDS}
    assert applied(Settings(ctx=512), preset) == replace(settings, ctx=512)


def test_what_was_at_its_default_is_so_again(path: Path) -> None:
    save_preset(preset_of("plain", Settings()), path)
    changed = Settings(temperature=0, top_k=7, seed=4, max_tokens=9, system="be brief")
    assert applied(changed, read_presets(path)[0]["plain"]) == Settings()


def test_what_a_preset_does_not_name_stays(path: Path) -> None:
    save_preset(Preset("cold", {"temperature": 0.0}), path)
    assert path.read_text() == "[cold]\ntemperature = 0.0\n"
    assert applied(Settings(top_k=7), read_presets(path)[0]["cold"]) == Settings(
        top_k=7, temperature=0
    )


def test_comments_and_other_presets_stay(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("# mine\n[one]  # the first\ntemperature = 0.5\n\n[two]\ntop_k = 3\n")
    save_preset(Preset("two", {"top_k": 9}), path)
    save_preset(Preset("three", {"seed": 1}), path)
    assert path.read_text().startswith("# mine\n[one]  # the first\ntemperature = 0.5\n")
    assert {n: dict(p.values) for n, p in read_presets(path)[0].items()} == {
        "one": {"temperature": 0.5},
        "two": {"top_k": 9},
        "three": {"seed": 1},
    }
    remove_preset("two", path)
    remove_preset("nobody", path)
    assert list(read_presets(path)[0]) == ["one", "three"]


NOTED = """\
# mine
[one]  # the first
temperature = 0.5  # cool
top_k = 3

# This one is for stories.
[two]
top_k = 3
# The end.
"""


def test_comments_on_the_next_preset_stay_when_one_is_saved(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(NOTED)
    save_preset(Preset("one", {"temperature": 0.5, "seed": 7, "min_p": 0.1}), path)
    expected = NOTED.replace("top_k = 3\n\n", "min_p = 0.1\nseed = 7\n\n", 1)
    assert path.read_text() == expected


def test_comments_on_the_next_preset_stay_when_one_is_removed(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(NOTED)
    remove_preset("one", path)
    assert path.read_text() == "# mine\n# This one is for stories.\n[two]\ntop_k = 3\n# The end.\n"
    remove_preset("two", path)
    assert path.read_text() == "# mine\n# This one is for stories.\n# The end.\n"


@pytest.mark.parametrize(
    "text",
    [
        "one.top_k = 3\none.seed = 1\ntwo.seed = 2\n",
        "one = {top_k = 3}\ntwo = {seed = 2}\n",
        '["one"]\ntop_k = 3\nsystem = """\n[one]\n"""\n[two]\nseed = 2\n',
        "[one]\r\ntop_k = 3\r\n[two]\r\nseed = 2",
        "[two]\nseed = 2\n[one]",
    ],
)
def test_however_a_preset_is_written_it_is_changed_alone(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    save_preset(Preset("one", {"seed": 5}), path)
    assert {n: dict(p.values) for n, p in read_presets(path)[0].items()} == {
        "one": {"seed": 5},
        "two": {"seed": 2},
    }
    path.write_text(text)
    remove_preset("one", path)
    assert {n: dict(p.values) for n, p in read_presets(path)[0].items()} == {"two": {"seed": 2}}


def test_half_a_character_is_a_sentence(path: Path) -> None:
    with pytest.raises(SpecdecError, match="half a character"):
        save_preset(Preset("one", {"system": "\udcff"}), path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[one", "not valid TOML"),
        ("one = 1", r"\[one\] is no table"),
        (
            "[one]\ntemperature = 20",
            r"\[one\] temperature: 20 is not right; give a number from 0 to 10\.$",
        ),
        ("[one]\ndraft_len = 65", r"\[one\] draft_len: 65 is not right; give auto or 0 to 64\.$"),
        ('[one]\nlookup = "x"', r"\[one\] lookup: 'x' is not right; give true or false\.$"),
        ("[one]\ncolour = 1", r"\[one\] colour: a preset has no such key"),
        ("[one]\nmodels_dirs = []", r"\[one\] models_dirs: a preset has no such key"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(path: Path, text: str, sentence: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    found, problem = read_presets(path)
    assert not found and str(path) in problem and re.search(sentence, problem)


def test_one_that_is_wrong_does_not_hide_the_others(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("[one]\ntop_k = 3\n[two]\ntop_k = -1\n[three]\nno = 1\n[four]\nseed = 1\n")
    found, problem = read_presets(path)
    assert list(found) == ["one", "four"] and "[two] top_k: -1 is not right" in problem


def test_a_preset_that_is_not_right_is_not_saved(path: Path) -> None:
    for preset in (Preset("", {}), Preset("a\nb", {}), Preset("hot", {"temperature": 99})):
        with pytest.raises(SpecdecError):
            save_preset(preset, path)
    assert not path.exists() and read_presets(path) == ({}, "")


def test_a_folder_in_place_of_the_file_is_a_sentence(path: Path) -> None:
    path.mkdir(parents=True)
    sentence = f"{path}: this is a folder; put a file in its place."
    assert read_presets(path) == ({}, sentence)
    with pytest.raises(SpecdecError) as refused:
        save_preset(Preset("one", {}), path)
    assert refused.value.message == sentence


def test_a_folder_that_cannot_be_written_to_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpecdecError, match="cannot be"):
        save_preset(Preset("one", {}), tmp_path / "file" / "presets.toml")
