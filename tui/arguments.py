"""How arguments are read and refused: one sentence each, with a guess at what was meant.

Apart from the commands, and knows none of them: what argparse does otherwise is here.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from core.configuration import help_texts
from core.models.untrusted import shown
from tui.commands.output import complain
from tui.exit_codes import WRONG_USAGE


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage of all flags before it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False, add_help=False)
        self._positionals.title, self._optionals.title = "arguments", "flags"
        self.add_argument("-h", "--help", action="help", help="Show this help.")

    def flags(self) -> list[str]:
        """All that it takes, with both dashes."""
        return [flag for flag in self._option_string_actions if flag.startswith("--")]

    def commands(self) -> dict[str, Parser]:
        """The parsers of its commands by their names."""
        found = [a for a in self._actions if isinstance(a, argparse._SubParsersAction)]
        return dict(found[0].choices) if found else {}

    def error(self, message: str) -> NoReturn:
        hint = "" if message.endswith("?") else f"; `{self.prog} --help` lists what there is."
        complain(_plain(message) + hint)
        raise SystemExit(WRONG_USAGE)

    def format_help(self) -> str:
        texts = help_texts()
        for action in self._actions:
            text = texts.get(action.dest, "").replace("`", "").replace("%", "%%")
            action.help = action.help or text or None
        return super().format_help()

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            guess = _did_you_mean(value, map(str, action.choices))
            self.error(f"there is no command {shown(value)}{guess}")


def refuse_surplus(argument: str, command: argparse.ArgumentParser) -> NoReturn:
    """Nothing takes this argument; what is said depends on what the command does take."""
    if argument.startswith("-"):
        command.error(f"{shown(argument)} is no flag of `{command.prog}`")
    prompt = "; put the prompt in quotes" if command.prog.endswith(" chat") else ""
    command.error(f"{shown(argument)} is one argument too many for `{command.prog}`{prompt}")


def refuse_unknown_flags(argv: Sequence[str], parser: Parser) -> None:
    """Before argparse sees them, which would take the value of a misspelt flag for a command. What
    was meant is guessed among the flags of the command that stands before."""
    commands = parser.commands()
    known = {flag for one in (parser, *commands.values()) for flag in one.flags()}
    here = parser
    for argument in argv:
        flag = argument.partition("=")[0]
        if flag == "--":
            return
        if here is parser and argument in commands:
            here = commands[argument]
        if here is parser and flag.startswith("--") and flag in known - set(parser.flags()):
            _refuse_before_command(flag, argv, parser)
        if flag.startswith("--") and " " not in argument and flag not in known:
            here.error(f"there is no flag {shown(flag)}{_did_you_mean(flag, here.flags())}")


def _refuse_before_command(flag: str, argv: Sequence[str], parser: Parser) -> NoReturn:
    """A flag that only commands take stands before one, or without one."""
    takers = [name for name, command in parser.commands().items() if flag in command.flags()]
    name = next((word for word in argv if word in takers), takers[0])
    parser.error(f"{flag} belongs after its command, as in `{parser.prog} {name} {flag}`")


LEAST_BEGUN = 3
"""So many letters are the beginning of a name, and no misspelling of another."""


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    plain = {name.lstrip("-"): name for name in known}  # dashes make no two flags alike
    given = word.lstrip("-")
    begun = [name for name in plain if len(given) >= LEAST_BEGUN and name.startswith(given)]
    close = begun if len(begun) == 1 else difflib.get_close_matches(given, plain, n=1)
    return f", did you mean {plain[close[0]]}?" if close else ""


_ARGPARSE = (
    (r"argument (?P<flag>\S+): expected one argument", "{flag} needs a value"),
    (
        r"argument (?P<flag>\S+): ignored explicit argument '(?P<value>.*)'",
        "{flag} takes no value; leave out ={value}",
    ),
    (r"the following arguments are required: (?P<what>.*)", "{what} is missing"),
    (r"argument (?P<flag>\S+): (?P<what>.*)", "{flag}: {what}"),
)
"""Its own sentences, and ours."""


def _plain(message: str) -> str:
    """A sentence of argparse's in the words of the other ones."""
    for theirs, ours in _ARGPARSE:
        if match := re.fullmatch(theirs, message, re.DOTALL):
            parts = {name: shown(text) for name, text in match.groupdict().items()}
            return ours.format(**parts | {"flag": parts.get("flag", "").replace("/", " or ")})
    return message


class Version(argparse.Action):
    """`--version`; argparse's own would read the version on every start."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="Show the version.")

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        from tui.version import version

        print(f"specdec-tui {version()}")
        raise SystemExit(0)
