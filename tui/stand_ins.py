"""ASCII in the place of other characters.

On the screen it has the same width, so that nothing moves. What the app itself draws has a stand-in
that looks like it. Of other text, which models and files write, letters lose their accents, and
what has no likeness becomes question marks. Where text still flows, before its lines are laid out
and on stdout, signs that one character cannot stand for are spelled out: +- and sqrt.
"""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len

LOOK_ALIKES = {
    "-": "─╴╶╌┄┈‐‑‒–—―−▔",
    "=": "━╸╺╍═▬",
    "|": "│┃║╎┆┊╵╷▎▏▍▌▋▊▉▐▕¦",
    "+": "┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬",
    ".": "…·▂",
    "_": "▁",
    ":": "▃",
    "~": "▄≈◌",
    "$": "↵",
    "o": "▅○◦◯°",
    "O": "▆",
    "8": "▇",
    "#": "█▓▒░",
    "*": "•●▪■◆★✓✔",
    "x": "×✗✘",
    "/": "÷⁄",
    ">": "›→⇥▸▶»≥",
    "<": "‹←◂◀«≤",
    "^": "↑▴▲",
    "v": "↓▾▼",
    '"': "“”„",
    "'": "‘’‚",
    " ": "\u00a0\u2007\u2009\u202f",
    "a": "α",
    "g": "γ",
    "l": "λ",
    "p": "π",
    "S": "Σ",
    "V": "√",
}

SPELLED = {
    **{"±": "+-", "∓": "-+", "√": "sqrt", "∞": "infinity", "∂": "d", "∫": "integral ", "∑": "sum "},
    **{"≤": "<=", "≥": ">=", "≠": "!=", "≈": "~=", "≡": "==", "∈": "in", "°": "deg", "′": "'"},
    **{"→": "->", "←": "<-", "↔": "<->", "⇒": "=>", "⇐": "<=", "⇔": "<=>", "…": "...", "—": "--"},
    **{"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", "″": "''", "‰": " per mille"},
    **{"€": "EUR", "£": "GBP", "¥": "JPY", "©": "(c)", "®": "(R)", "™": "(TM)", "№": "No."},
    **{"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "Δ": "Delta", "ε": "epsilon"},
    **{"θ": "theta", "λ": "lambda", "μ": "mu", "µ": "u", "π": "pi", "ρ": "rho", "σ": "sigma"},
    **{"Σ": "Sigma", "τ": "tau", "φ": "phi", "ψ": "psi", "ω": "omega", "Ω": "Omega"},
    **{"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l"},
    **{sign: f"^{digit}" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
}
"""Signs that need more room in ASCII, or would be misread as one character: x² is not x2."""

STRUCK_OUT = "\u0338"


def stand_in(character: str) -> str:
    """ASCII as wide as `character`, which may be nothing or two cells."""
    width = cell_len(character)
    plain = unicodedata.normalize("NFKD", character)
    letters = "".join(part for part in plain if part.isascii() and part.isprintable())
    if plain[1:] == STRUCK_OUT:
        letters = ""  # it says the opposite of what is struck out
    return letters if len(letters) == width else "?" * width


def spelled(text: str) -> str:
    """`text` with such signs spelled out, where the screen shows ASCII alone; else as it is."""
    return text.translate(_SPELLING) if _Screen.ascii and not text.isascii() else text


def spell_on_screen(ascii: bool) -> None:
    """Whether the screen shows ASCII alone: said once, by the app."""
    _Screen.ascii = ascii


def ascii_of(text: str) -> str:
    """`text` in ASCII, however wide."""
    return text.translate(_SPELLING).translate(_TABLE)


class _Screen:
    ascii = False


_SPELLING = str.maketrans(SPELLED)


class _Table(dict[int, str]):
    """For `str.translate`: what was asked for once is known from then on."""

    def __missing__(self, code: int) -> str:
        found = chr(code) if code < 128 else stand_in(chr(code))
        self[code] = found
        return found


_TABLE = _Table(
    {ord(character): ascii_ for ascii_, others in LOOK_ALIKES.items() for character in others}
)


def ascii_text(text: str) -> str:
    """`text` in ASCII, as many cells wide."""
    whole = text.translate(_TABLE)
    if len(whole) == cell_len(text):
        return whole
    whole = ""  # characters that join to one (flags, families) are less wide than one by one
    for end, character in enumerate(text, start=1):
        whole = (whole + _TABLE[ord(character)])[: cell_len(text[:end])]
    return whole.ljust(cell_len(text))
