"""Downloads where the server contradicts itself, the disk refuses, or others are at the file."""

from __future__ import annotations

import gzip
import resource
import threading
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import WeakFileLock

from core.errors import SpecdecError
from core.models.download import Downloaded, download
from core.models.hub import FileChoice, RemoteFile
from core.models.hub_cache import PARTIAL, places_for
from core.models.hub_connection import Hub
from core.models.progress import Progress
from tests.support.downloads import (
    CHECKSUM,
    CONTENT,
    FILE,
    REPO,
    SIZE,
    failure,
    fetch,
    kept,
    partial,
    ranges,
    whole,
)
from tests.support.fake_hub import COMMIT, FakeHub


@pytest.fixture(autouse=True)
def filled(server: FakeHub) -> None:
    server.add(REPO, {FILE: CONTENT})


# ------------------------------------------------------------------ answers that are wrong


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"headers": {"Content-Range": "bytes 50000-399999/399999"}}, "and then 399,999"),
        ({"headers": {"Content-Range": None}}, "with a part that it does not describe"),
        ({"headers": {"Content-Range": "words"}}, "with a part that it does not describe"),
        ({"shift": 7}, "sends other bytes of Tiny-Q8_0.gguf than it was asked for"),
        ({"shift": 10**7}, "refused the request (status 416)"),
        ({"status": 204}, "with status 204 that it does not describe"),
        ({"headers": {"Content-Type": "text/html; x"}}, "sends a web page instead of"),
        ({"body": gzip.compress(CONTENT), "headers": {"Content-Encoding": "gzip"}}, "compressed"),
        ({"ignore_range": True, "headers": {"Content-Length": None}}, "Content-Length is missing"),
        ({"ignore_range": True, "headers": {"Content-Length": "x"}}, "dropped the line"),
        ({"body": b"GGUF!"}, "said to have 400,000 bytes, and then 5"),
    ],
)
def test_an_answer_that_contradicts_the_request_is_named_and_spoils_nothing(
    server: FakeHub, hub: Hub, fault: dict[str, Any], expected: str
) -> None:
    server.fail(on="cdn", drop_after=50_000)
    server.fail(on="cdn", times=99, **fault)
    assert expected in failure(hub)
    assert kept(hub) == 50_000
    server.faults.clear()
    assert whole(hub, fetch(hub))


def test_a_body_that_goes_on_is_read_no_further(server: FakeHub, hub: Hub) -> None:
    server.fail(
        on="cdn",
        status=206,
        body=CONTENT + b"x" * 100_000,
        headers={"Content-Range": f"bytes 0-{SIZE - 1}/{SIZE}"},
    )
    assert whole(hub, fetch(hub))


def test_a_file_that_changes_meanwhile_is_told_from_the_one_promised(
    server: FakeHub, hub: Hub
) -> None:
    server.fail(method="GET", path="/resolve/", headers={"X-Linked-Etag": '"' + "0" * 64 + '"'})
    assert "changed on the Hub in the meantime" in failure(hub)


def test_parts_of_different_commits_are_not_mixed(server: FakeHub, hub: Hub) -> None:
    names = [f"m-Q8_0-{no:05}-of-00002.gguf" for no in (1, 2)]
    server.add("o/split", dict.fromkeys(names, CONTENT))
    server.fail(method="HEAD", path="00002-of", headers={"X-Repo-Commit": "f" * 40})
    assert "The repository changed on the Hub" in failure(hub, repo="o/split")
    assert not server.asked("cdn")


def test_a_size_that_is_said_nowhere_is_asked_of_the_listing(server: FakeHub, hub: Hub) -> None:
    server.fail(method="HEAD", headers={"X-Linked-Size": None}, times=9)
    assert whole(hub, fetch(hub))
    choice = FileChoice("Tiny", "", (RemoteFile(FILE),))
    with pytest.raises(SpecdecError, match="does not say how long"):
        download(REPO, choice, hub)


def test_a_wrong_checksum_removes_the_file_and_says_so(server: FakeHub, hub: Hub) -> None:
    wrong = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    headers = {"Content-Range": f"bytes 0-{SIZE - 1}/{SIZE}"}
    server.fail(on="cdn", status=206, body=wrong, headers=headers)
    text = failure(hub)
    assert text == (
        f"{FILE} did not arrive as the Hub has it (its checksum is another) and was removed; "
        "pull it again."
    )
    assert not partial(hub).exists() and not list(hub.folder.rglob(CHECKSUM))
    assert whole(hub, fetch(hub))


def test_a_kept_part_that_was_damaged_is_found_out(server: FakeHub, hub: Hub) -> None:
    partial(hub).parent.mkdir(parents=True)
    partial(hub).write_bytes(b"GGUF" + bytes(100_000))
    assert "its checksum is another" in failure(hub)
    assert not partial(hub).exists()
    assert ranges(server) == [f"bytes=100004-{SIZE - 1}"]


@pytest.mark.parametrize("left", [b"<html>", CONTENT + b"x", b""])
def test_a_kept_part_that_cannot_be_right_is_begun_anew(
    server: FakeHub, hub: Hub, left: bytes
) -> None:
    partial(hub).parent.mkdir(parents=True)
    partial(hub).write_bytes(left)
    assert whole(hub, fetch(hub))
    assert ranges(server) == [f"bytes=0-{SIZE - 1}"]


def test_a_kept_part_that_is_whole_needs_no_request(server: FakeHub, hub: Hub) -> None:
    partial(hub).parent.mkdir(parents=True)
    partial(hub).write_bytes(CONTENT)
    assert whole(hub, fetch(hub))
    assert not server.asked("cdn")


def test_what_is_no_gguf_file_is_not_fetched_to_its_end(server: FakeHub, hub: Hub) -> None:
    server.repos[REPO].files[FILE] = b"PK\x03\x04" + bytes(300_000)
    assert f"{FILE} is no GGUF file: it begins with 'PK\\x03\\x04'" in failure(hub)
    assert not [place for place in hub.folder.rglob("*" + PARTIAL) if place.stat().st_size]


# ------------------------------------------------------------------ the disk


def test_a_disk_without_space_is_seen_before_the_first_byte(
    server: FakeHub, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 64 * 2**20 + SIZE - 50_001

    class Usage:
        def __init__(self, _: Path) -> None:
            self.free = free

    monkeypatch.setattr("shutil.disk_usage", Usage)
    text = failure(hub, kind="file")
    assert text == (
        f"Tiny-Q8_0 needs 391 KiB more and {hub.folder} has 64 MiB free; free some, or set "
        "HF_HOME to a folder on another disk."
    )
    assert not server.asked("cdn")
    partial(hub).parent.mkdir(parents=True)
    partial(hub).write_bytes(CONTENT[:50_001])  # now it is just enough
    assert whole(hub, fetch(hub))


def test_a_disk_that_takes_no_more_keeps_what_it_took(hub: Hub) -> None:
    """The system's own limit on the size of a file stands in for a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (123_456, hard))
    try:
        text = failure(hub, kind="file")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert text == (
        f"{hub.folder} cannot be written (121 KiB of 391 KiB are kept): file too large."
    )
    assert kept(hub) == 123_456
    assert fetch(hub).received_bytes == SIZE - 123_456


def test_a_cache_folder_that_is_a_file_is_named(hub: Hub) -> None:
    hub.folder.write_text("x")
    assert failure(hub, kind="file") == f"{hub.folder} cannot be written: not a directory."


@pytest.mark.parametrize(
    "file", ["../../evil.gguf", "/tmp/evil.gguf", "a/../../e.gguf", "a\\b.gguf", "x\n.gguf"]
)
def test_a_name_from_the_network_does_not_become_a_path(
    server: FakeHub, hub: Hub, file: str
) -> None:
    server.repos[REPO].files[file] = CONTENT
    with pytest.raises(SpecdecError):
        download(REPO, FileChoice("x", "", (RemoteFile(file, SIZE),)), hub)
    assert not server.asked("cdn")
    assert not hub.folder.exists()


@pytest.mark.parametrize("inside", ["models--org--Tiny-GGUF", "models--org--Tiny-GGUF/snapshots"])
def test_a_link_out_of_the_cache_folder_is_not_followed(
    hub: Hub, tmp_path: Path, inside: str
) -> None:
    (tmp_path / "outside").mkdir()
    (hub.folder / inside).parent.mkdir(parents=True)
    (hub.folder / inside).symlink_to(tmp_path / "outside")
    assert "would be kept outside of" in failure(hub, kind="file")
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_cache_folder_that_is_itself_a_link_is_fine(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    hub.folder.symlink_to(tmp_path / "disk")
    assert whole(hub, fetch(hub))


def test_a_planted_partial_file_is_not_written_through(hub: Hub, tmp_path: Path) -> None:
    partial(hub).parent.mkdir(parents=True)
    partial(hub).symlink_to(tmp_path / "victim")
    failure(hub, kind="file")
    assert not (tmp_path / "victim").exists()


def test_where_links_are_not_to_be_had_the_file_itself_stands(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_SYMLINKS", True)
    result = fetch(hub)
    assert not result.path.is_symlink() and whole(hub, result)
    assert fetch(hub).received_bytes == 0


# ------------------------------------------------------------------ others at the same file


def test_a_file_that_another_program_fetches_is_waited_for(server: FakeHub, hub: Hub) -> None:
    cached = places_for(hub.folder, REPO, FILE, COMMIT, CHECKSUM)
    cached.lock.parent.mkdir(parents=True)
    lock = WeakFileLock(cached.lock)
    lock.__enter__()
    seen: list[Progress] = []

    def watch(progress: Progress) -> None:
        if progress.stage == "waiting" and not seen:
            seen.append(progress)
            cached.blob.parent.mkdir(parents=True, exist_ok=True)
            cached.blob.write_bytes(CONTENT)  # as the other one would
            lock.__exit__(None, None, None)

    result = fetch(hub, on_progress=watch)
    assert seen[0].note == "another program is downloading it"
    assert whole(hub, result) and not server.asked("cdn")


def test_two_downloads_of_one_file_fetch_it_once(server: FakeHub, hub: Hub) -> None:
    results: list[Downloaded] = []
    threads = [threading.Thread(target=lambda: results.append(fetch(hub))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == 2 and all(whole(hub, result) for result in results)
    assert len(server.asked("cdn")) == 1
