"""The line between chat and composer: shows how far a load or a prefill is, and short hints."""

from __future__ import annotations

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

HINT_S = 6.0


class Divider(Widget):
    """One row; nothing around it moves when it has something to say."""

    DEFAULT_CSS = """
    Divider {
        height: 1;
        color: $faint;
    }
    """

    fraction: reactive[float | None] = reactive(None)
    """From 0 to 1 while there is progress to show."""
    hint: reactive[str] = reactive("")
    lasting: reactive[str] = reactive("")
    """Shown while there is no hint."""

    def say(self, hint: str, seconds: float = HINT_S) -> None:
        """Show a hint for a few seconds."""
        self.hint = hint
        self.set_timer(seconds, lambda: self.unsay(hint))

    def unsay(self, hint: str) -> None:
        """Take a hint back that is not true any more."""
        if self.hint == hint:
            self.hint = ""

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        width = self.size.width
        line = self.rich_style
        text = self.hint or self.lasting
        label = f" {text} " if text and len(text) + 4 <= width else ""
        room = width - len(label) - (2 if label else 0)
        done = 0 if self.fraction is None else round(max(0.0, min(1.0, self.fraction)) * room)
        variables = self.app.theme_variables
        segments = [
            Segment("━" * done, line + Style.parse("$primary", variables).rich_style),
            Segment("─" * (room - done), line),
        ]
        if label:
            segments.append(Segment(label, line + Style.parse("$primary", variables).rich_style))
            segments.append(Segment("──", line))
        return Strip(segments).adjust_cell_length(width, line)
