"""The queue of downloads: what waits, what runs, what became of the rest. No Textual and no thread
here: `fetching` does the work and reports, screens show the items.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tui import figures
from tui.sanitize import clean_line

if TYPE_CHECKING:
    from core.models.hub import FileChoice
    from core.models.progress import Progress

Status = Literal["checking", "waiting", "running", "paused", "done", "failed", "cancelled"]
ENDED: tuple[Status, ...] = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Request:
    """One model of a repository. `draft_for` is the path of the target that it is to draft for,
    which is checked before anything is fetched; empty where it is not wanted as a draft."""

    repo: str
    choice: FileChoice
    draft_for: str = ""

    @property
    def key(self) -> str:
        return key_of(self.repo, self.choice.name)


@dataclass(frozen=True)
class Item:
    """A request and where it stands. `note` says why it failed, `path` where the model is now."""

    request: Request
    status: Status
    progress: Progress | None = None
    note: str = ""
    path: str = ""

    @property
    def key(self) -> str:
        return self.request.key

    @property
    def share(self) -> float | None:
        """What is there of the whole, 0 to 1; None until that is known."""
        known = self.progress is not None and self.progress.total > 0
        return self.progress.done / self.progress.total if known and self.progress else None


def key_of(repo: str, choice_name: str) -> str:
    return f"{repo}/{choice_name}"


class Downloads:
    """The items in the order in which they were asked for. At most one runs.

    `running` is the key of the one that a thread works on; it may be paused or cancelled already,
    and the next one begins when the thread has said that it ended.
    """

    def __init__(self) -> None:
        self.items: tuple[Item, ...] = ()
        self.running = ""

    def get(self, key: str) -> Item | None:
        return next((item for item in self.items if item.key == key), None)

    # -------------------------------------------------------------- what the user does

    def add(self, request: Request) -> bool:
        """Put a request at the end, to be checked first where it is to be a draft. False where it
        is in the queue already, or its model was fetched."""
        known = self.get(request.key)
        if known and known.status not in ("failed", "cancelled"):
            return False
        item = Item(request, "checking" if request.draft_for else "waiting")
        self.items = (*(i for i in self.items if i is not known), item)
        return True

    def pause(self, key: str) -> None:
        self._change(key, ("waiting", "running"), lambda item: replace(item, status="paused"))

    def resume(self, key: str) -> None:
        """Also of one that failed, whose beginning was kept, or was cancelled, whose was not."""
        self._change(
            key,
            ("paused", "failed", "cancelled"),
            lambda item: replace(
                item, note="", status="checking" if _unchecked(item) else "waiting"
            ),
        )

    def cancel(self, key: str) -> None:
        """Give one up; one that has ended goes from the list."""
        item = self.get(key)
        if item is None:
            return
        if item.status in ENDED and key != self.running:
            self.items = tuple(other for other in self.items if other.key != key)
        else:
            self._change(
                key,
                ("checking", "waiting", "running", "paused"),
                lambda item: replace(item, status="cancelled", note="", progress=None),
            )

    # -------------------------------------------------------------- what the threads report

    def next(self) -> Item | None:
        """The one to begin now, which counts as running from here on; None where there is none."""
        waiting = next((item for item in self.items if item.status == "waiting"), None)
        if self.running or waiting is None:
            return None
        self.running = waiting.key
        self._change(waiting.key, ("waiting",), lambda item: replace(item, status="running"))
        return self.get(waiting.key)

    def judged(self, key: str, problem: str) -> None:
        """The check of a draft is over; `problem` is empty where it fits."""
        status: Status = "failed" if problem else "waiting"
        self._change(key, ("checking",), lambda item: replace(item, status=status, note=problem))

    def progressed(self, key: str, progress: Progress) -> None:
        if key == self.running:
            self._change(key, (), lambda item: replace(item, progress=progress))

    def ended(self, key: str, path: str = "", problem: str = "") -> None:
        """The thread is done with it: the model is at `path`, or `problem` came up, or, with
        neither, it stopped as it was told to."""
        if key != self.running:
            return
        self.running = ""
        if path:
            self._change(key, (), lambda item: replace(item, status="done", path=path, note=""))
        elif problem:
            self._change(
                key, ("running",), lambda item: replace(item, status="failed", note=problem)
            )
        else:
            self._change(key, ("running",), lambda item: replace(item, status="paused"))

    # -------------------------------------------------------------- how it is done

    def _change(self, key: str, when: tuple[Status, ...], change: Callable[[Item], Item]) -> None:
        """Change the item where it is in one of the states `when`; without any, in every state."""
        self.items = tuple(
            change(item) if item.key == key and (not when or item.status in when) else item
            for item in self.items
        )


def summary(downloads: Downloads) -> str:
    """What the title bar says while something is fetched: `fetching 41%`."""
    item = downloads.get(downloads.running)
    if item is None or item.status != "running":
        return ""
    share = f" {figures.percent(item.share)}" if item.share is not None else ""
    waiting = sum(other.status == "waiting" for other in downloads.items)
    return f"fetching{share}" + (f" · {waiting} more" if waiting else "")


def mark(item: Item) -> str:
    """Its state in one short word, for a column."""
    if item.status == "running":
        return figures.percent(item.share) if item.share is not None else "begins"
    return {"done": "here", "failed": "failed"}.get(item.status, item.status)


def standing(item: Item) -> str:
    """Its state in a line."""
    match item.status:
        case "checking":
            return "checking whether it fits the target"
        case "waiting":
            return "waits for its turn"
        case "done":
            return item.path
        case "failed" | "cancelled":
            return item.note or item.status
    return _figures(item)


def _figures(item: Item) -> str:
    """How far one is that has begun."""
    progress = item.progress
    if progress is None or not progress.total:
        return "asking the Hub" if item.status == "running" else item.status
    words = [f"{figures.percent(item.share)} of {figures.size(progress.total)}"]
    if item.status == "paused":
        return " · ".join(["paused", *words])
    if progress.rate is not None:
        words.append(f"{figures.size(int(progress.rate))}/s")
    if progress.remaining_s is not None:
        words.append(f"{figures.duration(progress.remaining_s)} left")
    if progress.parts > 1:
        words.append(f"file {progress.part} of {progress.parts}")
    if progress.stage != "downloading":
        words.append(progress.note or progress.stage)
    return " · ".join(words)


def arrival(item: Item, named: Callable[[str], str]) -> str:
    """What to tell when a download has ended: the model is there, or why it is not. `named` puts
    the user's own keys into a sentence."""
    name = clean_line(item.request.choice.name.rpartition("/")[2], 100)
    if item.note:
        return f"{name} was not fetched. {item.note}"
    use = "{drafts} has it as a draft" if item.request.draft_for else "{models} lists it"
    return f"{name} is on this machine now; {named(use)}."


def _unchecked(item: Item) -> bool:
    return bool(item.request.draft_for) and item.progress is None
