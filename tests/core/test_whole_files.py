"""Files that nobody finds half written, and names that nobody loses a file to."""

from __future__ import annotations

import os
import resource
import stat
import threading
from pathlib import Path

import pytest

from core.whole_files import _create_in_place, create_file, replace_file

LARGE = b"x" * 4_000_000


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("write", [create_file, replace_file])
def test_whoever_finds_the_file_finds_all_of_it(tmp_path: Path, write: object) -> None:
    file = tmp_path / "chat.json"
    found: list[int] = []

    def reader() -> None:
        while not file.exists():
            pass
        found.append(len(file.read_bytes()))

    thread = threading.Thread(target=reader)
    thread.start()
    assert callable(write)
    write(file, LARGE)
    thread.join()
    assert found == [len(LARGE)]
    assert names(tmp_path) == ["chat.json"]


def test_a_name_that_is_taken_is_refused_and_what_it_names_stays(tmp_path: Path) -> None:
    file, link = tmp_path / "a", tmp_path / "link"
    file.write_bytes(b"first")
    link.symlink_to(tmp_path / "nowhere")
    for taken in (file, link):
        with pytest.raises(FileExistsError):
            create_file(taken, b"second")
    assert file.read_bytes() == b"first"
    assert names(tmp_path) == ["a", "link"]


def test_without_hard_links_the_file_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    file = tmp_path / "a"
    create_file(file, b"whole")
    with pytest.raises(FileExistsError):
        create_file(file, b"second")
    assert file.read_bytes() == b"whole"
    assert names(tmp_path) == ["a"]


def test_a_disk_that_takes_only_half_leaves_nothing_behind(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(LARGE) // 2, limits[1]))
    try:
        for write in (create_file, replace_file, _create_in_place):
            with pytest.raises(OSError, match="File too large"):
                write(tmp_path / "a", LARGE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path) == []


def test_what_may_not_be_written_is_not_replaced(tmp_path: Path) -> None:
    before = tmp_path / "kept"
    before.write_bytes(b"first")
    before.chmod(0o440)
    with pytest.raises(PermissionError, match="it is read-only"):
        replace_file(before, b"second")
    assert before.read_bytes() == b"first"
    assert names(tmp_path) == ["kept"]


def test_a_replaced_file_keeps_its_permissions_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"first")
    real.chmod(0o640)
    link.symlink_to(real)
    replace_file(link, b"second", durable=True)
    assert link.is_symlink() and real.read_bytes() == b"second"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    replace_file(tmp_path / "deep/new", b"x", mode=0o600)
    assert stat.S_IMODE((tmp_path / "deep/new").stat().st_mode) == 0o600
