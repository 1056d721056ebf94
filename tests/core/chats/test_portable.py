"""A conversation leaves as Markdown or JSON, and comes back from JSON that may be anything."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import wire
from core.chats.branches import path as path_to
from core.chats.exports import to_json, to_markdown, write_new
from core.chats.imports import chat_of, read_chat
from core.chats.portable import MOST_BYTES, MOST_CHARACTERS
from core.chats.records import Chat, Message, new_id
from core.errors import SpecdecError
from core.protocol import ReplyStats
from tests.core.chats.conftest import Talk, talk


def branched() -> tuple[Chat, dict[int, Message]]:
    """Two answers to the first message, of which the first is shown."""
    chat, messages = talk("hello", "good morning", "and then?", "then on", title="A talk")
    stats = wire.write(ReplyStats(n_tokens=1200, speedup=2.314))
    messages[1] = replace(messages[1], target="big", drafter="small", stats=stats)
    other = Message(new_id(), messages[0].id, "assistant", "go away", 5.0, "interrupted", "So.")
    return chat, {message.id: message for message in [*messages, other]}


def test_markdown_has_the_branch_shown() -> None:
    chat, messages = branched()
    text = to_markdown(chat, messages)
    day = time.strftime("%Y-%m-%d", time.localtime(chat.created))
    assert text == (
        f"# A talk\n\n{day}\n\n## System\n\nbe brief\n\n## You\n\nhello\n\n## Assistant\n\n"
        "*big ← small · 1,200 tokens · 2.31×*\n\ngood morning\n\n"
        "## You\n\nand then?\n\n## Assistant\n\nthen on\n"
    )


def test_json_has_every_branch_and_comes_back() -> None:
    chat, messages = branched()
    back, found = chat_of(to_json(chat, messages).encode())
    before = list(messages.values())
    numbers = {old.id: new.id for old, new in zip(before, found, strict=True)}
    for old, new in zip(before, found, strict=True):
        assert new.id > old.id and new.parent == (numbers[old.parent] if old.parent else None)
        assert (new.role, new.text, new.created, new.ending, new.note) == (
            *(old.role, old.text, old.created, old.ending, old.note),
        )
        assert (new.target, new.drafter, bool(new.stats)) == (
            *(old.target, old.drafter, bool(old.stats)),
        )
    assert (back.title, back.system, back.created) == (chat.title, chat.system, chat.created)
    assert chat.leaf is not None and back.leaf == numbers[chat.leaf]


def test_a_message_that_no_import_takes_leaves_all_the_same() -> None:
    chat, messages = talk("x" * (MOST_CHARACTERS + 1), "y", title="long")
    text = to_json(chat, {message.id: message for message in messages})
    with pytest.raises(SpecdecError, match="should have at most 4000000 characters"):
        chat_of(text.encode())


def test_a_reply_in_progress_leaves_as_interrupted() -> None:
    chat, (prompt, reply) = talk("hello", "wor")
    text = to_json(chat, {m.id: m for m in (prompt, replace(reply, ending=None, open=True))})
    assert json.loads(text)["messages"][1]["ending"] == "interrupted"


MESSAGE = {"id": 1, "role": "user", "text": "hello"}
REPLY = {"id": 2, "parent": 1, "role": "assistant", "text": "yes"}


def chat_json(*messages: Any, **more: Any) -> bytes:
    return json.dumps({"messages": messages, **more}).encode()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\xff\xfe{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "the file: input should be an object"),
        (b"{}", "messages: is missing"),
        (chat_json(), "messages: there are none"),
        (chat_json(MESSAGE, version=2), "version: input should be 1"),
        (chat_json(MESSAGE, format="other"), "format: input should be"),
        (chat_json(MESSAGE, colour="red"), "colour: there is no such key in an exported chat"),
        (chat_json(MESSAGE | {"role": "tool"}), "messages[0].role: input should be"),
        (chat_json(MESSAGE | {"text": 5}), "messages[0].text: input should be a valid string"),
        (chat_json(MESSAGE | {"text": "x" * 4_000_001}), "messages[0].text: string should have"),
        (chat_json(MESSAGE, REPLY, REPLY), "messages[2].id: 2 was given before"),
        (chat_json(MESSAGE | {"parent": 1}), "messages[0].parent: 1 is not the id of a message"),
        (
            chat_json(MESSAGE | {"parent": 2}, REPLY),
            "messages[0].parent: 2 is not the id of a message before it",
        ),
        (chat_json(MESSAGE, REPLY | {"role": "user"}), "messages[1].role: user and assistant must"),
        (chat_json(REPLY | {"parent": None}), "messages[0].role: user and assistant must"),
        (chat_json(MESSAGE, REPLY | {"parent": 10**4000}), "messages[1].parent: 1000"),
        (chat_json(*[MESSAGE | {"id": 10**4000}] * 2), "messages[1].id: 1000"),
        (chat_json(MESSAGE, shown=10**4000), "shown: 1000"),
        (chat_json(MESSAGE, shown=9), "shown: 9 is not the id of a message"),
        (chat_json(*([MESSAGE] * 20_001)), "messages: list should have at most 20000 items"),
        (chat_json(MESSAGE | {"created": 1e300}), "messages[0].created: input should be less"),
        (
            chat_json(MESSAGE, REPLY | {"stats": {"\x1b[31m": 1}}),
            "messages[1].stats.\\x1b[31m: there is no such key",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, data: bytes, sentence: str) -> None:
    file = tmp_path / "chat.json"
    file.write_bytes(data)
    with pytest.raises(SpecdecError) as refused:
        read_chat(file)
    assert refused.value.message.startswith(f"{file}: {sentence}")
    assert refused.value.message.count("\n") == 0 and len(refused.value.message) < 400


def test_a_file_that_is_not_there_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(SpecdecError, match="No such file"):
        read_chat(tmp_path / "none.json")
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(SpecdecError, match="larger than 64 MiB"):
        read_chat(tmp_path / "huge.json")


def test_nothing_that_was_exported_is_overwritten(tmp_path: Path) -> None:
    chat, messages = branched()
    chat = replace(chat, title="../ Über alles: \x1b[31m")
    files = [write_new(tmp_path, chat, "markdown", f"{number}") for number in range(2)]
    assert [file.name for file in files] == ["über-alles-31m.md", "über-alles-31m-2.md"]
    assert [file.read_text() for file in files] == ["0", "1"]
    with pytest.raises(SpecdecError, match="cannot be written"):
        write_new(tmp_path / "nowhere", chat, "json", to_json(chat, messages))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("हिन्दी में लिखो", "हिन्दी-में-लिखो"),
        ("สวัสดีครับ", "สวัสดีครับ"),
        ("cafe\u0301 au lait ❤\ufe0f", "café-au-lait"),
        ("中文 标题", "中文-标题"),
        ("../.hidden\0", "hidden"),
        ("\u0301 ❤\ufe0f …", "chat"),
        ("𝔘" * 300, "𝔘" * 40),
    ],
)
def test_a_title_of_any_script_makes_a_name_that_can_be_read(
    tmp_path: Path, title: str, name: str
) -> None:
    chat = replace(branched()[0], title=title)
    assert write_new(tmp_path, chat, "json", "{}").name == f"{name}.json"


@st.composite
def talks(draw: st.DrawFn) -> Talk:
    messages: list[Message] = []
    ids = draw(st.just(range(1, 21)) | st.permutations(range(1, 21)))  # a clock may be set back
    for number in range(draw(st.integers(1, 20))):
        parent = draw(st.sampled_from([None, *messages]))
        role = "user" if parent is None or parent.role == "assistant" else "assistant"
        text = draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
        messages.append(Message(ids[number], parent and parent.id, role, text, 1.0))
    leaf = draw(st.sampled_from(messages)).id
    return Chat(99, "a title", draw(st.text(max_size=5)), 1.0, 2.0, leaf), messages


@given(talks())
def test_any_conversation_comes_back_whole(talk: Talk) -> None:
    chat, messages = talk
    before = {message.id: message for message in messages}
    back, found = chat_of(to_json(chat, before).encode())
    after = {message.id: message for message in found}

    def branch(kept: dict[int, Message], leaf: int | None) -> list[str]:
        return [kept[at].text for at in path_to({m.id: m.parent for m in kept.values()}, leaf)]

    assert branch(after, back.leaf) == branch(before, chat.leaf)
    expected = sorted(branch(before, m.id) for m in messages)
    assert sorted(branch(after, m.id) for m in found) == expected
