"""Judging a draft by the header that lies on the Hub, and reading no more of the file than that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.errors import SpecdecError
from core.models.background import Stopped
from core.models.gguf import read_header
from core.models.header import GgufHeader
from core.models.hub_connection import Hub
from core.models.progress import Progress
from core.models.remote_header import RemoteDraft, check_remote_draft, read_remote_header
from tests.support.fake_hub import FakeHub, dead_port
from tests.support.tiny_gguf import write_embedding_model, write_tiny_model

REPO, FILE = "org/Draft-GGUF", "Draft-F32.gguf"
FIRST = 4096


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A target, drafts of it whose headers are about 20 KB, and one that does not fit."""
    folder = tmp_path_factory.mktemp("drafts")
    write_tiny_model(folder / "target.gguf", vocab_size=900)
    write_tiny_model(folder / FILE, vocab_size=900, n_embd=16)
    write_tiny_model(folder / "other.gguf", vocab_size=900, token_overrides={700: "<other>"})
    write_tiny_model(folder / "split.gguf", vocab_size=900, split_max_tensors=4)
    write_embedding_model(folder / "embedding.gguf")
    return folder


@pytest.fixture
def target(folder: Path) -> GgufHeader:
    return read_header(folder / "target.gguf")


@pytest.fixture(autouse=True)
def filled(server: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.models.remote_header.FIRST_READ", FIRST)
    server.add(REPO, {path.name: path.read_bytes() for path in folder.iterdir()})


def header_size(path: Path) -> int:
    return path.stat().st_size - read_header(path).tensor_bytes


def ranges(server: FakeHub) -> list[str]:
    return [asked.headers["range"] for asked in server.asked("cdn")]


def failure(hub: Hub, file: str = FILE, kind: str = "hub") -> str:
    with pytest.raises(SpecdecError) as caught:
        read_remote_header(REPO, file, hub)
    assert caught.value.kind == kind and caught.value.message.isprintable()
    return caught.value.message


def test_the_header_is_read_in_growing_pieces_and_the_weights_are_not(
    server: FakeHub, hub: Hub, folder: Path
) -> None:
    header, read = read_remote_header(REPO, FILE, hub)
    there = read_header(folder / FILE)
    assert (header.metadata, header.tokens) == (there.metadata, there.tokens)
    assert (header.n_params, header.file_size) == (there.n_params, there.file_size)
    assert ranges(server) == [
        "bytes=0-4095",
        "bytes=4096-8191",
        "bytes=8192-16383",
        "bytes=16384-32767",
    ]
    assert 16384 < header_size(folder / FILE) <= read == 32768 == server.sent_bytes
    assert read < there.file_size


def test_a_draft_that_fits_and_one_that_does_not(hub: Hub, target: GgufHeader) -> None:
    fits: RemoteDraft = check_remote_draft(REPO, FILE, target, hub)
    assert fits.compatibility.verdict == "yes"
    other = check_remote_draft(REPO, "other.gguf", target, hub).compatibility
    assert other.verdict == "no"
    assert other.cause.startswith("token 700 differs: ") and "'<other>' there" in other.cause
    embedding = check_remote_draft(REPO, "embedding.gguf", target, hub).compatibility
    assert embedding.cause == "it is an embedding model, which writes no text"
    assert embedding.verdict == "no"


def test_a_split_model_is_judged_by_its_first_part(
    server: FakeHub, hub: Hub, target: GgufHeader
) -> None:
    (first,) = [n for n in server.repos[REPO].files if n.startswith("split-00001")]
    assert check_remote_draft(REPO, first, target, hub).compatibility.verdict == "yes"


def test_a_server_that_sends_everything_is_not_read_to_its_end(server: FakeHub, hub: Hub) -> None:
    server.repos[REPO].files[FILE] += bytes(8 * 2**20)
    server.fail(on="cdn", ignore_range=True, times=99)
    header, read = read_remote_header(REPO, FILE, hub)
    assert header.n_vocab == 900
    assert read == 32768
    assert len(server.asked("cdn")) == 4


def test_a_small_file_is_asked_for_no_more_than_it_has(server: FakeHub, hub: Hub) -> None:
    small = server.repos[REPO].files["embedding.gguf"]
    assert len(small) < FIRST
    _, read = read_remote_header(REPO, "embedding.gguf", hub)
    assert read == len(small)


def test_a_line_that_breaks_is_taken_up(server: FakeHub, hub: Hub) -> None:
    server.fail(on="cdn", status=503)
    server.fail(on="cdn", drop_after=1000)
    header, _ = read_remote_header(REPO, FILE, hub)
    assert header.n_vocab == 900
    assert ranges(server)[:3] == ["bytes=0-4095", "bytes=0-4095", "bytes=1000-4095"]


@pytest.mark.parametrize(
    ("fault", "expected", "kind"),
    [
        ({"shift": 1}, "sends other bytes of Draft-F32.gguf than", "hub"),
        ({"status": 500, "times": 9}, "trouble of its own (status 500)", "hub"),
        ({"headers": {"Content-Type": "text/html"}}, "sends a web page instead", "hub"),
        ({"headers": {"Content-Range": "bytes 0-4095/4096"}}, "cut off or damaged", "file"),
        ({"ignore_range": True, "body": b"no model"}, "is not a GGUF file", "file"),
        ({"ignore_range": True, "body": b""}, "is empty", "file"),
    ],
)
def test_answers_that_are_wrong_are_named(
    server: FakeHub, hub: Hub, fault: dict[str, Any], expected: str, kind: str
) -> None:
    server.fail(on="cdn", **fault)
    assert expected in failure(hub, kind=kind)


def test_a_header_that_claims_to_go_on_for_ever_is_given_up(
    server: FakeHub, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.models.remote_header.MOST_READ", 16384)
    assert "is longer than any known" in failure(hub)
    assert server.sent_bytes <= 16384


def test_refusals_are_those_of_the_hub(server: FakeHub, hub: Hub) -> None:
    assert failure(hub, "gone.gguf") == (f"{REPO} has no file gone.gguf; look at what it has now.")
    assert "cannot be used here" in failure(hub, "../x.gguf")
    server.repos[REPO].gated = True
    assert failure(hub).startswith(f"{REPO} is gated: accept its terms")
    with dead_port() as url:
        assert "cannot be reached" in failure(Hub(url))


def test_it_stops_when_asked_to(server: FakeHub, hub: Hub) -> None:
    server.fail(on="cdn", stall_after=100)
    seen: list[Progress] = []
    with pytest.raises(Stopped):
        read_remote_header(REPO, FILE, hub, seen.append, lambda: seen[-1].done == 100)
    assert seen[-1].file == FILE
