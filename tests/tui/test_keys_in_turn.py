"""Keys that come in one piece, as over SSH or while the app is busy, count in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widget import Widget

from tests.support.terminal import Screen
from tui import keys_in_turn
from tui.keys_in_turn import Turns


@pytest.fixture
def screen(models: Path) -> Screen:
    target = str(models / "target.gguf")
    screen = Screen("--target", target, "--draft", "none", "--threads", "1", columns=80, rows=24)
    screen.wait(lambda text: "ready" in text)
    return screen


def written(text: str) -> str:
    """What stands in the composer's first line."""
    return text.splitlines()[-3].partition("›")[2].strip()


@pytest.mark.parametrize(
    ("keys", "becomes"),
    [
        ("abc\x15def", "def"),
        ("ab\x7fc", "ac"),
        ("ab\x1b[Dc", "acb"),
        ("one two\x17three", "one three"),
    ],
    ids=["Ctrl+U", "Backspace", "Left", "Ctrl+W"],
)
def test_what_is_typed_after_an_editing_key_comes_after_it(
    screen: Screen, keys: str, becomes: str
) -> None:
    screen.process.send(keys)
    screen.wait(lambda text: written(text) == becomes)


def test_what_is_typed_after_a_command_is_another_text(screen: Screen) -> None:
    screen.process.send("/temp 0.4\rhello")
    screen.wait(lambda text: written(text) == "hello" and "temperature: 0.4" in text)


def test_enter_means_what_is_written_and_no_earlier_completion(screen: Screen) -> None:
    screen.process.send("/t")
    screen.wait(lambda text: "/temp X" in text and "/theme NAME" in text)
    screen.process.send("heme\r")  # the list is still the one of "/t", whose first is /temp
    screen.wait(lambda text: "specdec-light" in text)
    screen.process.send("\x1b")
    screen.wait(lambda text: written(text) == "Write a message")


def test_what_is_typed_after_the_key_of_a_screen_is_for_that_screen(screen: Screen) -> None:
    screen.process.send("\x1b[17~fox")  # F6
    screen.wait(lambda text: text.startswith(" chats   fox"))
    screen.process.send("\x1b\x1b")
    screen.wait(lambda text: written(text) == "Write a message")


class Stuck(Widget, can_focus=True):
    """Does not come to the end of its first key until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()

    async def on_key(self) -> None:
        await self.let_go.wait()


class AroundStuck(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.turns = Turns(self, super().on_event)
        self.reached = ""

    def compose(self) -> ComposeResult:
        yield Stuck()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self.turns.take(event)
        else:
            await super().on_event(event)

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        self.reached += key if priority else ""
        return priority and key == "b"


async def until(condition: Callable[[], bool]) -> None:
    """Without Textual's own waiting, which waits for the widget that is stuck."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_widget_that_is_stuck_keeps_no_key_from_the_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = AroundStuck()
    async with app.run_test():
        monkeypatch.setattr(keys_in_turn, "PATIENCE_S", 3600.0)
        for key in "ab":
            app.post_message(events.Key(key, key))
        await until(lambda: app.reached == "a")
        monkeypatch.setattr(keys_in_turn, "PATIENCE_S", 0.0)
        app.post_message(events.Key("b", "b"))
        await until(lambda: app.reached == "abb")
        app.query_one(Stuck).let_go.set()
