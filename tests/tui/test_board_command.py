"""`specdec-tui bench --prompts FILE --drafts A,B` as a user meets it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from core.bench.synthetic import Pair, write_pair
from core.chats.records import Chat, Message
from core.chats.store import Store
from core.errors import SpecdecError
from tui.cli import main
from tui.commands.board import MOST_FROM_CHATS, asked_before, own_prompts, paragraphs

SHORT = ("--repeats", "1", "--tokens", "24")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"), "tiny", (0.9, 0.3))


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPECDEC_THREADS", "1")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def asked(tmp_path: Path) -> str:
    path = tmp_path / "prompts.txt"
    path.write_text("Go on.\n\nTell me of the sea\nand of the shore.\n", encoding="utf-8")
    return str(path)


def test_drafts_are_ranked_on_the_users_own_prompts(
    capsys: pytest.CaptureFixture[str], pair: Pair, asked: str
) -> None:
    command = ["bench", "--target", str(pair.target), "--prompts", asked, *SHORT]
    assert main([*command, "--drafts", f"{pair.draft},none,lookup"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "target  target"
    assert lines[2].split()[:3] == ["draft", "tok/s", "speed-up"]
    rows = {line.split()[0]: line.split() for line in lines[3:6]}
    assert set(rows) == {"none", "draft", "lookup"}
    assert rows["none"][2] == "1.00×"
    speedups = [float(line.split()[2].rstrip("×")) for line in lines[3:6]]
    assert speedups == sorted(speedups, reverse=True)
    assert "2 prompts, 1 time; at most 24 tokens" in lines[-1]


def test_all_drafts_that_fit_as_a_document(
    capsys: pytest.CaptureFixture[str], pair: Pair, asked: str
) -> None:
    command = ["bench", "--target", str(pair.target), "--prompts", asked, *SHORT, "--json"]
    assert main([*command, "--drafts", "all"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {row["draft"] for row in document["board"]} == {"none", "lookup", "draft"}
    assert document["n_prompts"] == 2 and len(document["replies"]) == 6


def test_own_prompts_can_be_measured_with_one_draft_as_ever(
    capsys: pytest.CaptureFixture[str], pair: Pair, asked: str
) -> None:
    named = ("--target", str(pair.target), "--draft", str(pair.draft))
    assert main(["bench", *named, "--prompts", asked, *SHORT]) == 0
    kinds = [line.split()[0] for line in capsys.readouterr().out.splitlines()[6:]]
    assert kinds == ["own", "all"]


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--drafts", "none"), "names no draft"),
        (("--drafts", "lookup", "--sweep"), "leave out --sweep"),
        (("--drafts", "lookup", "--draft", "lookup"), "leave out --draft"),
        (("--prompts", "/nowhere.txt", "--drafts", "lookup"), "/nowhere.txt cannot be read"),
        (("--prompts", "x", "--kinds", "code"), "leave out --kinds"),
        (("--prompts", "chats", "--drafts", "lookup"), "no prompt in your chats"),
    ],
)
def test_what_cannot_be_measured_is_wrong_usage(
    flags: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--demo", *flags]) == 2
    out, err = capsys.readouterr()
    assert out == "" and says in err and err.count("\n") == 1


def test_a_prompt_is_a_paragraph() -> None:
    assert paragraphs("\n one\ntwo  \n \n\nthree\n") == [" one\ntwo", "three"]
    assert paragraphs(" \n\n") == []


def test_prompts_come_from_stdin_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\n\nb"))
    assert [p.messages[0].content for p in own_prompts("-")] == ["a", "b"]
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SpecdecError, match="no UTF-8 text"):
        own_prompts(str(tmp_path / "bytes"))


def test_the_last_messages_of_all_chats_are_taken_each_once(tmp_path: Path) -> None:
    store = Store()
    assert store.path.is_relative_to(tmp_path)
    for chat in (1, 2):
        texts = [f"chat {chat}, message {n}" for n in range(20)] + ["the same"]
        store.add(
            Chat(chat, "", "", 0.0, float(chat)),
            [Message(100 * chat + n, None, "user", text, 0.0) for n, text in enumerate(texts)],
        )
    store.close()
    found = asked_before()
    assert found[:3] == ["the same", "chat 2, message 19", "chat 2, message 18"]
    assert len(found) == MOST_FROM_CHATS and found.count("the same") == 1
    assert found[-1].startswith("chat 1")
