"""What is wrong with what was written into a line."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.widgets.lines import Lines


class Problem(Lines):
    """Not there where nothing is wrong."""

    DEFAULT_CSS = """
    Problem { height: auto; color: $failure; }
    """
    text = ""

    def say(self, text: str) -> None:
        self.text = text
        self.changed()

    def build(self, width: int) -> Sequence[Content]:
        return Content(self.text).wrap(max(8, width)) if self.text else []
