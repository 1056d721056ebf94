"""What F1 shows: the keys where one is, all keys, and the words of the screen, each explained."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Protocol, runtime_checkable

from textual.app import App
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen

from tui.key_names import key_text
from tui.keymap import Keymap
from tui.keys import ACTIONS, every_action
from tui.keys_in_lists import IN_LISTS
from tui.screens.reading import Entry, ReadingScreen
from tui.stand_ins import named_arrows

REMAPPING = (
    'Other keys: a [keys] table in config.toml, as in new_chat = "alt+n"; `specdec-tui keys` lists '
    "the names. Where a terminal keeps a key for itself: every command can be had with a slash"
)
FLOW_CONTROL = " Ctrl+Q arrives even where it is the terminal's flow control (XON)."
TEXTUALS_OWN = ("app.focus_next", "app.focus_previous", "screen.copy_text")
"""Keys that every screen has."""

WORDS = (
    ("target", "the large model; every reply is what it alone would have said"),
    ("draft", "who proposes tokens: a small model, prompt lookup, or nobody"),
    ("round", "one pass: the draft proposes, the target verifies in one batch"),
    ("drafting n", "the draft length: tokens proposed in a round; ~n where it varies"),
    ("paused", "proposing would not pay now, and what it would reach; the target answers alone"),
    ("measuring", "a few tokens to learn what the target alone takes, or another draft length"),
    ("prefill", "reading the prompt, before the first token; its tok/s are the prompt's"),
    ("accepted", "proposals kept, of those verified; beside it the acceptance rate (acc.)"),
    ("corrected", "the target's own token in the place of a proposal that was rejected"),
    ("bonus", "the target's own token after all proposals of a round were accepted"),
    ("a round", "tokens a round yields, the target's own token included"),
    ("tok/s", "tokens a second while decoding, after the first round"),
    ("speed-up", "tok/s over that of the target alone, measured in this session"),
    ("chat", "in the list of drafts: the speed-up in the chat that is open"),
    ("target alone", "tok/s of the target without a draft, measured in this session"),
    ("predicted", "tok/s to be expected of each draft length, from what was measured"),
    ("first token", "time from Enter to the first text (TTFT)"),
    ("ctx", "tokens of the context in use, of those there are"),
    ("2/3", "the second of three messages in this place: each begins a branch"),
    ("interrupted", "the app or the engine ended first; what there is of the reply is kept"),
    ("–", "not measured yet"),
)


@runtime_checkable
class Helpful(Protocol):
    """A widget that says itself what its keys do."""

    def help_here(self) -> Iterable[tuple[str, str]]: ...


class HelpScreen(ReadingScreen):
    """What the keys do on `screen` where the focus is; below it, all keys and the words."""

    def __init__(self, screen: Screen[object], shortcuts: Keymap) -> None:
        here = here_entries(screen)
        lines: list[Content | Entry] = [_entry(keys, text) for keys, text in here.items()]
        if lines:
            lines = [Content.styled("here", "bold $muted"), *lines, Content("")]
        super().__init__("help", [*lines, *help_lines(shortcuts, here)])


def here_entries(screen: Screen[object]) -> dict[str, str]:
    """What the keys do for the focused widget, and for what is around it."""
    entries: dict[str, str] = {}
    for node in screen.focused.ancestors_with_self if screen.focused else [screen]:
        if isinstance(node, App):
            break
        for keys, text in _entries(node, screen):
            entries.setdefault(keys, text)
    return entries


def _entries(node: DOMNode, screen: Screen[object]) -> list[tuple[str, str]]:
    """What a widget says of its keys in `help_here`, or else its bindings that say what they do."""
    if isinstance(node, Helpful):
        return list(node.help_here())
    if type(node).__module__.startswith("textual."):  # its keys have names in Textual's words only
        return []
    texts = {(entry.id, entry.run): entry.help for entry in every_action()}
    in_lists = {entry.id: entry.help for entry in IN_LISTS}  # whatever a list calls its actions
    by_action: dict[str, tuple[list[str], str]] = {}
    for key, active in screen.active_bindings.items():
        binding = active.binding
        if active.node is node and binding.description and binding.action not in TEXTUALS_OWN:
            said = in_lists.get(binding.id or "", binding.description)
            text = texts.get((binding.id or "", binding.action), said)
            by_action.setdefault(binding.action, ([], text))[0].append(key_text(key))
    return [(" ".join(keys), text[:1].upper() + text[1:]) for keys, text in by_action.values()]


def help_lines(shortcuts: Keymap, said: Container[str] = ()) -> list[Content | Entry]:
    """Keys, but for those `said` already; then words."""
    lines: list[Content | Entry] = [Content.styled("keys of the chat", "bold $muted")]
    keys = [(shortcuts.text(entry), entry) for entry in ACTIONS if entry.in_help]
    lines += [
        _entry(key, shortcuts.named(entry.help)) for key, entry in keys if key and key not in said
    ]
    lines += [Content(""), Content.styled("words", "bold $muted")]
    lines += [_entry(word, meaning) for word, meaning in WORDS]
    palette = shortcuts.named(" and by {palette}") if shortcuts.of("palette") else ""
    flow_control = FLOW_CONTROL if "ctrl+q" in shortcuts.of("quit") else ""
    remapping = f"{REMAPPING}{palette}.{flow_control}"
    return [*lines, Content(""), Content.styled(remapping, "$muted")]


def _entry(name: str, text: str) -> Entry:
    return Entry(Content.styled(f"{named_arrows(name):<13} ", "$primary"), Content(text))
