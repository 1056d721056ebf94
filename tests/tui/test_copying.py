"""What leaves the chat: replies, code blocks and selections, to the clipboard or to a file."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.errors import SpecdecError
from tests.support.pilot import type_text, wait_until
from tests.support.still_app import StillApp, press, rest
from tests.tui.conftest import Start
from tui.app import SpecdecApp
from tui.clipboard import USUAL_LIMIT, notice, osc52
from tui.code_blocks import CodeBlock, in_text, newest, save
from tui.conversation import Turn
from tui.message_lines import MessageLines
from tui.screens.code import CodeScreen, Problem
from tui.widgets.code_list import CodeList
from tui.widgets.message_view import MessageView

REPLY = """<think>
```python
secret()
```
</think>

Two of them:

```python
def one():
    return 1
```

- in a list

  ~~~
  two
  ~~~
"""


async def told(app: SpecdecApp, pilot: Pilot[None], reply: str = REPLY) -> None:
    """A chat in which `reply` was given."""
    app.dialogue.conversation.turns.append(Turn("a question", reply, "stop"))
    lines = [MessageLines("user", "a question"), MessageLines("assistant", reply)]
    await app.chat.show_all(lines)
    await pilot.pause()


def shown(app: SpecdecApp) -> str:
    return "\n".join(line.plain for line in app.query(MessageView).last()._built)


def test_a_text_goes_through_tmux_and_screen() -> None:
    plain = osc52("héllo", {})
    assert plain == f"\x1b]52;c;{base64.b64encode('héllo'.encode()).decode()}\a"
    assert osc52("héllo", {"TMUX": "x"}) == "\x1bPtmux;\x1b" + plain + "\x1b\\"
    pieces = osc52("x" * 3000, {"STY": "x"}).split("\x1b\\")
    assert all(len(piece) < 768 for piece in pieces)
    assert "".join(piece.removeprefix("\x1bP") for piece in pieces) == osc52("x" * 3000, {})


def test_what_is_said_of_it_is_true() -> None:
    assert "Some terminals ignore this" in notice("It was", "x", {})
    assert "allow-passthrough" in notice("It was", "x", {"TMUX": "1"})
    assert "save it to a file" in notice("It was", "x" * (USUAL_LIMIT + 1), {})


def test_blocks_of_a_reply_and_none_of_its_reasoning() -> None:
    found = in_text(REPLY)
    assert [(block.language, block.code) for block in found] == [
        ("python", "def one():\n    return 1"),
        ("", "two"),
    ]
    assert newest(["```\nlast\n```", REPLY])[0].code == "last"


def test_a_file_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert save("a\nb", "~/new.py") == tmp_path / "new.py"
    assert (tmp_path / "new.py").read_text() == "a\nb\n"
    for name, reason in (
        ("~/new.py", "already"),
        ("~/no/x.py", "cannot be written"),
        (" ", "name"),
    ):
        with pytest.raises(SpecdecError, match=reason):
            save("other", name)
    assert (tmp_path / "new.py").read_text() == "a\nb\n"


async def test_the_reply_is_copied_without_its_reasoning(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await told(app, pilot)
        await pilot.press("ctrl+o")
        assert app.clipboard.startswith("Two of them:") and "secret" not in app.clipboard


async def test_a_code_block_is_copied_by_its_number(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await told(app, pilot)
        await pilot.press("alt+c")
        assert isinstance(app.screen, CodeScreen)
        await pilot.press("2")
        await wait_until(pilot, lambda: app.clipboard)
        assert app.clipboard == "def one():\n    return 1"
        assert any("OSC 52" in note.message for note in app._notifications)


async def test_a_code_block_is_saved_under_a_name(start: Start, tmp_path: Path) -> None:
    async with start(loaded=False) as (app, pilot):
        await told(app, pilot)
        (tmp_path / "taken").write_text("mine")
        await pilot.press("alt+c", "down", "s")
        await type_text(pilot, "1")  # a digit is part of a name here
        app.screen.query_one(Input).value = "~/taken"
        await pilot.press("enter")
        assert "already" in app.screen.query_one(Problem).text
        app.screen.query_one(Input).value = "~/one.py"
        await pilot.press("enter")
        await wait_until(pilot, lambda: not isinstance(app.screen, CodeScreen))
        assert (tmp_path / "one.py").read_text() == "def one():\n    return 1\n"
        assert (tmp_path / "taken").read_text() == "mine"


async def test_without_code_nothing_opens(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await told(app, pilot, "no code here")
        await pilot.press("alt+c")
        assert not isinstance(app.screen, CodeScreen)
        assert "no code block" in app.divider.hint


async def test_reasoning_is_folded_and_unfolded(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await told(app, pilot)
        assert "▸ reasoning · 3 words" in shown(app) and "secret" not in shown(app)
        await pilot.press("alt+r")
        assert "▾ reasoning" in shown(app) and "secret()" in shown(app)
        await pilot.press("alt+r")
        assert "secret" not in shown(app)


async def test_reasoning_shows_its_end_while_it_is_written(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        view = await app.chat.add(MessageView("assistant"))
        for piece in (
            "<th",
            "ink>\nfirst",
            " thought\n\nsecond thought",
            "\n</think>\n\nSo: **yes**",
        ):
            view.grow(piece)
            await pilot.pause()
            assert "<th" not in shown(app)
            if "second" in piece:
                assert "┆ second thought" in shown(app)
        assert [line for line in shown(app).split("\n") if line][1:] == [
            "▸ reasoning · 4 words",
            "So: yes",
        ]


async def test_a_selection_spans_archived_messages(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await app.chat.show_all([MessageLines("user", f"message {n}") for n in range(30)])
        await pilot.pause()
        await pilot.press("ctrl+home")
        await wait_until(pilot, lambda: app.chat.scroll_y == 0)
        top = app.chat.content_region.y
        await pilot.mouse_down(offset=(1, top + 1))
        await pilot.hover(offset=(10, top + 7))
        await pilot.mouse_up(offset=(10, top + 7))
        chosen = app.screen.get_selected_text()
        assert chosen == "message 0\n\nyou\nmessage 1\n\nyou\nmessage 2"
        app.screen.action_copy_text()
        assert app.clipboard == chosen


async def test_a_selection_spans_archive_and_views(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await app.chat.show_all([MessageLines("user", f"message {n}") for n in range(30)])
        await pilot.pause()
        first = app.query(MessageView).first().region.y
        await pilot.mouse_down(offset=(1, first - 2))
        await pilot.hover(offset=(11, first + 1))
        await pilot.mouse_up(offset=(11, first + 1))
        chosen = app.screen.get_selected_text() or ""
        assert chosen.split() == ["message", "25", "you", "message", "26"]


async def test_the_list_of_code_blocks_is_a_line_each_at_every_width() -> None:
    app = StillApp("specdec-dark")
    codes = ["x = 1", "日本語 = 2", "a very long line " * 9]
    reply = "\n\n".join(f"```日本語日本語日本語\n{code}\n```" for code in codes)
    async with app.run_test(size=(100, 24)) as pilot:
        await app.ask_and_wait(pilot, "hello")
        await app.get_reply(pilot, reply)
        await press(app, pilot, "alt+c")
        rows = app.screen.query_one(CodeList)
        for width in (100, 60, 30, 12, 4, 100):
            await pilot.resize_terminal(width, 24)
            await rest(app, pilot)
            lines = rows.build(rows.size.width)
            assert rows.size.height == len(lines) == 3
            assert all(line.cell_length == rows.size.width for line in lines)
        assert [line.plain.endswith(" 1 line") for line in rows.build(72)] == [True] * 3
        await press(app, pilot, "s", "enter")
        assert app.screen.query_one(Problem).text == "A file needs a name."
        await press(app, pilot, "escape", "down", "enter")
        assert app.clipboard == codes[1]


async def test_many_code_blocks_scroll_in_what_room_there_is() -> None:
    app = StillApp("specdec-dark")
    async with app.run_test(size=(80, 20)) as pilot:
        await app.push_screen(CodeScreen([CodeBlock(f"n = {n}") for n in range(40)]))
        await press(app, pilot, "G", "s", "enter")
        rows, problem = app.screen.query_one(CodeList), app.screen.query_one(Problem)
        assert "n = 39" in rows.build(70)[-1].plain
        assert problem.region.height == 1 and problem.region.bottom < app.screen.region.bottom
        assert problem.region.bottom <= rows.parent.region.bottom - 2  # type: ignore[union-attr]
