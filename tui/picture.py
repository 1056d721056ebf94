"""Pictures of the app: `python -m tui.picture OUT.svg` runs it unseen and saves what it shows.

The app is the real one with its real engine. Without `--prompt` and `--press` it is asked once.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from textual.pilot import Pilot

from core.configuration import load_settings
from core.errors import SpecdecError
from tui.app import SpecdecApp

QUESTION = "What is speculative decoding?"
STEP_S = 0.05
SETTLE_S = 0.4
Step = tuple[str, str]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; the exit code."""
    given = _parser().parse_args(argv)
    flags = {
        "theme": given.theme,
        "target": given.target,
        "draft": given.draft,
        "temperature": given.temperature,
        "max_tokens": given.max_tokens,
        "demo": None if given.target else True,
    }
    try:
        app = SpecdecApp(load_settings(flags))
        app.keeper.enabled = False
        steps = given.steps or [("prompt", QUESTION)]
        svg = asyncio.run(take(app, given.size, steps, given.patience))
    except SpecdecError as error:
        print(f"picture: {error}", file=sys.stderr)
        return 1
    except TimeoutError:
        print(f"picture: not done within {given.patience:.0f} s; see --patience", file=sys.stderr)
        return 1
    given.out.write_text(svg, encoding="utf-8")
    return 0


async def take(
    app: SpecdecApp, size: tuple[int, int], steps: Sequence[Step], patience: float
) -> str:
    """Carry out the steps in the app at this size; returns the picture as SVG.

    Raises SpecdecError where the models cannot be loaded, TimeoutError after `patience` seconds.
    """
    async with asyncio.timeout(patience), app.run_test(size=size, notifications=True) as pilot:
        await _until(pilot, lambda: app.dialogue.state.target or app.dialogue.state.trouble)
        if not app.dialogue.state.target:
            raise SpecdecError("The models could not be loaded.", kind="model")
        for kind, text in steps:
            match kind:
                case "prompt":
                    app.ask(text)
                    await pilot.pause(STEP_S)
                    await _until(pilot, lambda: not app.dialogue.busy)
                case "press":
                    await pilot.press(text)
                case _:
                    await pilot.pause(float(text))
        await pilot.pause(SETTLE_S)
        return app.export_screenshot(title=app.TITLE)


async def _until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    while not condition():
        await pilot.pause(STEP_S)


class _AddStep(argparse.Action):
    """Prompts, keys and pauses in the order in which they were given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - the signature is argparse's
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        step = ((option_string or "").removeprefix("--"), str(values))
        namespace.steps = [*(namespace.steps or []), step]


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.partition("x")
    return int(columns), int(rows)


def _place(text: str) -> Path:
    """Looked at before the app runs, not after it."""
    out = Path(text)
    if out.is_dir() or not out.parent.is_dir():
        what_would = "name one in a folder that is there"
        raise argparse.ArgumentTypeError(f"{text} cannot be a file; {what_would}")
    return out


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tui.picture", description=__doc__)
    parser.add_argument("out", type=_place, help="the SVG file to write")
    parser.add_argument("--size", type=_size, default=(120, 34), metavar="120x34")
    parser.add_argument("--theme", default="specdec-dark")
    parser.add_argument("--target", help="a target other than the bundled one")
    parser.add_argument("--draft", help="a draft other than the bundled one")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--max-tokens", type=int, default=0)
    parser.add_argument("--patience", type=float, default=120.0, metavar="SECONDS")
    for name, what in (
        ("--prompt", "ask this and wait for the reply"),
        ("--press", "press this key"),
        ("--pause", "wait so many seconds"),
    ):
        parser.add_argument(name, dest="steps", action=_AddStep, help=f"{what}; can be repeated")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
