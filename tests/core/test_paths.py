"""Paths that no disk has, and homes that nobody has."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from core.models.places import find_files
from core.paths import expanded, is_file, is_folder, is_there


def test_a_home_that_is_not_there_stays_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: object) -> None:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)  # as in a container with a user of its own
    assert expanded("~/x") == Path("~/x")
    assert expanded("~no-such-user/x") == Path("~no-such-user/x")
    assert find_files([Path("~no-such-user")]) == []


def test_what_no_disk_can_have_is_not_there() -> None:
    for name in ("x" * 5000, "a\0b"):
        path = Path(name)
        assert not (is_file(path) or is_folder(path) or is_there(path))
