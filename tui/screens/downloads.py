"""The queue of downloads: how far each is, with pause, resume and cancel."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen

from tui.downloads import ENDED, Item
from tui.fetching import Fetcher
from tui.sanitize import clean_line
from tui.widgets.download_list import DownloadList
from tui.widgets.key_hints import Hint, KeyHints
from tui.widgets.pick_list import PickList

LOOK_AGAIN_S = 0.2


class DownloadsScreen(ModalScreen[None]):
    """Shows the queue until it is closed; the downloads go on without it."""

    DEFAULT_CSS = """
    DownloadsScreen > Container {
        width: 90;
        max-width: 100%;
        height: 60%;
        min-height: 8;
        max-height: 100%;
        background: $surface;
        border: round $primary;
        border-title-color: $foreground;
        padding: 1 1 0 1;
    }
    DownloadsScreen KeyHints { padding: 0; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q", "dismiss(None)", "close"),
        Binding("f8", "dismiss(None)", "close", id="downloads"),
        ("p", "pause", "pause"),
        ("r", "resume", "resume"),
        ("c,x,delete", "cancel", "cancel"),
    ]

    def __init__(self, fetcher: Fetcher) -> None:
        super().__init__()
        self._fetcher, self._list, self._hints = fetcher, DownloadList(), KeyHints()

    def compose(self) -> ComposeResult:
        with Container() as box:
            box.border_title = "downloads"
            yield self._list
            yield self._hints

    def on_mount(self) -> None:
        self._list.focus()
        self._show()
        self.set_interval(LOOK_AGAIN_S, self._show)

    @on(PickList.Moved)
    def _show(self) -> None:
        self._list.show(self._fetcher.downloads.items)
        item = self._list.highlighted
        self._hints.show(_hints_for(item))
        # What is longer than its row stands here in full, or nearly so.
        said = clean_line(item.note or item.path, 400) if item else ""
        cut = 0 < self._list.size.width < cell_len(said)
        self._hints.say(said if cut else "", "$failure" if _failed(item) else "$muted")

    @on(PickList.Picked)
    def _picked(self) -> None:
        """Enter is whatever goes on or stops for a while."""
        if (item := self._list.highlighted) and item.status in ("running", "waiting"):
            self.action_pause()
        else:
            self.action_resume()

    def action_pause(self) -> None:
        if item := self._list.highlighted:
            self._fetcher.pause(item.key)
            self._show()

    def action_resume(self) -> None:
        if item := self._list.highlighted:
            self._fetcher.resume(item.key)
            self._show()

    def action_cancel(self) -> None:
        if item := self._list.highlighted:
            self._fetcher.cancel(item.key)
            self._show()


def _hints_for(item: Item | None) -> list[Hint]:
    close: Hint = ("Esc", "close")
    match item.status if item else "":
        case "running" | "waiting":
            return [("p", "pause"), ("c", "cancel"), close]
        case "paused":
            return [("r", "go on"), ("c", "cancel"), close]
        case "checking":
            return [("c", "cancel"), close]
        case "failed" | "cancelled":
            return [("r", "try again"), ("c", "off the list"), close]
        case status if status in ENDED:
            return [("c", "off the list"), close]
    return [close]


def _failed(item: Item | None) -> bool:
    return item is not None and item.status == "failed"
