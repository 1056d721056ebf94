"""Downloads through the real huggingface_hub session from a server that misbehaves on demand.

After every failure the question is the same: is what came still there, and does the next attempt
need only the rest?
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import scan_cache_dir, try_to_load_from_cache
from huggingface_hub.utils import WeakFileLock

from core.errors import SpecdecError
from core.models.background import Stopped
from core.models.catalog import find_models
from core.models.download import download
from core.models.hub import FileChoice, RemoteFile
from core.models.hub_cache import discard_partials, places_for
from core.models.hub_connection import Hub
from core.models.progress import Progress, pace, time_left
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
from tests.support.fake_hub import COMMIT, FakeHub, fake_hub, sha256
from tests.support.tiny_gguf import write_tiny_model


@pytest.fixture(autouse=True)
def filled(server: FakeHub) -> None:
    server.add(REPO, {FILE: CONTENT})


# ------------------------------------------------------------------ all is well


def test_a_model_is_found_where_every_tool_looks_for_it(
    server: FakeHub, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_model(tmp_path / "tiny.gguf", vocab_size=300)
    content = (tmp_path / "tiny.gguf").read_bytes()
    server.add("org/Real-GGUF", {"sub/Real-F32.gguf": content})
    result = fetch(hub, repo="org/Real-GGUF")
    folder = hub.folder / "models--org--Real-GGUF"
    assert result.path == folder / f"snapshots/{COMMIT}/sub/Real-F32.gguf"
    assert result.path.is_symlink()
    assert result.path.resolve() == (folder / "blobs" / sha256(content)).resolve()
    assert (folder / "refs/main").read_text() == COMMIT
    assert (result.commit, result.checksums) == (COMMIT, (sha256(content),))
    assert result.size_bytes == result.received_bytes == len(content)
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == sorted(
        [sha256(content), "main", "Real-F32.gguf"]
    )
    found = try_to_load_from_cache("org/Real-GGUF", "sub/Real-F32.gguf", cache_dir=hub.folder)
    assert found == str(result.path)
    cache = scan_cache_dir(hub.folder)
    assert not cache.warnings and {repo.repo_id for repo in cache.repos} == {"org/Real-GGUF"}
    monkeypatch.setenv("HF_HUB_CACHE", str(hub.folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    (model,) = find_models()
    assert (model.path, model.error, model.source) == (result.path, None, "Hugging Face")


def test_what_is_there_is_not_fetched_again(server: FakeHub, hub: Hub) -> None:
    first = fetch(hub)
    again = fetch(hub)
    assert (first.received_bytes, again.received_bytes) == (SIZE, 0)
    assert again.path == first.path
    assert server.sent_bytes < SIZE + 10_000


def test_a_new_commit_with_the_same_bytes_needs_only_a_name(server: FakeHub, hub: Hub) -> None:
    first = fetch(hub)
    server.repos[REPO].commit = "f" * 40
    again = fetch(hub)
    assert again.received_bytes == 0
    assert again.path != first.path and again.path.read_bytes() == CONTENT
    assert (hub.folder / "models--org--Tiny-GGUF/refs/main").read_text() == "f" * 40


def test_a_server_may_send_the_bytes_itself(tmp_path: Path) -> None:
    with fake_hub(direct=True) as server:
        server.add(REPO, {FILE: CONTENT})
        hub = Hub(server.url, tmp_path / "cache", waits_s=(0,))
        assert whole(hub, fetch(hub))
        assert not server.asked("cdn")


def test_all_parts_of_a_split_model_are_one_download(server: FakeHub, hub: Hub) -> None:
    names = [f"m-Q8_0-{no:05}-of-00003.gguf" for no in (1, 2, 3)]
    server.add("o/split", {name: b"GGUF" + bytes([i]) * 9000 for i, name in enumerate(names)})
    seen: list[Progress] = []
    result = fetch(hub, repo="o/split", on_progress=seen.append)
    assert [path.name for path in result.files] == names
    assert [path.stat().st_size for path in result.files] == [9004] * 3
    assert result.path == result.files[0]
    assert {(p.parts, p.total) for p in seen if p.stage == "downloading"} == {(3, 27012)}
    assert (seen[-1].part, seen[-1].done) == (3, 27012)


def test_a_split_model_gets_its_names_when_all_of_it_is_there(server: FakeHub, hub: Hub) -> None:
    names = [f"m-Q8_0-{no:05}-of-00002.gguf" for no in (1, 2)]
    server.add("o/split", {name: b"GGUF" + bytes([i]) * 9000 for i, name in enumerate(names)})
    server.fail(path="00002-of", on="cdn", drop_after=500, times=9)
    assert "(11 KiB of 18 KiB are kept)" in failure(hub, repo="o/split")
    assert not list((hub.folder / "models--o--split").rglob("*.gguf"))
    server.faults.clear()
    assert fetch(hub, repo="o/split").received_bytes == 9004 - 4 * 500


def test_a_split_model_that_is_not_whole_there_is_not_begun(server: FakeHub, hub: Hub) -> None:
    choice = FileChoice("m", "", (RemoteFile("m-00001-of-00002.gguf", 5),), "part 2 is missing")
    with pytest.raises(SpecdecError, match="part 2 is missing"):
        download(REPO, choice, hub)
    assert not server.requests


def test_a_small_file_that_git_holds_is_verified_too(server: FakeHub, hub: Hub) -> None:
    blob = hashlib.sha1(b"blob %d\0" % SIZE + CONTENT).hexdigest()
    etag = {"X-Linked-ETag": f'"{blob}"', "ETag": f'"{blob}"'}
    server.fail(path="/resolve/", headers=etag, times=99)
    assert fetch(hub).checksums == (blob,)
    server.faults.clear()
    server.repos[REPO].files["b.gguf"] = CONTENT
    etag = {"X-Linked-ETag": '"' + "0" * 40 + '"'}
    server.fail(path="/resolve/", headers=etag, times=99)
    assert "its checksum is another" in failure(hub, wanted="b")


# ------------------------------------------------------------------ the line


def test_a_dropped_line_is_taken_up_where_it_broke(server: FakeHub, hub: Hub) -> None:
    server.fail(on="cdn", drop_after=100_000)
    server.fail(on="cdn", drop_after=50_000)
    assert whole(hub, fetch(hub))
    assert ranges(server) == [f"bytes={n}-{SIZE - 1}" for n in (0, 100_000, 150_000)]


def test_after_enough_failures_what_came_is_kept_for_the_next_attempt(
    server: FakeHub, hub: Hub
) -> None:
    server.fail(on="cdn", drop_after=30_000, times=4)
    text = failure(hub)
    assert "dropped the line" in text and "(117 KiB of 391 KiB are kept)" in text
    assert len(server.asked("cdn")) == 4 and kept(hub) == 120_000
    result = fetch(hub)
    assert whole(hub, result) and result.received_bytes == SIZE - 120_000
    assert ranges(server)[-1] == f"bytes=120000-{SIZE - 1}"


def test_a_line_that_brings_enough_each_time_is_not_given_up(
    server: FakeHub, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.models.download.ENOUGH", 10_000)
    server.fail(on="cdn", drop_after=20_000, times=12)
    assert whole(hub, fetch(hub))


def test_trouble_of_the_servers_own_is_waited_out(server: FakeHub, hub: Hub) -> None:
    server.fail(on="cdn", status=503)
    server.fail(on="hub", method="GET", path="/resolve/", status=429, headers={"Retry-After": "0"})
    assert whole(hub, fetch(hub))


def test_a_server_that_asks_for_an_hour_is_not_waited_for(server: FakeHub, hub: Hub) -> None:
    server.fail(on="cdn", drop_after=70_000)
    server.fail(on="cdn", status=503, headers={"Retry-After": "3600"}, times=9)
    assert "has trouble of its own (status 503)" in failure(hub)
    assert len(server.asked("cdn")) == 2 and kept(hub) == 70_000


def test_a_line_that_falls_silent_is_taken_up(
    server: FakeHub, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hours of silence are the clock's alone: a slow machine is no silent line."""
    read_clock, slept = time.monotonic, [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: read_clock() + slept[0])
    server.fail(on="cdn", stall_after=90_000)
    stages: list[str] = []

    def watch(progress: Progress) -> None:
        stages.append(progress.stage)
        if progress.done == 90_000 and "waiting" not in stages:
            slept[0] += 3600

    assert whole(hub, fetch(hub, on_progress=watch))
    assert len(server.asked("cdn")) == 2
    assert ranges(server)[1] == f"bytes=90000-{SIZE - 1}"


def test_a_server_that_ignores_ranges_costs_time_and_nothing_else(
    server: FakeHub, hub: Hub
) -> None:
    server.fail(on="cdn", drop_after=200_000)
    server.fail(on="cdn", ignore_range=True, drop_after=150_000)  # breaks before it is new
    server.fail(on="cdn", ignore_range=True, drop_after=250_000)
    server.fail(on="cdn", ignore_range=True)
    sizes: list[int] = []

    def watch(_: Progress) -> None:
        sizes.append(partial(hub).stat().st_size if partial(hub).exists() else 0)

    assert whole(hub, fetch(hub, on_progress=watch))
    begun = sizes.index(200_000)
    assert min(sizes[begun:-1]) >= 200_000  # never cut back


def test_a_release_behind_another_address_of_the_hub_is_followed(server: FakeHub, hub: Hub) -> None:
    server.fail(method="HEAD", path="/resolve/", redirect=f"/{REPO}/resolve/{COMMIT}/{FILE}")
    server.fail(method="GET", path="/resolve/", redirect=f"/{REPO}/resolve/{COMMIT}/{FILE}")
    assert whole(hub, fetch(hub))


def test_the_token_does_not_follow_to_where_the_bytes_are(
    server: FakeHub, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", server.token)
    server.repos[REPO].private = True
    server.fail(on="cdn", drop_after=1000)
    assert whole(hub, fetch(hub))
    assert {"authorization" in r.headers for r in server.asked("hub")} == {True}
    assert {"authorization" in r.headers for r in server.asked("cdn")} == {False}
    for place in hub.folder.rglob("*"):
        assert not place.is_file() or server.token.encode() not in place.read_bytes()


def test_a_file_that_became_gated_meanwhile_keeps_what_came(server: FakeHub, hub: Hub) -> None:
    server.fail(on="cdn", drop_after=60_000)
    refusal = {"X-Error-Code": "GatedRepo"}
    server.fail(method="GET", path="/resolve/", status=403, headers=refusal, times=0)
    gated = server.faults[-1]

    def watch(progress: Progress) -> None:
        gated.times = 9 if progress.done else 0

    text = failure(hub, on_progress=watch)
    assert text.startswith(f"{REPO} is gated: ") and kept(hub) == 60_000


# ------------------------------------------------------------------ stopping


def test_a_download_that_is_stopped_goes_on_later(server: FakeHub, hub: Hub) -> None:
    server.fail(on="cdn", stall_after=200_000)
    done: list[int] = []

    def watch(progress: Progress) -> None:
        done.append(progress.done)

    with pytest.raises(Stopped) as caught:
        fetch(hub, on_progress=watch, cancelled=lambda: bool(done) and done[-1] == 200_000)
    assert caught.value.message == (
        "Stopped (195 KiB of 391 KiB are kept); pull it again to go on."
    )
    assert kept(hub) == 200_000
    assert fetch(hub).received_bytes == 200_000


def test_a_download_stops_while_it_waits_to_try_again(server: FakeHub, hub: Hub) -> None:
    patient = Hub(hub.endpoint, hub.cache_dir, waits_s=(3600,))
    server.fail(on="cdn", drop_after=1000)
    notes: list[str] = []

    def watch(progress: Progress) -> None:
        notes.append(progress.note)

    with pytest.raises(Stopped):
        fetch(patient, on_progress=watch, cancelled=lambda: "the line broke" in notes[-1])
    assert notes[-1] == "the line broke; trying again in 3600 s"
    assert kept(hub) == 1000


def test_what_broken_off_downloads_left_can_be_discarded(server: FakeHub, hub: Hub) -> None:
    server.fail(on="cdn", drop_after=30_000, times=4)
    failure(hub)
    with WeakFileLock(places_for(hub.folder, REPO, FILE, COMMIT, CHECKSUM).lock):
        assert discard_partials(hub.folder) == 0  # someone is at it
    assert discard_partials(hub.folder, "other/repo") == 0
    assert discard_partials(hub.folder, REPO) == 120_000
    assert not partial(hub).exists()


# ------------------------------------------------------------------ speed


def test_the_speed_is_that_of_the_last_seconds() -> None:
    samples = [(float(t), 10 * t) for t in range(5)] + [(5.0, 1040), (6.0, 2040)]
    assert pace(samples, 6.0, window_s=2) == 1000
    assert pace(samples, 6.0, window_s=100) == 340
    assert pace(samples, 8.0, window_s=2) == 0
    assert pace(samples, 7.0, window_s=2) == 500


def test_no_speed_is_told_from_nothing() -> None:
    assert pace([], 1.0) is None
    assert pace([(1.0, 5)], 1.0) is None
    assert pace([(1.0, 5), (1.4, 500)], 1.4) is None
    assert time_left(5, 10, None) is None
    assert time_left(5, 10, 0.0) is None
    assert time_left(5, 10, 2.0) == 2.5


def test_progress_only_grows_and_ends_at_the_whole(server: FakeHub, hub: Hub) -> None:
    server.fail(on="cdn", drop_after=100_000)
    seen: list[Progress] = []
    watch: Callable[[Progress], None] = seen.append
    fetch(hub, on_progress=watch)
    done = [progress.done for progress in seen]
    assert done == sorted(done) and done[-1] == SIZE
    stages = [progress.stage for progress in seen]
    assert (stages[0], stages[-1]) == ("asking", "finishing") and "waiting" in stages
    assert all(progress.total == SIZE for progress in seen)
