"""Slash commands: what is one and what is a message, completion, and what they do."""

from __future__ import annotations

import pytest

from core.settings import DEFAULTS
from tests.support.pilot import wait_until
from tests.tui.conftest import Start
from tui.keys import ACTIONS
from tui.slash import Refuse, Run, Say, all_commands, read, suggestions

COMMANDS = all_commands()


@pytest.mark.parametrize(
    "text",
    [
        *("/etc/hosts is a file", "/etc is a folder", "/Users", "/a.out", "/dev/null", "/x1"),
        *(
            "/usr/bin is full",
            "hello /help",
            "/usr and /var",
            "/home is where",
            "/",
            "/ help",
            "/*",
            "//",
            "/-",
        ),
    ],
)
def test_what_cannot_be_meant_as_a_command_is_a_message(text: str) -> None:
    expected = "/" if text == "//" else text
    assert read(text, COMMANDS) == Say(expected)


def test_two_slashes_send_one() -> None:
    assert read("//help me", COMMANDS) == Say("/help me")
    assert read("//", COMMANDS) == Say("/")


@pytest.mark.parametrize(
    ("text", "guess"),
    [
        *(("/hlep", "/help"), ("/hlep me", "/help"), ("/quti", "/quit"), ("/modles", "/models")),
        *(("/sead 4", "/seed"), ("/top-kk 4", "/top-k")),
    ],
)
def test_a_misspelt_command_is_not_sent(text: str, guess: str) -> None:
    answer = read(text, COMMANDS)
    assert isinstance(answer, Refuse) and f"did you mean {guess}?" in answer.sentence


@pytest.mark.parametrize("text", ["/var", "/title x", "/title of this chat", "/wish_list now"])
def test_an_unknown_word_is_not_sent_and_the_way_out_is_said(text: str) -> None:
    answer = read(text, COMMANDS)
    assert isinstance(answer, Refuse) and "With // it is sent" in answer.sentence


def test_commands_with_and_without_something_after_them() -> None:
    assert isinstance(read("/help me", COMMANDS), Refuse)
    run = read("/temp   0.5 ", COMMANDS)
    assert isinstance(run, Run) and (run.command.name, run.argument) == ("temp", "0.5")
    run = read("/system be brief\nand kind", COMMANDS)
    assert isinstance(run, Run) and run.argument == "be brief\nand kind"
    run = read("/exit", COMMANDS)
    assert isinstance(run, Run) and run.command.name == "quit"


@pytest.mark.parametrize("name", [name for name in DEFAULTS if name not in ("draft", "theme")])
def test_every_setting_is_a_command_of_its_name(name: str) -> None:
    for spelt in (name, name.replace("_", "-")):
        run = read(f"/{spelt} 4", COMMANDS)
        assert isinstance(run, Run) and (run.command.setting, run.argument) == (name, "4")


def test_every_action_with_a_place_in_the_palette_is_a_command() -> None:
    names = {command.name for command in COMMANDS}
    assert {entry.command for entry in ACTIONS if entry.palette} <= names
    every = [name for command in COMMANDS for name in (command.name, *command.also)]
    assert len(every) == len(set(every))


def test_what_the_palette_calls_an_action_is_its_command_too() -> None:
    for entry in ACTIONS:
        if entry.palette and entry.id != "first_run":  # which is called by a whole sentence
            name = entry.label.lower().replace(" ", "-")
            run = read(f"/{name}", COMMANDS)
            assert isinstance(run, Run) and run.command.name == entry.command


def test_what_can_be_completed() -> None:
    assert [entry.text for entry in suggestions("/dr", COMMANDS, {})] == [
        *("/draft ", "/draft-len ", "/drafts")
    ]
    drafts = {"draft": [("none", ""), ("prompt lookup", "")]}
    assert [entry.text for entry in suggestions("/draft LO", COMMANDS, drafts)] == [
        "/draft prompt lookup"
    ]
    for text in ("/etc/h", "x", "/help\n", "//"):
        assert suggestions(text, COMMANDS, drafts) == []


# ------------------------------------------------------------------ in the app


async def test_commands_do_what_they_say(start: Start) -> None:
    async with start(temperature=None, max_tokens=4) as (app, pilot):
        app.composer.text = "/draft lookup"
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use == "lookup")
        for text in ("/temp 0.25", "/draft-len 3", "/system be brief", "/theme specdec-light"):
            app.composer.text = text
            await pilot.press("enter")
            await wait_until(pilot, lambda: not app.composer.text)
        assert app.settings.temperature == app.dialogue.settings.temperature == 0.25
        assert app.dialogue.settings.draft_len == 3
        assert app.dialogue.conversation.system == "be brief"
        assert app.theme == "specdec-light"
        for text in ("/seed 4", "/top_k 7", "/min-p 0", "/verify exact"):
            app.composer.text = text
            await pilot.press("enter")
            await wait_until(pilot, lambda: not app.composer.text)
        sampling = app.dialogue.settings.sampling()
        assert (sampling.seed, sampling.top_k, sampling.min_p) == (4, 7, 0)
        assert sampling.verify == "exact" and app.divider.hint == "verify: exact"
        assert app.dialogue.conversation.turns == []
        app.composer.text = "//hello"
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.dialogue.conversation.turns and not app.dialogue.busy)
        turn = app.dialogue.conversation.turns[0]
        assert turn.prompt == "/hello" and turn.stats and turn.stats.draft_len <= 3
        await pilot.press("up")
        assert app.composer.text == "//hello", "what was sent can be called back"
        await pilot.press("up")
        assert app.composer.text == "/verify exact", "and commands"


async def test_none_takes_a_seed_and_a_system_prompt_away(start: Start) -> None:
    async with start(loaded=False, seed=4, system="be brief") as (app, pilot):
        for text in ("/seed none", '/system ""'):
            app.composer.text = text
            await pilot.press("enter")
            await wait_until(pilot, lambda: not app.composer.text)
        assert (app.settings.seed, app.settings.system) == (None, "")
        assert app.divider.hint == "system: none"


async def test_a_system_prompt_for_the_next_chat_is_said_to_be_for_that(start: Start) -> None:
    async with start(max_tokens=4) as (app, pilot):
        app.composer.text = "hello"
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.dialogue.conversation.turns and not app.dialogue.busy)
        app.composer.text = "/system be brief"
        await pilot.press("enter")
        await wait_until(pilot, lambda: not app.composer.text)
        assert app.divider.hint == "system, from the next chat on: be brief"


async def test_what_cannot_be_done_is_said_and_the_text_stays(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        for text, said in (
            ("/temp hot", "give a number"),
            ("/draft-len 99", "give auto or 0 to 64"),
            ("/draft nonsense", "no draft on offer"),
            ("/hlep", "did you mean /help?"),
            ("/zzz", "there is no command /zzz; / lists them."),
            ("/seed four", "give a whole number from 0 up"),
            ("/ctx 4096", "/settings sets it. Counts when the models are loaded again."),
            ("/title x", "With // it is sent as a message."),
        ):
            app.composer.text = text
            await pilot.press("enter")
            await pilot.pause()
            assert said in app.divider.hint
            assert app.composer.text == text
        assert app.dialogue.conversation.turns == []


async def test_tab_completes_and_enter_takes_what_is_chosen(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await pilot.press("slash", "h")
        assert app.completions.display
        await pilot.press("tab")
        assert app.composer.text == "/help" and not app.completions.display
        app.composer.clear()
        await pilot.press("slash", "d", "down", "down", "up", "tab")
        assert app.composer.text == "/draft "
        await pilot.press("escape")
        assert not app.completions.display
        app.composer.clear()
        app.composer.text = "/engi"
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert len(app.screen_stack) == 2, "the engine's log"


async def test_enter_sends_what_is_a_command_as_it_stands(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        asked: list[str] = []
        app.take_command = lambda text: asked.append(text) or silence()
        for text in ("/edit", "/draft 2", "/draft none", "/eng"):
            app.composer.text = text
            await pilot.pause()
            await pilot.press("enter")
            await pilot.pause()
        assert asked == ["/edit", "/draft 2", "/draft none", "/engine-log"]
        app.composer.text = "/draft o"
        await pilot.pause()
        await pilot.press("down", "enter")
        await pilot.pause()
        assert asked[-1].startswith("/draft ") and asked[-1] != "/draft o"
        app.composer.recall.remember("/draft lookup")
        app.composer.clear()
        await pilot.press("up")
        await pilot.pause()
        assert not app.completions.display, "what was called back is left with Up and Down"


async def silence() -> str:
    return ""


async def test_up_calls_earlier_messages_back_and_keeps_what_was_typed(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        for text in ("one", "two\nlines", "/etc is"):
            app.composer.recall.remember(text)
        await pilot.press("m", "y", "up")
        assert app.composer.text == "/etc is"
        await pilot.press("up", "x")
        assert app.composer.text == "twox\nlines", "the cursor is where Up goes on"
        await pilot.press("up", "up")
        assert app.composer.text == "one"
        await pilot.press("down")
        assert app.composer.text == "twox\nlines", "what was changed is still so"
        await pilot.press("down", "down")
        assert app.composer.text == "my"
        await pilot.press("down")
        assert app.composer.text == "my"
