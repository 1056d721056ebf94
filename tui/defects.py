"""What nobody expected to go wrong on a thread: said, where Textual would only write it to its log
and leave the screen waiting."""

from __future__ import annotations

from textual.worker import Worker, WorkerState

from tui.sanitize import clean_line
from tui.widgets.key_hints import KeyHints


def defect(event: Worker.StateChanged) -> str:
    """The sentence for a worker that has failed; empty where it has not."""
    if event.state is not WorkerState.ERROR:
        return ""
    error = event.worker.error
    return clean_line(f"This is a defect: {type(error).__name__}: {error}", 400)


class SaysDefects:
    """A screen whose threads look things up, and which has a line to say what came of them."""

    _hints: KeyHints

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if said := defect(event):
            self._hints.say(said, "$failure")
