"""`specdec-tui completion SHELL`: a script that completes commands, flags, words and file names.

Made by shtab from the parser of the command line itself, so that no flag is forgotten.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Literal, get_args

import shtab

from core.configuration import help_texts
from core.errors import SpecdecError
from core.models.untrusted import shown

Shell = Literal["bash", "zsh", "fish"]

MODELS = shtab.glob("*.gguf")
_HELPERS = MODELS["preamble"]
assert isinstance(_HELPERS, dict)
DRAFTS: shtab.CompleteType = {
    "bash": "_specdec_tui_draft_file",  # shtab knows by the name that files are completed
    "zsh": "_specdec_tui_draft",
    "fish": f"auto lookup none {MODELS['fish']}",
    "preamble": {
        "bash": f"""{_HELPERS["bash"]}
_specdec_tui_draft_file() {{
  compgen -W "auto lookup none" -- "$1"
  {MODELS["bash"]} "$1"
}}
""",
        "zsh": """
_specdec_tui_draft() {
  _alternative 'words:draft:(auto lookup none)' "files:model:_files -g '*.gguf'"
}
""",
        "fish": _HELPERS["fish"],
    },
}
"""A draft is a file or one of the words."""


def run(parser: argparse.ArgumentParser, shell: str) -> int:
    """Print the script. Always 0; raises SpecdecError where the shell is another one."""
    for known in get_args(Shell):
        if shell == known:
            print(script(parser, known))
            return 0
    choices = ", ".join(get_args(Shell))
    raise SpecdecError(
        f"There is no completion for {shown(shell, 40)}; choose one of {choices}.", "settings"
    )


def script(parser: argparse.ArgumentParser, shell: Shell) -> str:
    """The script for a shell. Notes in the parser what can be completed: it is for nothing else
    thereafter."""
    texts = help_texts()
    for command in _commands(parser):
        for action in command._actions:
            _note(action, texts)
    return shtab.complete(parser, shell)


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser and those of its subcommands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _commands(command)


def _note(action: argparse.Action, texts: Mapping[str, str]) -> None:
    """What the flag means, and what its value can be."""
    text = " ".join(texts.get(action.dest, "").replace("`", "").split())
    action.help = action.help or text.replace("%", "%%") or None
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    files = {"TARGET": MODELS, "NAME": MODELS, "FILE": shtab.FILE, "DIR": shtab.DIRECTORY}
    by_field = {"target": MODELS, "draft": DRAFTS}
    kind = by_field.get(action.dest) or files.get(metavar)
    if kind and action.nargs != 0:
        vars(action)["complete"] = kind  # where shtab looks for it
    elif "|" in metavar:
        action.choices = [word for word in metavar.split("|") if not word.isupper()]
