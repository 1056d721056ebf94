"""The command line: flags made from the settings, subcommands, and what an exit code means.

0: done. 1: the work failed. 2: the arguments, the environment or the configuration are wrong.
130: interrupted. Heavy modules are imported by the command that needs them.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import typing
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NoReturn

from core import last_start
from core.configuration import FIELDS, help_texts, load_settings
from core.models.untrusted import shown
from core.settings import Settings, absent
from tui.commands import bench_flags, hub_flags
from tui.commands.output import complain
from tui.exit_codes import WRONG_USAGE, exit_code
from tui.opening import has_terminal, open_app

Run = Callable[[Settings, argparse.Namespace], int]

DRAFTS_FIELDS = {
    *("target", "demo", "models_dirs", "n_gpu_layers", "draft_n_gpu_layers", "ctx", "draft_ctx"),
    *("batch", "draft_batch", "cache_type_k", "cache_type_v", "draft_cache_type_k"),
    *("draft_cache_type_v", "flash_attn"),
}
"""What `drafts` takes: all that memory depends on."""


COMPLETION = (
    "Prints a script that completes commands, flags, words and file names in your shell. "
    'For bash, put eval "$(specdec-tui completion bash)" into ~/.bashrc; for zsh, the same with '
    "zsh into ~/.zshrc, after compinit; for fish: "
    "specdec-tui completion fish > ~/.config/fish/completions/specdec-tui.fish"
)

APP_FIELDS = ("theme", "stats_per_second", "remote", "ascii")
"""What counts where there is a screen."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command line from its beginning: the exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    return exit_code(lambda: run_command(argv))


def run_command(argv: list[str]) -> int:
    """Do what the arguments say, for `exit_code`."""
    parser = build_parser()
    _refuse_unknown_flags(argv, parser)
    arguments, surplus = parser.parse_known_args(argv)
    given = vars(arguments)
    if surplus:
        _refuse_surplus(surplus[0], given["of"])
    flags = {name: given[name] for name in FIELDS if name in given}
    run: Run = arguments.run
    if run in NEEDS_NO_SETTINGS:
        return run(Settings(), arguments)
    settings = load_settings(flags)
    if run is _app:  # which says on its screen what is absent
        if has_terminal():
            last_start.keep(argv, settings)
    else:
        for sentence in absent(settings):
            complain(sentence)
    return run(settings, arguments)


def _refuse_surplus(argument: str, command: argparse.ArgumentParser) -> NoReturn:
    """Nothing takes this argument; what is said depends on what the command does take."""
    if argument.startswith("-"):
        command.error(f"{shown(argument)} is no flag of `{command.prog}`")
    prompt = "; put the prompt in quotes" if command.prog.endswith(" chat") else ""
    command.error(f"{shown(argument)} is one argument too many for `{command.prog}`{prompt}")


# ------------------------------------------------------------------ the commands


def _app(settings: Settings, _arguments: argparse.Namespace) -> int:
    return open_app(settings)


def _chat(settings: Settings, arguments: argparse.Namespace) -> int:
    from tui.commands import chat

    return chat.run(settings, arguments.prompt, arguments.json)


def _models(settings: Settings, arguments: argparse.Namespace) -> int:
    from tui.commands import models

    return models.run(settings, arguments.json)


def _pull(settings: Settings, arguments: argparse.Namespace) -> int:
    from tui.commands import pull

    return pull.run(settings, arguments)


def _remove(settings: Settings, arguments: argparse.Namespace) -> int:
    from tui.commands import remove

    return remove.run(settings, arguments)


def _drafts(settings: Settings, arguments: argparse.Namespace) -> int:
    from tui.commands import drafts

    return drafts.run(settings, arguments.of_target, arguments.json)


def _completion(_settings: Settings, arguments: argparse.Namespace) -> int:
    from tui.commands import completion

    return completion.run(build_parser(), arguments.shell)


def _bench(settings: Settings, arguments: argparse.Namespace) -> int:
    from tui.commands import bench

    return bench.run(settings, arguments)


def _keys(_settings: Settings, arguments: argparse.Namespace) -> int:
    from tui.commands import keys

    return keys.run(arguments.json)


def _doctor(_settings: Settings, arguments: argparse.Namespace) -> int:
    from tui.commands import doctor

    return doctor.run(arguments.json)


NEEDS_NO_SETTINGS = (_doctor, _completion, _keys)
"""Commands that go on where the configuration is wrong; `doctor` says what is wrong with it."""

# ------------------------------------------------------------------ the parser


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage of all flags before it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False, add_help=False)
        self._positionals.title, self._optionals.title = "arguments", "flags"
        self.add_argument("-h", "--help", action="help", help="Show this help.")

    def flags(self) -> list[str]:
        """All that it takes, with both dashes."""
        return [flag for flag in self._option_string_actions if flag.startswith("--")]

    def commands(self) -> dict[str, _Parser]:
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


def build_parser() -> _Parser:
    """All flags and subcommands. Values are checked by the settings, not here."""
    parser = _Parser(prog="specdec-tui", usage="%(prog)s [FLAGS] [COMMAND]")
    _command(parser, _app)
    parser.description = (
        "Chat with a large language model that a small draft model makes faster. "
        "Without a command, opens the app."
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", parser_class=_Parser, prog=parser.prog
    )

    def add(
        name: str, what: str, run: Run, fields: Iterable[str], prompt: str = ""
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=what,
            description=what,
            usage=f"specdec-tui {name} [FLAGS]{prompt}",
        )
        command.add_argument("--json", action="store_true", help="One JSON document on stdout.")
        _command(command, run, fields)
        return command

    chat = add(
        "chat",
        "One reply to stdout, statistics to stderr.",
        _chat,
        [name for name in FIELDS if name not in APP_FIELDS],
        " [PROMPT]",
    )
    chat.add_argument("prompt", nargs="*", metavar="PROMPT", help="The prompt; none or -: stdin.")
    add("models", "The GGUF models on this machine.", _models, ["models_dirs"])
    pull = add("pull", "Fetch a model from the Hub.", _pull, ["models_dirs"], " REPO[:QUANT]")
    hub_flags.add_pull_flags(pull)
    removal = add("rm", "Delete a model from this machine.", _remove, ["models_dirs"], " NAME")
    hub_flags.add_remove_flags(removal)
    drafts = add(
        "drafts",
        "Every model on this machine as a draft for a target: whether it fits, and what to expect.",
        _drafts,
        [name for name in FIELDS if name in DRAFTS_FIELDS],
        " [TARGET]",
    )
    drafts.add_argument(
        "of_target",
        nargs="?",
        default="",
        metavar="TARGET",
        help="A path, or a name that `specdec-tui models` lists; none: the configured one.",
    )
    bench = add(
        "bench",
        "Measure what a draft brings on this machine, by kind of prompt.",
        _bench,
        [name for name in FIELDS if name not in bench_flags.NOT_SETTINGS],
    )
    bench_flags.add_flags(bench)
    add("doctor", "What this machine can do, and what is wrong.", _doctor, [])
    add("keys", "The keys of the app, and what is wrong in your own.", _keys, [])
    completion = commands.add_parser(
        "completion",
        help="A script for your shell that completes what you type.",
        description=COMPLETION,
        usage="specdec-tui completion bash|zsh|fish",
    )
    completion.add_argument("shell", metavar="bash|zsh|fish", help="The shell.")
    _command(completion, _completion, [])
    return parser


def _command(parser: argparse.ArgumentParser, run: Run, fields: Iterable[str] = FIELDS) -> None:
    """Give the parser its flags. What is not given does not appear in the result, so that a flag
    before the command is not undone by the command's own default."""
    parser.set_defaults(run=run, of=parser)
    group = parser.add_argument_group("settings")
    for name in fields:
        field = FIELDS[name]
        options: dict[str, Any] = {
            "dest": name,
            "default": argparse.SUPPRESS,
        }
        if field.annotation is bool:  # what is on by default can be turned off
            options["action"] = argparse.BooleanOptionalAction if field.default else "store_true"
        else:
            options["metavar"] = _metavar(field.annotation)
            if typing.get_origin(field.annotation) is list:
                options["action"] = "append"
        group.add_argument("--" + name.replace("_", "-"), **options)


def _metavar(annotation: Any) -> str:
    """What a value looks like: `N`, `X`, `DIR`, `TEXT` or the words to choose from."""
    names = {int: "N", float: "X", Path: "DIR", str: "TEXT", NoneType: ""}
    if typing.get_origin(annotation) is Literal:
        return "|".join(map(str, typing.get_args(annotation)))
    if annotation in names:
        return names[annotation]
    return "|".join(filter(None, map(_metavar, typing.get_args(annotation)[:2])))


def _refuse_unknown_flags(argv: Sequence[str], parser: _Parser) -> None:
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


def _refuse_before_command(flag: str, argv: Sequence[str], parser: _Parser) -> NoReturn:
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


class _Version(argparse.Action):
    """`--version`; argparse's own would read the version on every start."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="Show the version.")

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        from tui.version import version

        print(f"specdec-tui {version()}")
        raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
