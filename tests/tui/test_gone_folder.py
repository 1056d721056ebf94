"""The folder that the app was started in is removed while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.still_app import StillApp, press, rest
from tui.screens.chats import ChatsScreen
from tui.widgets.key_hints import KeyHints

GONE = "The folder that you came from is gone"


async def test_an_export_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    app = StillApp("specdec-dark")
    app.keeper.enabled = True
    async with app.run_test() as pilot:
        await app.ask_and_wait(pilot, "hello")
        await app.get_reply(pilot)
        folder.rmdir()
        app.action_export()
        await rest(app, pilot)
        assert [GONE in toast.message for toast in app._notifications] == [True]
        await press(app, pilot, "f6", "tab", "e")
        assert isinstance(app.screen, ChatsScreen)
        assert GONE in app.screen.query_one(KeyHints).said
