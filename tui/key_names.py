"""What keys are called, in `config.toml` and on the screen, and which of them terminals can send.

Apart from the keymap, which decides what keys do. Names are Textual's, spelt with some freedom.
"""

from __future__ import annotations

import unicodedata

MODIFIERS = ("alt", "ctrl", "hyper", "meta", "shift", "super")
"""In the order in which Textual writes them."""
ALIASES = {
    "esc": "escape",
    "return": "enter",
    "pgup": "pageup",
    "page_up": "pageup",
    "pgdn": "pagedown",
    "pgdown": "pagedown",
    "page_down": "pagedown",
    "del": "delete",
    "ins": "insert",
    "control": "ctrl",
    "option": "alt",
    "cmd": "super",
}
SHOWN = {
    "escape": "Esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "delete": "Del",
    "insert": "Ins",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}
ARROWS = ("up", "down", "left", "right")
NAMED = frozenset(
    (
        *("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete"),
        *("backspace", "tab", "enter", "escape"),
    )
) | {f"f{number}" for number in range(1, 25)}
CHARACTERS = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""Names that Textual shortens."""
SAME_AS = {
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+h": "backspace",
    "ctrl+left_square_bracket": "escape",
}
"""What a terminal sends for the one is what it sends for the other."""
CTRL_SIGNS = ("backslash", "right_square_bracket", "circumflex_accent", "underscore", "at")


def normal_key(word: str) -> str:
    """The key as Textual names it: `Ctrl+N` is `ctrl+n`, `?` is `question_mark`, `shift+g` is `G`.
    Empty where there is no such key."""
    word = word.strip()
    front, _, last = word[:-1].rpartition("+") if len(word) > 1 else ("", "", "")
    last += word[-1:]
    modifiers = {ALIASES.get(part, part) for part in front.lower().split("+") if part}
    if not last or not modifiers <= set(MODIFIERS):
        return ""
    name = _name(last)
    if len(name) == 1 and name.isalpha():
        if modifiers == {"shift"}:
            return name.upper()
        name = name.lower() if modifiers else name
    return "+".join([*sorted(modifiers), name]) if name else ""


def _name(word: str) -> str:
    """The name of a key without modifiers."""
    if len(word) == 1:
        return word if word.isalnum() else character_key(word)
    word = ALIASES.get(word.lower(), word.lower())
    signs = {character_key(chr(code)) for code in range(32, 127) if not chr(code).isalnum()}
    return word if word in NAMED or word in signs else ""


def character_key(character: str) -> str:
    """The name of a character that is no letter and no digit."""
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    return CHARACTERS.get(name, name)


def key_text(key: str) -> str:
    """`ctrl+n` as `Ctrl+N`, `question_mark` as `?`."""
    *modifiers, name = key.split("+")
    if name in SHOWN and not (modifiers and name in ARROWS):
        name = SHOWN[name]
    elif name not in NAMED and name != "space" and len(name) > 1:
        name = _character(name)
    elif len(name) > 1 or modifiers:
        name = name.capitalize()
    return "+".join([*(part.capitalize() for part in modifiers), name])


def _character(name: str) -> str:
    long = {short: full for full, short in CHARACTERS.items()}.get(name, name)
    for form in (long.replace("_", " "), long.replace("_", "-")):
        try:
            return unicodedata.lookup(form.upper())
        except KeyError:
            continue
    return name


def is_typed(key: str) -> bool:
    """Whether the key writes a character, so that it cannot be more where one writes."""
    return "+" not in key and key not in NAMED


def wants_kitty(key: str) -> bool:
    """Whether the key arrives only where the terminal speaks the kitty keyboard protocol."""
    *modifiers, name = key.split("+")
    if not modifiers or modifiers == ["alt"]:
        return False
    if {"super", "hyper", "meta"} & set(modifiers):
        return True
    if name in ("enter", "tab", "backspace", "escape"):
        return modifiers != ["shift"] or name != "tab"
    if name in NAMED:
        return False
    return "shift" in modifiers or not (name in CTRL_SIGNS or (name.isalpha() and len(name) == 1))
