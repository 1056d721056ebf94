"""The keys in force: those of `tui.keys` under the `[keys]` table of `config.toml`.

    [keys]
    new_chat = "alt+n"
    copy_reply = ["ctrl+y", "alt+o"]
    regenerate = ""                 # no key

Pure; no Textual here, so that the command line can ask too. What is wrong is said in a sentence
each, and the rest applies.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, get_args

from core.models.untrusted import shown
from core.settings import config_path, read_toml
from tui import figures
from tui.action import Action, Scope
from tui.key_names import SAME_AS, is_typed, key_text, normal_key, wants_kitty
from tui.keys import action, every_action

TABLE = "keys"
IN_BRACES = re.compile(r"\{(\w+)\}")
MUST_HAVE_KEY = ("send", "quit")
NO_KEY = "no-key"
"""What Textual is told of an action without a key: the name of none."""


@dataclass(frozen=True)
class Keymap:
    """Which keys each action has, and what could not be done of what the user wanted."""

    keys: Mapping[str, tuple[str, ...]]
    problems: tuple[str, ...] = ()

    @property
    def problem(self) -> str:
        """What is wrong, in one notice however much it is; empty where nothing is."""
        if len(self.problems) < 2:
            return "".join(self.problems)
        rest = figures.count(len(self.problems) - 1, "further mistake")
        return f"{self.problems[0]} {rest} in [keys]: `specdec-tui keys` says all."

    def of(self, action_id: str) -> tuple[str, ...]:
        return self.keys.get(action_id, ())

    def text(self, entry: Action) -> str:
        """The action's keys as the screen shows them."""
        keys = self.of(entry.id)
        return entry.key_text if keys == entry.keys else " ".join(map(key_text, keys))

    def first(self, action_id: str) -> str:
        """The action's first key as the screen shows it; empty where it has none."""
        return key_text(self.of(action_id)[0]) if self.of(action_id) else ""

    def named(self, sentence: str) -> str:
        """A sentence of ours, `{drafts} lists them`, with the first key of each action that it
        names; where an action has none, its command, or else what it is called."""
        return IN_BRACES.sub(lambda found: self._way_to(action(found[1])), sentence)

    def hinted(self, key: str) -> str:
        """The key of a hint, which may be that of an action in braces: empty where it has none."""
        found = IN_BRACES.fullmatch(key)
        return self.first(found[1]) if found else key

    def _way_to(self, entry: Action) -> str:
        return self.first(entry.id) or (f"/{entry.command}" if entry.command else entry.label)

    def changed(self) -> dict[str, str]:
        """What differs from the registry, as Textual's keymap takes it."""
        return {
            entry.id: ",".join(self.of(entry.id)) or NO_KEY
            for entry in every_action()
            if self.of(entry.id) != entry.keys
        }

    def in_scope(self, scope: str) -> set[str]:
        """All keys that an action of this scope has."""
        return {
            key for entry in every_action() if entry.scope == scope for key in self.of(entry.id)
        }


def own_keymap() -> Keymap:
    """The user's. Raises SpecdecError where `config.toml` is broken."""
    return read_keymap(read_toml(config_path()).get(TABLE, {}))


def read_keymap(table: object) -> Keymap:
    """What a `[keys]` table means."""
    defaults = {entry.id: entry.keys for entry in every_action()}
    if not isinstance(table, dict):
        return Keymap(defaults, ("keys must be a table: write [keys] on a line of its own.",))
    problems: list[str] = []
    wanted: dict[str, tuple[str, ...]] = {}
    for name, value in table.items():
        keys, said = _wanted(name, value)
        problems += said
        if keys is not None:
            wanted[name] = keys
    keys_in_force = _without_clashes(defaults, wanted, problems)
    return Keymap(keys_in_force, tuple(problems))


def clashes(keys: Mapping[str, tuple[str, ...]]) -> list[tuple[str, Action, Action]]:
    """The keys that two actions have where both count, with the two."""
    owners: dict[tuple[str, str], Action] = {}
    found: list[tuple[str, Action, Action]] = []
    for entry in every_action():
        scopes = get_args(Scope) if entry.priority else (entry.scope,)
        for key, scope in product(keys.get(entry.id, ()), scopes):
            clash = (key, owners.setdefault((scope, key), entry), entry)
            if clash[1] is not entry and clash not in found:
                found.append(clash)
    return found


# ------------------------------------------------------------------ the table as a whole


def _without_clashes(
    defaults: Mapping[str, tuple[str, ...]],
    wanted: Mapping[str, tuple[str, ...]],
    problems: list[str],
) -> dict[str, tuple[str, ...]]:
    """What is wanted over the defaults. Of two actions on one key the one that the user has moved
    there, and of two such the later one, keeps the keys that it had."""
    order = [*wanted]
    in_force = {**defaults, **wanted}
    moved = set(wanted)
    while found := [clash for clash in clashes(in_force) if {clash[1].id, clash[2].id} & moved]:
        key, first, second = found[0]
        loser = max((entry for entry in (first, second) if entry.id in moved), key=_place(order))
        other = first if loser is second else second
        problems.append(
            f"keys.{loser.id}: {key_text(key)} is the key of {other.id} already; "
            f"{loser.id} keeps {_named(defaults[loser.id])}."
        )
        in_force[loser.id] = defaults[loser.id]
        moved.discard(loser.id)
    return in_force


def _place(order: list[str]) -> Callable[[Action], int]:
    return lambda entry: order.index(entry.id)


def _named(keys: tuple[str, ...]) -> str:
    return " and ".join(map(key_text, keys)) if keys else "no key"


# ------------------------------------------------------------------ one line of the table


def _wanted(name: str, value: Any) -> tuple[tuple[str, ...] | None, list[str]]:
    """The keys that a line gives an action, None where it is of no use; and what is wrong."""
    known = {entry.id: entry for entry in every_action()}
    if name not in known:
        return None, [f"keys.{shown(name, 40)}: there is no such action{_guess(name, known)}"]
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return None, [f'keys.{name}: give a key, as in "f7", or a list of keys.']
    keys: list[str] = []
    problems: list[str] = []
    for word in filter(None, map(str.strip, words)):
        key = normal_key(word)
        if refusal := _refusal(known[name], key, word):
            problems.append(f"keys.{name}: {refusal}")
            continue
        keys.append(key)
        if wants_kitty(key):
            problems.append(
                f"keys.{name}: {key_text(key)} arrives only from terminals that speak the kitty "
                "keyboard protocol."
            )
    if not keys and not problems and name in MUST_HAVE_KEY:
        problems = [f"keys.{name}: it needs a key and keeps {_named(known[name].keys)}."]
    return (tuple(dict.fromkeys(keys)) if keys or not problems else None), problems


def _refusal(entry: Action, key: str, word: str) -> str:
    """Why the action cannot have this key; empty where it can."""
    if not key:
        return f"there is no key {shown(word, 40)!r}; keys are named as in f7, ctrl+n or pageup."
    if key in SAME_AS:
        return f"terminals send {key_text(SAME_AS[key])} for {key_text(key)}; choose another key."
    if entry.scope == "chat" and is_typed(key):
        return f"{key_text(key)} writes a character; choose a key with Ctrl or Alt, or an F key."
    return ""


def _guess(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else "; `specdec-tui keys` lists them."
