"""The keys: none of ours is taken by others without a reason, and the user's own are obeyed."""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.containers import VerticalScroll
from textual.widgets import Static, TextArea

from tests.tui.conftest import Start
from tui import keymap as keymap_module
from tui.actions.places import NOWHERE_ELSE
from tui.code_blocks import CodeBlock
from tui.key_names import SAME_AS, key_text, normal_key, wants_kitty
from tui.keymap import Keymap, clashes, read_keymap
from tui.keys import ACTIONS, every_action
from tui.screens.code import CodeScreen
from tui.screens.help import HelpScreen
from tui.screens.jump import JumpScreen
from tui.screens.reading import Page, ReadingScreen
from tui.widgets.chat_list import ChatList
from tui.widgets.code_list import CodeList
from tui.widgets.download_list import DownloadList
from tui.widgets.draft_table import DraftTable
from tui.widgets.key_bar import KeyBar
from tui.widgets.welcome import Welcome

README = Path(__file__).parents[2] / "README.md"
TAKEN = {
    "ctrl+b": "tmux: its prefix",
    "ctrl+a": "screen: its prefix; beginning of the line",
    "ctrl+z": "the shell: suspends; undo in the composer",
    "ctrl+s": "flow control: stops the terminal (XOFF)",
    "ctrl+q": "flow control: lets it go on (XON); VS Code on Linux: quits it",
    "ctrl+c": "the terminal: interrupts; copies in the composer",
    "ctrl+d": "the shell: end of input; deletes in the composer",
    "ctrl+backslash": "the terminal: SIGQUIT",
    "ctrl+right_square_bracket": "telnet: its escape",
    "ctrl+circumflex_accent": "mosh: its escape",
    "ctrl+p": "docker attach: first half of its detach keys; VS Code: opens files",
    "ctrl+j": "VS Code: its panel",
    "ctrl+e": "VS Code: opens files; end of the line in the composer",
    "ctrl+f": "VS Code: searches in the terminal",
    "ctrl+l": "readline and editors: draw the screen again",
    "f1": "GNOME Terminal and Xfce: their help; VS Code: its palette",
    "f5": "VS Code: debugs",
    "f6": "VS Code: debugs; selects a line in Textual's text areas",
    "f7": "selects all in Textual's text areas",
    "f10": "GNOME Terminal, Xfce and Konsole: their menu",
    "f11": "most terminals: full screen",
    "shift+insert": "terminals: paste",
    "shift+pageup": "terminals: scroll",
    "shift+pagedown": "terminals: scroll",
    "ctrl+pageup": "terminals: tab before",
    "ctrl+pagedown": "terminals: next tab",
    "ctrl+tab": "terminals: next tab",
    "ctrl+shift+t": "terminals: new tab",
    "ctrl+shift+n": "terminals: new window",
    "ctrl+shift+w": "terminals: close the tab",
    "ctrl+shift+c": "terminals: copy",
    "ctrl+shift+v": "terminals: paste",
    "ctrl+shift+f": "terminals: search",
    "ctrl+shift+p": "VS Code: its palette",
    "alt+enter": "Windows Terminal: full screen",
    "ctrl+t": "terminals in a browser: new tab",
    "ctrl+n": "terminals in a browser: new window",
    "ctrl+w": "terminals in a browser: close the tab; deletes a word in the composer",
}
"""Keys that something between the user and us may keep for itself, and what."""

REASONS = {
    "ctrl+q": "Raw mode switches flow control off, as F1 says; /quit does it too.",
    "ctrl+p": "What palettes are called by; with Docker it comes with the next key.",
    "ctrl+j": "It is what terminals send for a line feed; Shift+Enter and Alt+Enter do it too.",
    "f1": "What help is called by; /help does it too.",
    "f5": "/models does it too.",
    "f6": "The composer leaves it to the app; a slash command does what it does.",
    "f7": "The composer leaves it to the app.",
    "ctrl+l": "It does the same here: the screen is drawn again.",
    "ctrl+t": "Browsers only; /editor does it too.",
    "ctrl+n": "Browsers only; /new does it too.",
}
"""Why a default of ours is one of them all the same."""

COMPOSER_OWN = {"pageup", "pagedown"}
"""Keys of Textual's text areas that mean the chat here."""


@pytest.fixture
def own_keys(tmp_path: Path) -> Callable[[str], None]:
    """Writes the `[keys]` table of the configuration that the app reads."""

    def write(text: str) -> None:
        (tmp_path / "config.toml").write_text("[keys]\n" + text)

    return write


# ------------------------------------------------------------------ the defaults


def test_no_default_is_taken_by_others_without_a_reason() -> None:
    used = {key for entry in ACTIONS for key in entry.keys}
    assert used & TAKEN.keys() <= REASONS.keys()


def test_every_terminal_can_send_every_default() -> None:
    for entry in every_action():
        for key in entry.keys:
            assert normal_key(key) == key, "a name that is not Textual's"
            assert key not in SAME_AS and not wants_kitty(key), key


def test_no_default_takes_an_editing_key_from_the_composer() -> None:
    editing = set(TextArea._merged_bindings.key_to_bindings) if TextArea._merged_bindings else set()
    assert {"ctrl+w", "home", "up"} <= editing
    used = {key for entry in ACTIONS for key in entry.keys}
    assert used & editing <= COMPOSER_OWN | {"f6", "f7"}


def test_no_two_actions_share_a_key_where_both_count() -> None:
    assert clashes({entry.id: entry.keys for entry in every_action()}) == []
    assert len({entry.id for entry in every_action()}) == len(every_action())


def test_what_is_shown_of_a_default_is_its_key() -> None:
    for entry in every_action():
        shown = [key_text(key) for key in entry.keys]
        assert not entry.keys or entry.key_text.split() == shown


# ------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("word", "key", "text"),
    [
        *(("Ctrl+N", "ctrl+n", "Ctrl+N"), ("F7", "f7", "F7"), ("Esc", "escape", "Esc")),
        *(("?", "question_mark", "?"), ("shift+g", "G", "G"), ("g", "g", "g")),
        *(("alt+ctrl+x", "alt+ctrl+x", "Alt+Ctrl+X"), ("PgUp", "pageup", "PgUp")),
        *(("alt+up", "alt+up", "Alt+Up"), ("up", "up", "↑")),
        *(("ctrl++", "ctrl+plus", "Ctrl++"), ("/", "slash", "/"), ("space", "space", "Space")),
        *(("ctrl+_", "ctrl+underscore", "Ctrl+_"), ("-", "minus", "-"), ("@", "at", "@")),
        *(("nokey", "", ""), ("ctrl+", "", ""), ("", "", ""), ("hold+x", "", "")),
    ],
)
def test_names_of_keys(word: str, key: str, text: str) -> None:
    assert normal_key(word) == key
    assert not key or key_text(key) == text


# ------------------------------------------------------------------ the user's


@pytest.mark.parametrize(
    "text", [README.read_text(encoding="utf-8"), keymap_module.__doc__], ids=("README", "keymap")
)
def test_the_keys_that_the_readme_shows_as_an_example_clash_with_none(text: str) -> None:
    example = textwrap.dedent(text.partition("    [keys]\n")[2].partition("\n\n")[0])
    table = tomllib.loads(example)
    assert len(table) == 3
    assert read_keymap(table).problems == ()


def test_own_keys_replace_the_defaults() -> None:
    keymap = read_keymap({"new_chat": "f13", "copy_reply": ["Ctrl+Y", "alt+o"], "regenerate": ""})
    assert keymap.problems == () and keymap.problem == ""
    assert keymap.of("new_chat") == ("f13",)
    assert keymap.of("copy_reply") == ("ctrl+y", "alt+o")
    assert keymap.of("regenerate") == ()
    assert keymap.of("next_draft") == ("f2",)


def test_two_actions_can_change_places() -> None:
    keymap = read_keymap({"drafts": "f2", "next_draft": "f3"})
    assert keymap.problems == ()
    assert (keymap.of("drafts"), keymap.of("next_draft")) == (("f2",), ("f3",))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            {"new_chat": "f3"},
            "keys.new_chat: F3 is the key of drafts already; new_chat keeps Ctrl+N.",
        ),
        (
            {"jump": "ctrl+d"},
            "keys.jump: Ctrl+D is the key of list_page_down already; jump keeps Ctrl+G.",
        ),
        ({"nwe_chat": "f13"}, "keys.nwe_chat: there is no such action; did you mean new_chat?"),
        ({"new_chat": "f99"}, "keys.new_chat: there is no key 'f99'"),
        ({"new_chat": "ctrl+i"}, "keys.new_chat: terminals send Tab for Ctrl+I"),
        ({"new_chat": "n"}, "keys.new_chat: n writes a character"),
        ({"new_chat": 7}, "keys.new_chat: give a key"),
        ({"quit": ""}, "keys.quit: it needs a key and keeps Ctrl+Q."),
        ({"new_chat": "ctrl+shift+x"}, "arrives only from terminals that speak the kitty"),
        (["f13"], "keys must be a table"),
        ({"\x1b[2J": "f13"}, "keys.\\x1b[2J: there is no such action"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(table: object, said: str) -> None:
    keymap = read_keymap(table)
    assert len(keymap.problems) == 1 and said in keymap.problems[0]
    assert "\n" not in keymap.problems[0] and "\x1b" not in keymap.problems[0]
    assert not clashes(keymap.keys)
    if "kitty" not in said:
        assert keymap.changed() == {}, "nothing of it applies"


def test_what_is_right_beside_what_is_wrong_applies() -> None:
    keymap = read_keymap(
        {"nonsense": "f13", "new_chat": "f13", "quit": ["n", "f10"], "jump": "f13"}
    )
    assert len(keymap.problems) == 3
    assert keymap.problem.startswith("keys.nonsense: there is no such action; ")
    assert keymap.problem.endswith(" 2 further mistakes in [keys]: `specdec-tui keys` says all.")
    assert keymap.changed() == {"new_chat": "f13", "quit": "f10"}


def test_who_keeps_a_key_after_all_is_a_clash_for_the_next() -> None:
    keymap = read_keymap({"drafts": "f2", "new_chat": "f3", "jump": "f2"})
    assert not clashes(keymap.keys)
    assert len(keymap.problems) == 3 and keymap.changed() == {}


def test_lists_and_the_chat_may_have_the_same_key() -> None:
    assert read_keymap({"list_down": ["down", "n", "ctrl+n"]}).problems == ()


# ------------------------------------------------------------------ in the app


async def test_own_keys_work_and_are_shown(start: Start, own_keys: Callable[[str], None]) -> None:
    own_keys(
        'drafts = "f14"\nsend = "ctrl+x"\nnewline = "enter"\nlist_down = "n"\nnope = 1\nno = 2\n'
    )
    async with start(loaded=False) as (app, pilot):
        await pilot.pause()
        said = [note.message for note in app._notifications]
        assert ["keys.nope" in message for message in said] == [True], "one notice for both"
        assert "F14 drafts" in app.query_one(KeyBar).build(120)[0].plain
        await pilot.press("f3")
        assert len(app.screen_stack) == 1
        await pilot.press("f14")
        chooser = app.screen.query_one(DraftTable)
        before = chooser.cursor
        await pilot.press("n")
        assert chooser.cursor != before
        await pilot.press("f14")
        assert len(app.screen_stack) == 1
        await pilot.press("a", "enter", "b")
        assert app.composer.text == "a\nb"
        await pilot.press("ctrl+x")
        assert app.dialogue.conversation.turns[0].prompt == "a\nb"


async def test_what_the_app_says_names_the_keys_that_the_user_has(
    start: Start, own_keys: Callable[[str], None]
) -> None:
    own_keys('drafts = "f14"\nhelp = ""\nnewline = "alt+j"\nmodels = "f15"\nsend = "ctrl+x"\n')
    async with start(loaded=False) as (app, pilot):
        lines = app.query_one(Welcome).build(90)
        welcome = " ".join(" ".join(line.plain.split()) for line in lines)
        assert "F14 lists the drafts" in welcome and "/help explains" in welcome
        assert "Ctrl+X sends your message; Alt+J begins a new line" in welcome
        await pilot.press("alt+9")
        assert app.divider.hint == "there is no draft 9; F14 lists them"
        await pilot.press("f8")
        (row, *_) = app.screen.query_one(DownloadList).build(90)
        assert "F15 shows" in row.plain
    shortcuts = read_keymap({"help": "", "models": ["f15", "f16"], "bottom": ""})
    said = shortcuts.named("{help} helps, {models} lists, F1 is a type, {bottom}: to the end")
    assert said == "/help helps, F15 lists, F1 is a type, bottom: to the end"


async def test_a_key_of_the_composer_goes_to_the_action_that_the_user_gave_it(
    start: Start, own_keys: Callable[[str], None]
) -> None:
    own_keys('help = "ctrl+w"\ntheme = "f13"\n')
    async with start(loaded=False) as (app, pilot):
        await pilot.press("a", "ctrl+w")
        assert isinstance(app.screen, HelpScreen) and app.composer.text == "a"
        await pilot.press("escape", "f13")
        assert len(app.screen_stack) == 2, "an action without a key can be given one"


async def test_help_begins_with_the_keys_of_the_place(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await pilot.press("f1")
        text = "\n".join(line.plain for line in app.screen.query_one(Page).build(90))
        assert text.index("Earlier messages") < text.index("keys of the chat")
        assert text.count("Send the message") == 1
        await pilot.press("f1")
        assert len(app.screen_stack) == 1
        await pilot.press("alt+s", "f1")
        text = "\n".join(line.plain for line in app.screen.query_one(Page).build(90))
        assert "Next row" in text and "Filter the list" in text
        await pilot.press("escape")
        assert len(app.screen_stack) == 2


async def test_help_has_no_words_but_ours_and_lists_of_code_have_the_keys_of_lists(
    start: Start,
) -> None:
    async with start(loaded=False) as (app, pilot):
        for screen in (ReadingScreen("engine log", []), CodeScreen([CodeBlock("1", "py")] * 3)):
            await app.push_screen(screen)
            await pilot.press("f1")
            text = "\n".join(line.plain for line in app.screen.query_one(Page).build(90))
            here = text.partition("keys of the chat")[0]
            assert "↓ j" in here and "Scroll" not in here and "Page Up" not in here
            await pilot.press("escape")
            assert app.screen is screen
        await pilot.press("j", "G", "k")
        assert screen.query_one(CodeList).cursor == 1


async def test_help_scrolls_as_lists_do(start: Start) -> None:
    async with start(size=(80, 14), loaded=False) as (app, pilot):
        await pilot.press("f1", "j", "j")
        box = app.screen.query_one(VerticalScroll)
        assert box.scroll_offset.y == 2
        await pilot.press("G")
        assert box.scroll_offset.y == box.max_scroll_y > 2
        await pilot.press("g")
        assert box.scroll_offset.y == 0


async def test_jumping_goes_to_a_place_by_its_letter(start: Start) -> None:
    async with start() as (app, pilot):
        await pilot.press("ctrl+g")
        screen = app.screen
        assert isinstance(screen, JumpScreen)
        letters = {type(place).__name__: letter for letter, place in screen._places.items()}
        assert {"Composer", "DraftList", "TitleBar"} <= letters.keys()
        says = screen.query_one("#says", Static)
        assert "letter" in str(says.content) and says.region.bottom == app.size.height
        assert says.region.width == app.size.width
        await pilot.press(letters["DraftList"])
        await pilot.pause()
        assert app.screen.query("DraftTable"), "the list of drafts"
        await pilot.press("escape", "ctrl+g", "escape")
        assert len(app.screen_stack) == 1 and app.focused is app.composer


async def test_jumping_is_for_every_screen_and_says_where_it_leads_nowhere(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await pilot.press("f6", "ctrl+g")
        assert isinstance(app.screen, JumpScreen)
        letters = {type(place).__name__: letter for letter, place in app.screen._places.items()}
        await pilot.press(letters["ChatList"])
        await pilot.pause()
        assert isinstance(app.focused, ChatList)
        await pilot.press("escape", "f12", "ctrl+g")
        assert not isinstance(app.screen, JumpScreen)
        assert [note.message for note in app._notifications] == [NOWHERE_ELSE]


def test_the_keymap_of_the_registry_says_what_the_registry_says() -> None:
    keymap: Keymap = read_keymap({})
    assert keymap.changed() == {}
    assert all(keymap.text(entry) == entry.key_text for entry in every_action())
    assert read_keymap({"downloads": "f13"}).hinted("{downloads}") == "F13"
    assert read_keymap({"downloads": ""}).hinted("{downloads}") == ""
