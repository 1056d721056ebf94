"""How the program begins."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType

import pytest

from core import last_start
from core.configuration import load_settings
from core.settings import Settings
from tui import opening
from tui.__main__ import main


class Interrupting(MetaPathFinder):
    """Ctrl+C while the command line is being loaded."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the signature is Python's
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> None:
        if fullname == "tui.cli":
            raise KeyboardInterrupt


def test_ctrl_c_while_it_loads_ends_it_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "tui.cli", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    assert main() == 130
    assert capsys.readouterr() == ("", "")


def test_a_start_like_the_last_ends_as_any_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["specdec-tui", "--demo"])
    last_start.keep(["--demo"], load_settings({"demo": "true"}))
    monkeypatch.setattr(opening, "has_terminal", lambda: True)
    for error, code in ((PermissionError(13, "Permission denied"), 1), (KeyboardInterrupt(), 130)):

        def refuse(_settings: Settings, error: BaseException = error) -> int:
            raise error

        monkeypatch.setattr(opening, "open_app", refuse)
        assert main() == code
    said = capsys.readouterr().err
    assert said == "specdec-tui: The system refused to go on: Permission denied.\n"


def test_it_is_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["specdec-tui", "completion", "tcsh"])
    assert main() == 2
    assert "There is no completion for tcsh" in capsys.readouterr().err
