"""Slash commands: what a message that begins with a slash means. Pure; `tui.actions.commands` does
what they say.

A message is a command where its first word is the name of one, or of a setting. `//` sends one
slash. A path (`/etc/hosts is …`, `/A.txt`) is a message where it cannot be meant as a command: it
has a second slash, a dot, a digit or a capital letter, or it is a folder that every system has, and
words follow it. Anything else is refused: nothing is lost by that, and a mistyped command that the
model answers is a riddle.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.settings import DEFAULTS
from tui.action import Action
from tui.keys import ACTIONS

NAME = re.compile(r"/([a-z][a-z_-]*)(?:\s|$)")
FOLDERS = frozenset(
    (
        *("bin", "boot", "data", "dev", "etc", "home", "lib", "media", "mnt", "nix", "opt", "proc"),
        *("private", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var"),
    )
)
"""What begins a path, in a message that begins with one."""
LIKE = 0.7
"""How much two names have in common where one is taken for the other misspelt."""


@dataclass(frozen=True)
class Command:
    """`argument` says what may follow the name; empty: nothing. `run` is Textual's action string
    for what is done where nothing follows; empty: something must. `setting` is the setting that
    it gives a value, if it does."""

    name: str
    help: str
    run: str = ""
    argument: str = ""
    also: tuple[str, ...] = ()
    """Other names, which are not listed."""
    setting: str = ""


@dataclass(frozen=True)
class Say:
    """No command: `text` is the message."""

    text: str


@dataclass(frozen=True)
class Run:
    command: Command
    argument: str = ""


@dataclass(frozen=True)
class Refuse:
    """Nothing is sent; `sentence` says why."""

    sentence: str


@dataclass(frozen=True)
class Suggestion:
    """A line of the list of completions: what the composer would hold, and what it means."""

    text: str
    shown: str
    help: str
    complete: bool = True
    """Whether it can be sent as it is."""


WITH_ARGUMENT = (
    Command("draft", "Use a draft by its name or number", "drafts", "NAME|N|none|lookup"),
    Command(
        "draft-len",
        "Tokens to draft in a round",
        "say_setting('draft_len')",
        "N|auto",
        setting="draft_len",
    ),
    Command(
        "temp",
        "Sampling temperature; 0 always takes the likeliest token",
        "say_setting('temperature')",
        "X",
        also=("temperature",),
        setting="temperature",
    ),
    Command(
        "system",
        "System prompt of the next chat; none: without",
        "say_setting('system')",
        "TEXT",
        setting="system",
    ),
    Command("theme", "Use a theme, or choose one", "change_theme", "NAME"),
)
ALSO = {
    "new-chat": ("new", "clear"),
    "quit": ("exit",),
    "engine-log": ("log",),
    "copy-reply": ("copy",),
    "editor": ("edit", "text-editor"),
    "help": ("keys",),
    # what the palette and the key bar call them
    "resume": ("continue",),
    "first-run": ("pairs",),
    "code": ("code-blocks",),
    "xray": ("x-ray",),
}


def all_commands(actions: Iterable[Action] = ACTIONS) -> tuple[Command, ...]:
    """Those with an argument, and one for each action of the registry that has a name."""
    own = {command.name for command in WITH_ARGUMENT}
    plain = [
        Command(entry.command, entry.help, entry.run, also=ALSO.get(entry.command, ()))
        for entry in actions
        if entry.command and entry.command not in own
    ]
    return tuple(sorted((*WITH_ARGUMENT, *plain), key=lambda command: command.name))


def read(text: str, commands: Sequence[Command]) -> Say | Run | Refuse:
    """What a message means."""
    if text.startswith("//"):
        return Say(text[1:])
    match = NAME.match(text)
    if match is None:
        return Say(text)
    word, rest = match[1], text[match.end() :].strip()
    for command in commands:
        if word == command.name or word in command.also:
            return _called(command, word, rest)
    if (setting := word.replace("-", "_")) in DEFAULTS:
        return Run(Command(word, "", f"say_setting('{setting}')", "VALUE", setting=setting), rest)
    names = [name for command in commands for name in (command.name, *command.also)]
    names += [name.replace("_", "-") for name in DEFAULTS if name not in names]
    close = difflib.get_close_matches(word, names, n=1, cutoff=LIKE)
    if rest and word in FOLDERS:
        return Say(text)
    guess = f"did you mean /{close[0]}?" if close else "/ lists them."
    return Refuse(f"there is no command /{word}; {guess} With // it is sent as a message.")


def _called(command: Command, word: str, rest: str) -> Run | Refuse:
    if rest and not command.argument:
        return Refuse(f"/{word} takes nothing after it. With // it is sent as a message.")
    if not rest and not command.run:
        return Refuse(f"/{word} needs {command.argument} after it.")
    return Run(command, rest)


def suggestions(
    text: str, commands: Sequence[Command], arguments: Mapping[str, Sequence[tuple[str, str]]]
) -> list[Suggestion]:
    """What `text` can be completed to. `arguments` has, for the name of a command, what may follow
    it, each with what it means."""
    if not re.fullmatch(r"/[a-z-]*|/[a-z-]+ [^\n]*", text):
        return []
    word, space, rest = text[1:].partition(" ")
    if not space:
        return [
            Suggestion(
                f"/{command.name}" + (" " if command.argument else ""),
                f"/{command.name} {command.argument}".rstrip(),
                command.help,
                complete=bool(command.run),
            )
            for command in commands
            if command.name.startswith(word)
        ]
    names = {name: c.name for c in commands for name in (c.name, *c.also)}
    given = rest.strip().casefold()
    return [
        Suggestion(f"/{word} {value}", value, meaning)
        for value, meaning in arguments.get(names.get(word, ""), ())
        if given in value.casefold()
    ]
