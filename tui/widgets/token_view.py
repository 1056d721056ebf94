"""A reply as its tokens, tinted by how they came, with a cursor. Draws only what is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message

from tui.token_layout import Segment, TokenLayout
from tui.token_looks import style_of
from tui.trace import Trace
from tui.widgets.lines import Lines

WHEEL_ROWS = 3
CURSOR = "$input-cursor-foreground on $input-cursor-background bold"
LEFT_OUT = "$muted"


class TokenView(Lines, can_focus=True):
    """Shows a trace that may still grow. At the last token the cursor goes along with it."""

    DEFAULT_CSS = """
    TokenView { height: 1fr; min-height: 1; color: $foreground; }
    """

    @dataclass
    class Moved(Message):
        """The cursor stands on another token."""

    def __init__(self) -> None:
        super().__init__()
        self.cursor = 0
        self.with_rejected = True
        self._trace: Trace | None = None
        self._layout: TokenLayout | None = None
        self._n_characters: int | None = None
        self._top = 0
        self._following = True
        self._x: int | None = None
        """The column that moving up and down keeps to."""

    @property
    def laid_out(self) -> TokenLayout | None:
        return self._layout

    @property
    def n_tokens(self) -> int:
        return self._layout.n_tokens if self._layout else 0

    def show(self, trace: Trace | None, n_characters: int | None) -> None:
        """Take over a reply; `n_characters` is its length once it is over: tokens beyond it are not
        part of the text. A trace that has grown is laid out on."""
        if trace is not self._trace:
            self._trace, self._layout = trace, None
            self.cursor, self._top, self._following, self._x = 0, 0, True, None
        grown = self._lay_out()
        if grown or n_characters != self._n_characters:
            self._n_characters = n_characters
            if self._following and self.n_tokens:
                self.move_to(self.n_tokens - 1)
            else:
                self.changed()

    def toggle_rejected(self) -> None:
        self.with_rejected = not self.with_rejected
        self._layout = None
        self._lay_out()
        self._reveal()
        self.changed()

    def left_out(self, token: int) -> bool:
        """Whether a token is not part of the text: the end of generation, or a stop string."""
        if self._layout is None or self._n_characters is None:
            return False
        return self._layout.n_characters[token] >= self._n_characters

    # -------------------------------------------------------------- moving

    def move_to(self, token: int) -> None:
        """Put the cursor on a token; on the last one it stays at the end."""
        if not self.n_tokens:
            return
        self.cursor = max(0, min(self.n_tokens - 1, token))
        self._following = self.cursor == self.n_tokens - 1
        self._x = None
        self._reveal()
        self.changed()
        self.post_message(self.Moved())

    def move_rows(self, by: int) -> None:
        """The cursor up or down by rows, as near to its column as there are tokens."""
        layout = self._layout
        if layout is None or not self.n_tokens:
            return
        x = layout.x_of(self.cursor) if self._x is None else self._x
        row = layout.row_of(self.cursor)
        step = 1 if by > 0 else -1
        wanted = max(0, min(len(layout.rows) - 1, row + by))
        found = layout.token_at(wanted, x)
        while found is None and 0 <= wanted + step < len(layout.rows):
            wanted += step
            found = layout.token_at(wanted, x)
        if found is not None:
            self.move_to(found)
            self._x = x

    def page_rows(self) -> int:
        return max(1, self.size.height - 1)

    def _lay_out(self) -> bool:
        """Lay out what is not yet; anew at another width. Whether anything has changed."""
        width = self.size.width
        if self._trace is None or not width:
            return False
        if self._layout is None or self._layout.width != width:
            self._layout = TokenLayout(self._trace, width, self.with_rejected)
        return self._layout.grow()

    def _reveal(self) -> None:
        """Scroll as little as shows the cursor, and the end with it where it stands there."""
        if self._layout is None or not self.size.height:
            return
        rows, height = len(self._layout.rows), self.size.height
        at = self._layout.row_of(self.cursor) if self.n_tokens else 0
        if self._following:
            at = rows - 1
        self._top = max(at - height + 1, min(self._top, at))
        self._top = max(0, min(self._top, rows - height))

    # -------------------------------------------------------------- drawing

    def build(self, width: int) -> Sequence[Content]:  # noqa: ARG002 - laid out already
        if self._layout is None:
            return []
        seen = self._layout.rows[self._top : self._top + self.size.height]
        return [self._row(row) for row in seen]

    def _row(self, row: Sequence[Segment]) -> Content:
        return Content.assemble(*((segment.text, self._style(segment)) for segment in row))

    def _style(self, segment: Segment) -> str:
        if segment.is_token and segment.token == self.cursor:
            return CURSOR
        if segment.is_token and self.left_out(segment.token):
            return LEFT_OUT
        return style_of(segment.look, segment.odd)

    def on_resize(self) -> None:
        self._lay_out()
        self._reveal()
        self.changed()

    def on_click(self, event: events.Click) -> None:
        row = self._top + event.y
        if self._layout and row < len(self._layout.rows):
            token = self._layout.token_at(row, event.x)
            if token is not None:
                self.move_to(token)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move_rows(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move_rows(-WHEEL_ROWS)
