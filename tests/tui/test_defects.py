"""What nobody expected to go wrong on a thread is said, and nothing waits for it for ever."""

from __future__ import annotations

from typing import NoReturn

import pytest
from textual.screen import Screen

from tests.support.pilot import wait_until
from tests.support.still_app import StillApp, press, rest
from tui.actions import models
from tui.model_shelf import Shelf
from tui.widgets.key_hints import KeyHints
from tui.widgets.message_view import MessageView

SAID = "This is a defect: ZeroDivisionError: no such number"


def fail(*_: object, **__: object) -> NoReturn:
    raise ZeroDivisionError("no such number")


async def test_in_the_app_it_is_a_toast() -> None:
    app = StillApp("specdec-dark")
    async with app.run_test() as pilot:
        app.run_worker(fail, thread=True, exit_on_error=False)
        await rest(app, pilot)
        assert [toast.message for toast in app._notifications] == [SAID]


async def test_models_that_cannot_be_looked_for_are_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(models, "chosen_offer", fail)
    app = StillApp("specdec-dark")
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: app.dialogue.state.target)
        app.given_offer, app.dialogue.opened = None, False
        app.run_worker(app.look_for_models, thread=True, exit_on_error=False)
        await wait_until(pilot, lambda: app.dialogue.state.trouble == "not loaded")
        await rest(app, pilot)
        assert app.query(MessageView).last().text == models.NOT_LOOKED
        assert [toast.message for toast in app._notifications] == [SAID]


def hints(screen: Screen[object]) -> str:
    return screen.query_one(KeyHints).said


@pytest.mark.parametrize("key", ["f3", "f5", "f6"])
async def test_on_a_screen_it_stands_above_the_keys(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(Shelf, "models", fail)
    monkeypatch.setattr("core.models.survey.survey", fail)
    app = StillApp("specdec-dark")
    monkeypatch.setattr(app.keeper, "store", fail)
    async with app.run_test() as pilot:
        await press(app, pilot, key)
        await wait_until(pilot, lambda: hints(app.screen) == SAID)
        await press(app, pilot, "escape")
        assert len(app.screen_stack) == 1
