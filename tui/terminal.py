"""What kind of terminal this is: far away, without colours, or without more than ASCII.

Read from the environment, before Textual is imported, with nothing but the standard library.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tui.remote import is_remote

Answer = Literal["auto", "yes", "no"]

NO_COLORS = ("", "dumb", "unknown", "linux", "cons25", "ansi", "vt52", "vt100", "vt102", "vt220")
"""Terminals that have eight colours or fewer, too few to carry a meaning each."""
ASCII_LOCALES = ("C", "POSIX")
COERCED = "C.UTF-8"
"""What Python itself sets `LC_CTYPE` to where the locale is C."""


@dataclass(frozen=True)
class Terminal:
    """What the screen has to make do with; by default nothing is missing."""

    remote: bool = False
    no_color: bool = False
    few_colors: bool = False
    ascii: bool = False


def this_terminal(remote: Answer = "auto", ascii: Answer = "auto") -> Terminal:
    """What the environment says of the terminal, where the user does not say otherwise."""
    return Terminal(
        remote=is_remote() if remote == "auto" else remote == "yes",
        no_color=wants_no_color(),
        few_colors=has_few_colors(),
        ascii=is_ascii_only() if ascii == "auto" else ascii == "yes",
    )


def wants_no_color(environ: Mapping[str, str] = os.environ) -> bool:
    """`NO_COLOR` is set to anything: no colour at all, whatever the theme says."""
    return bool(environ.get("NO_COLOR"))


def has_few_colors(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether colours cannot be relied on, so that a theme without any is the one to begin with."""
    term = environ.get("TERM", "")
    return not environ.get("COLORTERM") and (term in NO_COLORS or term.endswith(("-m", "-mono")))


def is_ascii_only(
    environ: Mapping[str, str] = os.environ,
    utf8_mode: bool = bool(sys.flags.utf8_mode),
    encoding: str = getattr(sys.__stderr__, "encoding", "utf-8"),
) -> bool:
    """Whether the terminal is said to show ASCII alone. Where nothing is said, it shows UTF-8.

    `encoding` is that of the stream which Textual paints on. Python writes UTF-8 in the locale C
    (PEP 538 and 540), so that it alone does not tell.
    """
    if spoken := environ.get("PYTHONIOENCODING", "").partition(":")[0]:
        return not _is_utf8(spoken)
    ctype = environ.get("LC_CTYPE", "")
    if utf8_mode and ctype == COERCED:
        ctype = ""
    locale = environ.get("LC_ALL") or ctype or environ.get("LANG", "")
    if locale in ASCII_LOCALES:
        return True
    charset = locale.partition(".")[2].partition("@")[0]
    return not _is_utf8(charset or encoding)


def _is_utf8(name: str) -> bool:
    return name.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig", "cp65001")
