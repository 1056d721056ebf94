"""Whatever names a key on the screen names the one that the user has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tui
from tests.support.still_app import StillApp, press, rest
from tui.key_names import SHOWN
from tui.keys import every_action
from tui.screens.reading import Page
from tui.widgets.key_hints import KeyHints

FOLDER = Path(tui.__file__).parent
OWN = """
[keys]
stop = "f14"
send = "f15"
list_choose = "f16"
models = ""
downloads = "f17"
drafts = "f18"
draft_2 = "f19"
help = "f20"
quit = "ctrl+w"
"""


@pytest.fixture
async def remapped(tmp_path: Path) -> StillApp:
    (tmp_path / "config.toml").write_text(OWN)
    return StillApp("specdec-dark")


def hints(app: StillApp) -> str:
    (line, *_) = reversed(app.screen.query_one(KeyHints).build(120))
    return line.plain


async def test_in_the_chat(remapped: StillApp) -> None:
    app = remapped
    async with app.run_test(size=(120, 40)) as pilot:
        await app.ask_and_wait(pilot, "hello")
        app.action_edit_earlier()
        assert app.divider.hint.startswith("a reply is being written: F14 stops it")
        await press(app, pilot, "f14")
        assert app.dialogue.state.stopping
        await app.get_reply(pilot, reason="cancelled")
        await press(app, pilot, "alt+up")
        assert app.standing_hint.endswith("F15: new branch · F14: leave")


async def test_in_lists(remapped: StillApp) -> None:
    app = remapped
    async with app.run_test(size=(120, 40)) as pilot:
        await press(app, pilot, "f18")
        assert "F16 choose" in hints(app)
        await press(app, pilot, "escape")
        await app.run_action("first_run")
        await rest(app, pilot)
        assert "F16 use it" in hints(app) and "F17" not in hints(app)
        assert "all models" not in hints(app), "which has no key"


async def test_in_the_help(remapped: StillApp) -> None:
    app = remapped
    async with app.run_test(size=(120, 40)) as pilot:
        await press(app, pilot, "f20")
        text = "\n".join(line.plain for line in app.screen.query_one(Page).build(90))
        assert "so F19 to Alt+9, or F18 and the number" in text
        assert "Delete the word before the cursor" not in text, "Ctrl+W quits"
        assert "flow control" not in text


# ------------------------------------------------------------------ all others


def texts(tree: ast.AST) -> Iterator[str]:
    """The strings of a module, but for docstrings."""
    said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in said:
            yield node.value


def keys_in(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])(?:F\d{1,2}|(?:Ctrl|Alt)\+\w+)(?![\w-])", text))


def test_no_sentence_names_a_key_that_the_user_may_have_given_away() -> None:
    registry = {"keys.py", "keys_in_lists.py"}
    found = {
        (path.name, key)
        for path in FOLDER.rglob("*.py")
        if path.name not in registry
        for text in texts(ast.parse(path.read_text()))
        for key in keys_in(text)
    }
    assert found == {("help.py", "Ctrl+Q"), ("bench_flags.py", "F16")}, "the second is no key"


def test_every_action_that_a_sentence_names_is_there() -> None:
    named = {
        name
        for path in FOLDER.rglob("*.py")
        for text in texts(ast.parse(path.read_text()))
        for name in re.findall(r"\{(\w+)\}", text)
    }
    others = {"flag", "value", "what", "v"}  # of the command line, filled in by `str.format`
    assert named - others <= {entry.id for entry in every_action()}


def test_what_is_explained_of_an_action_names_others_by_what_they_are() -> None:
    assert not any(keys_in(entry.help) for entry in every_action())
    assert not any(
        name in entry.help.split() for entry in every_action() for name in SHOWN.values()
    )
