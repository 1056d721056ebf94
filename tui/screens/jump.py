"""Letters over the places of a screen: pressing one goes there."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

SAID = "Press the letter of a place to go there; any other key leaves."
LETTERS = "asdfghjklqwertyuiopzxcvbnm"


def places(screen: Screen[object]) -> list[Widget]:
    """Where one can go on a screen, from top to bottom: what takes the focus, and what names an
    action as its `jump_action`."""
    found = [widget for widget in screen.query("*") if _is_place(widget)]
    found.sort(key=lambda widget: (widget.region.y, widget.region.x))
    return found[: len(LETTERS)]


def _is_place(widget: Widget) -> bool:
    seen = all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))
    reachable = widget.can_focus or bool(getattr(widget, "jump_action", ""))
    return bool(widget.region) and seen and reachable and not widget.disabled


class JumpScreen(ModalScreen[Widget | None]):
    """Closes with the place whose letter was pressed; with None after any other key."""

    DEFAULT_CSS = """
    JumpScreen {
        align: left top;
        background: $background 40%;
        & Static {
            position: absolute;
            width: 3;
            height: 1;
            background: $primary;
            color: $background;
            text-style: bold;
        }
        & #says {
            width: 100%;
            padding: 0 1;
            background: $panel;
            color: $foreground;
            text-style: none;
        }
    }
    """

    def __init__(self, found: Sequence[Widget]) -> None:
        super().__init__()
        self._places = dict(zip(LETTERS, found, strict=False))

    def compose(self) -> ComposeResult:
        self._laid_out = self.app.size
        says = Static(SAID, id="says", markup=False)  # in the place of the keys, which rest now
        says.styles.offset = (0, self.app.size.height - 1)
        yield says
        taken: set[Offset] = set()
        for letter, place in self._places.items():
            at = place.region.offset
            while at in taken:
                at += Offset(4, 0)
            taken.add(at)
            label = Static(f" {letter} ", markup=False)
            label.styles.offset = (at.x, at.y)
            yield label

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(self._places.get(event.character or ""))

    def on_click(self) -> None:
        self.dismiss(None)

    def on_resize(self, event: events.Resize) -> None:
        """The places are elsewhere now, and so would be their letters."""
        before, self._laid_out = self._laid_out, event.size  # which comes more than once
        if event.size != before:
            self.dismiss(None)
