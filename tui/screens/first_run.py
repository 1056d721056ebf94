"""The first start on a machine where nothing is set up: a pair to begin with, without guessing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from core.errors import SpecdecError
from core.settings import Settings
from tui import figures
from tui.defects import SaysDefects
from tui.downloads import Request, summary
from tui.fetching import Fetcher
from tui.messages import FromThread
from tui.sanitize import clean_line
from tui.state import EngineState
from tui.welcoming import (
    Bundled,
    Heading,
    Local,
    Remote,
    Row,
    choices_of,
    keep_as_default,
    look,
    rows,
)
from tui.widgets.key_hints import Hint, KeyHints, shortcuts_of
from tui.widgets.pick_list import PickList

LOOK_AGAIN_S = 0.3
SIZE_CELLS, EXPECTED_CELLS = 10, 20
FIRST = "Nothing is configured yet. "
LEAD = (
    "Choose a pair of models to chat with: a target, and a small draft "
    "that makes it faster. {models} shows all models, here and on the Hub, at any time."
)


class PairList(PickList):
    DEFAULT_CSS = """
    PairList { padding: 0 1; max-width: 100; }
    """

    def __init__(self) -> None:
        super().__init__(id="pairs")
        self._rows: Sequence[Row] = ()
        self.cursor = 1

    def show(self, listed: Sequence[Row]) -> None:
        """Take over the rows; the cursor stays on its own."""
        key = self.highlighted
        self._rows = listed
        self.move_to(listed.index(key) if key in listed else self.step(1, 0))

    @property
    def highlighted(self) -> Row | None:
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    def count(self) -> int:
        return len(self._rows)

    def step(self, at: int, by: int) -> int:
        able = [i for i, row in enumerate(self._rows) if not isinstance(row, Heading)]
        if not able:
            return -1
        here = min(range(len(able)), key=lambda n: abs(able[n] - at))
        return able[max(0, min(len(able) - 1, here + by))]

    def row(self, index: int, width: int) -> Sequence[Content]:
        match row := self._rows[index]:
            case Heading():
                return [Content.styled(row.text, "bold $muted").truncate(width, ellipsis=True)]
            case Bundled():
                return [_line("demo  ←  demo-draft", "", "the bundled pair", width)]
            case Local():
                name = row.target_name + (f"  ←  {row.draft_name}" if row.draft else "")
                return [_line(name, figures.size(row.size_bytes), row.expectation, width)]
            case Remote():
                name = f"{_short(row.target)}  ←  {_short(row.draft)}"
                return [_line(name, f"~{figures.size(row.n_bytes)}", "to be fetched", width)]


def _line(name: str, size: str, expectation: str, width: int) -> Content:
    tail = f"{size:>{SIZE_CELLS}}{expectation:>{EXPECTED_CELLS}}"
    room = width - 2 - len(tail)
    if room < LEAST_NAME:
        tail, room = "", width - 2
    label = Content(clean_line(name)).truncate(max(1, room), ellipsis=True)
    padding = " " * max(0, room - label.cell_length)
    return Content.assemble("  ", label, padding, (tail, "$muted"))


LEAST_NAME = 20


def _short(repo: str) -> str:
    return repo.rpartition("/")[2].removesuffix("-GGUF")


class FirstRunScreen(SaysDefects, ModalScreen[Local | Bundled | None]):
    """Closes with the pair on this machine to take, or None for what is in use: at the first start
    the bundled one, which is loading meanwhile. What it begins to fetch comes without it."""

    CSS = """
    FirstRunScreen.page { background: $background; align: left top; }
    """
    DEFAULT_CSS = """
    FirstRunScreen {
        & #page { width: 100%; height: 100%; }
        & #title { height: 1; background: $panel; padding: 0 1; color: $foreground; }
        & #lead { height: auto; padding: 1 1; color: $foreground; max-width: 100; }
        & #about { height: 2; padding: 0 1; color: $muted; }
        &.-short #lead, &.-short #about { display: none; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "close"),
        ("d", "keep", "take it and keep it as the default"),
        Binding("f5", "browse", "all models", id="models"),
        Binding("f8", "app.downloads", "downloads", id="downloads"),
    ]

    def __init__(
        self, settings: Settings, state: EngineState, fetcher: Fetcher, *, first: bool
    ) -> None:
        super().__init__(classes="page")
        self._settings, self._state, self._fetcher = settings, state, fetcher
        self._first = first
        self._looking = False
        self._list, self._hints = PairList(), KeyHints()
        self._about = Static("", id="about", markup=False)

    def compose(self) -> ComposeResult:
        with Container(id="page"):
            yield Static("welcome to specdec-tui", id="title", markup=False)
            lead = shortcuts_of(self.app).named((FIRST if self._first else "") + LEAD)
            yield Static(lead, id="lead", markup=False)
            yield self._list
            yield self._about
            yield self._hints

    def on_mount(self) -> None:
        self._list.focus()
        self._list.show(rows(None, ()))
        self.set_interval(LOOK_AGAIN_S, self._follow)
        self._look()

    def _look(self) -> None:
        """On a thread, as soon as the engine has said which devices there are; it may not start."""
        state = self._state
        if self._looking or not (state.memory or state.trouble):
            return
        self._looking = True
        memory = list(state.memory)

        def work() -> None:
            local, remote = look(memory, self._settings)
            self.post_message(FromThread(lambda: self._list.show(rows(local, remote))))

        self.run_worker(work, thread=True, exit_on_error=False)

    @on(FromThread)
    def _found(self, message: FromThread) -> None:
        message.take()

    @on(PickList.Moved)
    def _moved(self) -> None:
        row = self._list.highlighted
        close: Hint = ("Esc", "chat on the bundled pair" if self._first else "close")
        more: list[Hint] = [("{models}", "all models"), close]
        match row:
            case Local():
                self._about.update(clean_line(f"{row.draft_name or 'no draft'}: {row.verdict}"))
                keep: Hint = ("d", "use it, keep it as default")
                self._hints.show([("{list_choose}", "use it"), keep, *more])
            case Remote():
                self._about.update(f"{row.target} with {row.draft}")
                self._hints.show([("{list_choose}", "fetch both; chat meanwhile"), *more])
            case _:
                self._about.update("Two tiny models that know little, here without a download.")
                self._hints.show([("{list_choose}", "begin" if self._first else "use it"), *more])

    @on(PickList.Picked)
    def _picked(self) -> None:
        match row := self._list.highlighted:
            case Bundled() | Local():
                self.dismiss(row)
            case Remote():
                self._fetch(row)

    def action_browse(self) -> None:
        self.dismiss(None)
        self.app.call_later(self.app.run_action, "models")

    def action_keep(self) -> None:
        row = self._list.highlighted
        if not isinstance(row, Local):
            self._say("Only a pair that is here can be kept as the default.", "$notice")
            return
        try:
            keep_as_default(row)
        except SpecdecError as error:
            self._say(error.message, "$failure")
        else:
            self.dismiss(row)

    def _say(self, text: str, style: str = "$muted") -> None:
        self._hints.say(clean_line(text, 400), style)

    def _fetch(self, row: Remote) -> None:
        self._say("asking the Hub for the files …")

        def work() -> None:
            try:
                wanted = choices_of(row)
            except SpecdecError as error:
                problem = error.message
                self.post_message(FromThread(lambda: self._say(problem, "$failure")))
                return
            self.post_message(FromThread(lambda: self._queue([Request(*one) for one in wanted])))

        self.run_worker(work, thread=True, exit_on_error=False)

    def _queue(self, requests: Sequence[Request]) -> None:
        for request in requests:
            self._fetcher.fetch(request)
        queued = shortcuts_of(self.app).named("Both are in the queue; {downloads} shows it.")
        self._say(f"{queued} Esc begins a chat meanwhile.")

    def _follow(self) -> None:
        self._look()
        if running := summary(self._fetcher.downloads):
            self._say(running)
