"""What a changed setting leaves as it was in `config.toml`, and when nothing is changed at all."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from core.configuration import FIELDS, checked, load_settings
from core.errors import SpecdecError
from core.settings_file import FIRST_LINE, write_setting

OWN = """\
# my machine

target = "big.gguf"   # the good one
temperature = 0.2  # cold

models_dirs = [
    "/a",  # first
    "/b",
]

# keys that I am used to
[keys]
new_chat = "f7"
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "config.toml"
    monkeypatch.setenv("SPECDEC_CONFIG", str(file))
    return file


def refused(name: str, value: object) -> str:
    with pytest.raises(SpecdecError) as caught:
        write_setting(name, value)
    assert caught.value.kind == "settings"
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_changed_value_changes_nothing_else(path: Path) -> None:
    path.write_text(OWN)
    assert write_setting("temperature", "0.5") == 0.5
    assert path.read_text() == OWN.replace("0.2", "0.5")


def test_a_new_key_stands_before_the_first_table_and_what_is_said_of_it(path: Path) -> None:
    path.write_text(OWN)
    write_setting("draft_len", "4")
    assert path.read_text() == OWN.replace("]\n\n#", "]\ndraft_len = 4\n\n#", 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "lookup = false\n"),
        ("top_k = 1", "top_k = 1\nlookup = false\n"),
        ("top_k = 1\n\n\n# the end\n", "top_k = 1\n\n\n# the end\nlookup = false\n"),
        ("top_k = 1\r\n", "top_k = 1\r\nlookup = false\r\n"),
        ("[keys]\nx = 'y'\n", "lookup = false\n\n[keys]\nx = 'y'\n"),
        ("# mine\n\n[keys]\n", "# mine\nlookup = false\n\n[keys]\n"),
        ('system = """\n[keys]\n"""\n', 'system = """\n[keys]\n"""\nlookup = false\n'),
        ("models_dirs = [\n'/a']\n", "models_dirs = [\n'/a']\nlookup = false\n"),
    ],
)
def test_where_a_new_key_goes(path: Path, before: str, after: str) -> None:
    path.write_bytes(before.encode())
    write_setting("lookup", False)
    assert path.read_bytes().decode() == after


def test_a_key_that_is_reset_goes_and_the_others_stay(path: Path) -> None:
    path.write_text(OWN)
    assert write_setting("temperature", None) == 0.7
    assert path.read_text() == OWN.replace("temperature = 0.2  # cold\n", "")
    untouched = path.stat().st_mtime_ns
    write_setting("top_k", None)
    assert path.stat().st_mtime_ns == untouched, "nothing to change, nothing is written"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("system", 'a "quoted"\nline # no comment \\ é'), ("seed", 7), ("top_p", 0.5)),
        *(("flash_attn", "off"), ("models_dirs", ["/c d", "~/e"]), ("draft_len", "auto")),
        *(("demo", True), ("stats_per_second", "2")),
    ],
)
def test_what_is_written_is_what_is_read(path: Path, name: str, value: object) -> None:
    for text in ("", OWN, "system = '''\nold\n'''\n"):
        path.write_text(text)
        wanted = write_setting(name, value)
        assert getattr(load_settings(), name) == wanted


def test_a_new_file_is_made_with_its_folder_and_says_what_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECDEC_CONFIG", str(path.parent / "new" / "config.toml"))
    write_setting("theme", "specdec-light")
    written = (path.parent / "new" / "config.toml").read_text()
    assert written == FIRST_LINE + 'theme = "specdec-light"\n'


def test_the_file_keeps_its_mode_and_a_link_its_target(path: Path) -> None:
    real = path.parent / "dotfiles.toml"
    real.write_text("top_k = 1\n")
    real.chmod(0o640)
    path.symlink_to(real)
    write_setting("top_k", 2)
    assert path.is_symlink()
    assert real.read_text() == "top_k = 2\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert {file.name for file in path.parent.iterdir()} == {"config.toml", "dotfiles.toml"}


def test_a_wrong_value_is_refused_and_nothing_is_written(path: Path) -> None:
    path.write_text(OWN)
    assert refused("draft_len", "65") == "draft_len: '65' is not right; give auto or 0 to 64."
    assert refused("temperature", "hot").startswith("temperature: 'hot' is not right; ")
    assert refused("temprature", 1).startswith("temprature: 1 is not right; ")
    assert path.read_text() == OWN


def test_a_broken_file_is_left_alone(path: Path) -> None:
    path.write_text("top_k = = 1\n")
    assert refused("top_k", 2).startswith(f"{path}: not valid TOML: ")
    assert path.read_text() == "top_k = = 1\n"


def test_a_file_that_may_not_be_written_is_left_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("top_k = 1\n")
    path.chmod(0o444)
    said = refused("top_k", 2)
    assert said == f"{path}: cannot be written: it is read-only; nothing was changed."
    assert (path.read_text(), list(path.parent.iterdir())) == ("top_k = 1\n", [path])
    monkeypatch.setenv("SPECDEC_CONFIG", str(path / "below" / "a-file.toml"))
    assert "not a directory" in refused("top_k", 2)


def test_the_environment_and_the_file_do_not_decide_what_is_right(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("temperature = 99\n")
    monkeypatch.setenv("SPECDEC_TOP_K", "many")
    assert checked("top_k", "7") == 7
    write_setting("temperature", 1)
    assert path.read_text() == "temperature = 1.0\n"


def test_every_default_can_be_written(path: Path) -> None:
    for name, field in FIELDS.items():
        if field.default is not None:
            assert write_setting(name, field.default) == field.default
    assert len(tomllib.loads(path.read_text())) == len(FIELDS) - 1
