"""The app with two things more: F10 opens a made-up conversation, and what each batch of the
engine's events cost is written down when the app ends. `tests.perf.app` runs it.

    python -m tests.perf.measured_app FILE [--messages 2000] [--rate 1500 --text fence]

Without `--rate` the engine is the real one, on the bundled pair.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, ClassVar

import tui  # settles what Textual reads at its import
from core import client
from core.configuration import load_settings
from tests.perf.long_chat import conversation
from tui.app import SpecdecApp
from tui.driver import PaintingDriver
from tui.message_lines import MessageLines, Role


class MeasuredApp(SpecdecApp):
    CSS_PATH = Path(tui.__file__).parent / "app.tcss"
    BINDINGS: ClassVar[list[Any]] = [("f10", "open_long", "open")]
    rows: ClassVar[list[tuple[Role, str]]] = []

    async def action_open_long(self) -> None:
        await self.chat.show_all([MessageLines(role, text) for role, text in self.rows])


def note_costs(app: SpecdecApp) -> list[tuple[float, int]]:
    """Milliseconds from handing on a batch of events to its being painted, and the characters of
    the reply so far, for every batch to come."""
    costs: list[tuple[float, int]] = []
    posted = [0.0]
    post, shown = app.engine._post, app.engine.shown

    def note_post(message: Any) -> object:
        posted[0] = time.perf_counter()
        return post(message)

    def note_shown() -> None:
        view = app.chat.last_reply
        took = (time.perf_counter() - posted[0]) * 1000
        costs.append((took, len(view.text) if view else 0))
        shown()

    app.engine._post, app.engine.shown = note_post, note_shown  # type: ignore[method-assign]
    return costs


def use_stand_in(rate: str, text: str) -> None:
    """Put the stand-in in the place of the engine's program."""
    invocation = client.engine_invocation

    def stand_in(*_: str) -> tuple[list[str], dict[str, str]]:
        (python, *_rest), environment = invocation()
        return [python, "-m", "tests.perf.stand_in", "--rate", rate, "--text", text], environment

    client.engine_invocation = stand_in


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.perf.measured_app")
    parser.add_argument("file", type=Path)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--rate")
    parser.add_argument("--text", default="markdown")
    given = parser.parse_args()
    MeasuredApp.rows = list(conversation(given.messages))
    if given.rate:
        use_stand_in(given.rate, given.text)
    app = MeasuredApp(load_settings({"demo": True, "max_tokens": 0}))
    app.driver_class = PaintingDriver
    costs = note_costs(app)
    app.run()
    given.file.write_text(json.dumps(costs))


if __name__ == "__main__":
    main()
