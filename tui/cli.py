"""The command line: flags made from the settings, subcommands, and what an exit code means. How
arguments are read is in `tui.arguments`.

0: done. 1: the work failed. 2: the arguments, the environment or the configuration are wrong.
130: interrupted. Heavy modules are imported by the command that needs them.
"""

from __future__ import annotations

import argparse
import sys
import typing
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeAlias

from core import last_start
from core.configuration import FIELDS, load_settings
from core.settings import Settings, absent
from tui.arguments import Parser, Version, refuse_surplus, refuse_unknown_flags
from tui.commands import bench_flags, hub_flags
from tui.commands.output import complain
from tui.exit_codes import exit_code
from tui.opening import has_terminal, open_app

Run = Callable[[Settings, argparse.Namespace], int]

DRAFTS_FIELDS = {
    *("target", "demo", "models_dirs", "n_gpu_layers", "draft_n_gpu_layers", "ctx", "draft_ctx"),
    *("batch", "draft_batch", "cache_type_k", "cache_type_v", "draft_cache_type_k"),
    *("draft_cache_type_v", "flash_attn"),
}
"""What `drafts` takes: all that memory depends on."""
DRAFTS = "Every model on this machine as a draft for a target: whether it fits, and what to expect."

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
    refuse_unknown_flags(argv, parser)
    arguments, surplus = parser.parse_known_args(argv)
    given = vars(arguments)
    if surplus:
        refuse_surplus(surplus[0], given["of"])
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


def build_parser() -> Parser:
    """All flags and subcommands. Values are checked by the settings, not here."""
    parser = Parser(prog="specdec-tui", usage="%(prog)s [FLAGS] [COMMAND]")
    _command(parser, _app)
    parser.description = (
        "Chat with a large language model that a small draft model makes faster. "
        "Without a command, opens the app."
    )
    parser.add_argument("--version", action=Version)
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", parser_class=Parser, prog=parser.prog
    )
    chat = _add(
        commands,
        "chat",
        "One reply to stdout, statistics to stderr.",
        _chat,
        [name for name in FIELDS if name not in APP_FIELDS],
        " [PROMPT]",
    )
    chat.add_argument("prompt", nargs="*", metavar="PROMPT", help="The prompt; none or -: stdin.")
    _add_for_models(commands)
    bench = _add(
        commands,
        "bench",
        "Measure what a draft brings on this machine, by kind of prompt.",
        _bench,
        [name for name in FIELDS if name not in bench_flags.NOT_SETTINGS],
    )
    bench_flags.add_flags(bench)
    _add(commands, "doctor", "What this machine can do, and what is wrong.", _doctor)
    _add(commands, "keys", "The keys of the app, and what is wrong in your own.", _keys)
    _add_completion(commands)
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


def _add_for_models(commands: Commands) -> None:
    """What is done with the models on this machine, and with those of the Hub."""
    _add(commands, "models", "The GGUF models on this machine.", _models, ["models_dirs"])
    what = "Fetch a model from the Hub."
    pull = _add(commands, "pull", what, _pull, ["models_dirs"], " REPO[:QUANT]")
    hub_flags.add_pull_flags(pull)
    what = "Delete a model from this machine."
    hub_flags.add_remove_flags(_add(commands, "rm", what, _remove, ["models_dirs"], " NAME"))
    what = (
        "Every model on this machine as a draft for a target: whether it fits, and what to expect."
    )
    fields = [name for name in FIELDS if name in DRAFTS_FIELDS]
    _add(commands, "drafts", what, _drafts, fields, " [TARGET]").add_argument(
        "of_target",
        nargs="?",
        default="",
        metavar="TARGET",
        help="A path, or a name that `specdec-tui models` lists; none: the configured one.",
    )


def _add_completion(commands: Commands) -> None:
    """The one command whose output is neither for people nor JSON."""
    completion = commands.add_parser(
        "completion",
        help="A script for your shell that completes what you type.",
        description=COMPLETION,
        usage="specdec-tui completion bash|zsh|fish",
    )
    completion.add_argument("shell", metavar="bash|zsh|fish", help="The shell.")
    _command(completion, _completion, [])


def _add(
    commands: Commands,
    name: str,
    what: str,
    run: Run,
    fields: Iterable[str] = (),
    arguments: str = "",
) -> Parser:
    """A command that takes these settings as flags; `arguments` says what else, in its usage."""
    usage = f"specdec-tui {name} [FLAGS]{arguments}"
    command = commands.add_parser(name, help=what, description=what, usage=usage)
    command.add_argument("--json", action="store_true", help="One JSON document on stdout.")
    _command(command, run, fields)
    return command


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


if __name__ == "__main__":
    sys.exit(main())
