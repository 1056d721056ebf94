"""`specdec-tui keys`: every action with its keys, and what is wrong in the `[keys]` table."""

from __future__ import annotations

from core.models.untrusted import shown
from tui.action import Action
from tui.commands.output import print_json, table
from tui.keymap import Keymap, own_keymap
from tui.keys import every_action

PLACES = {"chat": "chat", "list": "lists", "page": "texts to read"}
ROWS = ("action", "keys", "where", "does")
NO_KEY = "–"


def run(as_json: bool) -> int:
    """List them: 0, or 1 where something is wrong. Raises SpecdecError where the file is broken."""
    keymap = own_keymap()
    if as_json:
        actions = [_document(entry, keymap) for entry in every_action()]
        print_json({"actions": actions, "problems": list(keymap.problems)})
    else:
        rows = [_row(entry, keymap) for entry in every_action() if entry.key or entry.command]
        wrong = [f"wrong: {shown(problem, 400)}" for problem in keymap.problems]
        print("\n".join([table([ROWS, *rows]), *(["", *wrong] if wrong else [])]))
    return 1 if keymap.problems else 0


def _document(entry: Action, keymap: Keymap) -> dict[str, object]:
    return {
        "id": entry.id,
        "keys": list(keymap.of(entry.id)),
        "default_keys": list(entry.keys),
        "scope": entry.scope,
        "command": f"/{entry.command}" if entry.command else None,
        "help": keymap.named(entry.help),
    }


def _row(entry: Action, keymap: Keymap) -> tuple[str, ...]:
    return (entry.id, keymap.text(entry) or NO_KEY, PLACES[entry.scope], keymap.named(entry.help))
