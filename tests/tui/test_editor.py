"""A message in the user's own editor: it comes back, nobody else reads it, nothing is left."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import pytest

from core.errors import SpecdecError
from tests.tui.test_terminal import Screen, flags
from tui.editor import edit, editor_command

__all__ = ["flags"]


def script(folder: Path, text: str) -> list[str]:
    path = folder / "editor.sh"
    path.write_text(text)
    return ["sh", str(path)]


def test_the_text_comes_back_and_the_file_is_gone(tmp_path: Path) -> None:
    note = tmp_path / "note"
    look = f'stat -c "%a %n" "$1" > {note}\ncat "$1" >> {note}\n'
    command = script(tmp_path, look + 'echo more >> "$1"\n')
    assert edit("one", command) == "onemore"
    assert edit("one\n", command) == "one\nmore\n"
    mode_and_name, content = note.read_text().split("\n", 1)
    mode, name = mode_and_name.split(" ", 1)
    assert (mode, content) == ("600", "one\n")
    assert not Path(name).parent.exists()


def test_what_an_editor_writes_is_cleaned(tmp_path: Path) -> None:
    assert edit("", script(tmp_path, 'printf "a\\033[31mb\\r\\nc\\n" > "$1"\n')) == "ab\nc"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["/nowhere/vi"], "/nowhere/vi cannot be used (No such file or directory); set $EDITOR"),
        (["false"], "false ended with 1"),
        (["sh", "-c", 'rm "$0"'], "cannot be used"),
    ],
)
def test_an_editor_that_fails_is_said_in_one_sentence(command: list[str], said: str) -> None:
    with pytest.raises(SpecdecError) as caught:
        edit("text", command)
    assert said in caught.value.message
    assert caught.value.message.endswith("your text is kept.")


def test_where_no_file_can_be_made_the_text_is_kept_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(SpecdecError, match=r"no file can be made .*; your text is kept"):
        edit("text", ["true"])


def test_which_editor_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert editor_command({"VISUAL": "code --wait", "EDITOR": "ed"}) == ["code", "--wait"]
    assert editor_command({"VISUAL": "", "EDITOR": "'my editor' -x"}) == ["my editor", "-x"]
    vi = tmp_path / "vi"
    vi.touch(mode=stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert editor_command({}) == [str(vi)]
    vi.unlink()
    for environ in ({}, {"EDITOR": "'"}):
        with pytest.raises(SpecdecError):
            editor_command(environ)


def test_ctrl_t_gives_the_terminal_to_the_editor_and_takes_it_back(
    flags: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = tmp_path / "seen"
    greet = f'[ -e {seen} ] && word="a second time" || word="the editor has it"\n'
    greet += f'touch {seen}\necho "$word"\n'  # what follows its greeting may not be done any more
    command = script(tmp_path, greet + 'read key\necho "$key" >> "$1"\n')
    monkeypatch.setenv("VISUAL", " ".join(command))
    screen = Screen(*flags)
    screen.wait(lambda text: "Write a message" in text)
    screen.process.send("\x1b[200~a\x1b[31mred\x1b[0m\rgood \x1b[201~")
    screen.wait(lambda text: "good" in text)  # a paste with escapes is neither cut nor sent
    assert "ared" in screen.text and "sends your message" in screen.text
    screen.process.send("\x14")  # Ctrl+T
    screen.wait(lambda text: "the editor has it" in text)
    screen.process.send("\x03")  # Ctrl+C is the editor's, and a script ends with it
    screen.wait(lambda text: "your text is kept" in text)
    screen.process.send("\x14")
    screen.wait(lambda text: "a second time" in text)
    screen.process.send("morning\n")
    screen.wait(lambda text: "good morning" in text)
    screen.process.send("\x11")
    assert screen.wait_for_end() == 0
