"""X-ray: a reply as the tokens that it is made of, each tinted by how it came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import ModalScreen

from core.protocol import ReplyStats
from tui.choices import MOST_DRAFTS
from tui.conversation import Turn
from tui.dialogue import Dialogue
from tui.sanitize import clean_line, clean_stream
from tui.trace import Trace
from tui.widgets.key_hints import Hint, KeyHints
from tui.widgets.lines import Lines
from tui.widgets.stats_bar import StatsBar
from tui.widgets.token_view import TokenView
from tui.xray_lines import check_line, legend, token_lines

LOOK_AGAIN_S = 0.1
LEAST_PROMPT = 12
"""Cells for the prompt in the title; it is left out where there are fewer."""
UNKNOWN = "How these tokens came is not known: the reply was made in an earlier session."
EMPTY = "Nothing has come yet."
HINTS: tuple[Hint, ...] = (
    ("← → ↑ ↓", "move"),
    ("n p", "corrections"),
    ("r", "rejected"),
    ("[ ]", "other reply"),
    ("Esc", "close"),
)


class Given(Lines):
    """Lines that are handed to it."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._make: Callable[[int], Sequence[Content]] = lambda _width: ()

    def show(self, make: Callable[[int], Sequence[Content]]) -> None:
        """Draw what `make` returns for a width."""
        self._make = make
        self.changed()

    def build(self, width: int) -> Sequence[Content]:
        return [line.truncate(width, ellipsis=True) for line in self._make(width)]


class XrayScreen(ModalScreen[None]):
    """Looks at a reply of the conversation, at first the last one, also while it is written."""

    CSS = """
    XrayScreen.page { background: $background; align: left top; }
    """
    DEFAULT_CSS = """
    XrayScreen {
        & #page { width: 100%; height: 100%; }
        & #title { height: 1; background: $panel; padding: 0 1; }
        & #legend { height: auto; padding: 0 1; }
        & #tokens { height: 1fr; padding: 1 1; }
        & #token { height: 4; padding: 0 1; background: $surface; }
        & KeyHints { height: 1; }
        &.-short #legend, &.-short #token, &.-short StatsBar { display: none; }
        &.-short #tokens { padding: 0; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "close"),
        Binding("f4", "dismiss(None)", "close", id="xray"),
        Binding("f2", "app.next_draft", "next draft", id="next_draft"),
        *(
            Binding(f"alt+{number}", f"app.pick_draft({number})", id=f"draft_{number}", show=False)
            for number in range(1, MOST_DRAFTS + 1)
        ),
        Binding("right,l", "token(1)", "next token"),
        Binding("left,h", "token(-1)", "token before"),
        Binding("down,j", "row(1)", "down"),
        Binding("up,k", "row(-1)", "up"),
        Binding("pagedown,ctrl+d", "page(1)", "page down"),
        Binding("pageup,ctrl+u", "page(-1)", "page up"),
        Binding("home,g", "edge(-1)", "first token"),
        Binding("end,G", "edge(1)", "last token, and along with the reply"),
        Binding("n", "corrected(1)", "next correction"),
        Binding("p,N", "corrected(-1)", "correction before"),
        Binding("left_square_bracket", "reply(-1)", "reply before"),
        Binding("right_square_bracket", "reply(1)", "next reply"),
        Binding("r", "rejected", "rejected on, off"),
    ]

    def __init__(self, dialogue: Dialogue) -> None:
        super().__init__(classes="page")
        self._dialogue = dialogue
        self._number = max(0, len(dialogue.conversation.turns) - 1)
        self._title, self._legend = Given(id="title"), Given(id="legend")
        self._view, self._token = TokenView(), Given(id="token")
        self._stats_bar, self._hints = StatsBar(), KeyHints(lines=1)

    def compose(self) -> ComposeResult:
        with Container(id="page"):
            yield self._title
            yield self._legend
            with Container(id="tokens"):
                yield self._view
            yield self._token
            yield self._stats_bar
            yield self._hints

    def on_mount(self) -> None:
        self._hints.show(HINTS)
        self._view.focus()
        self.call_after_refresh(self._show)
        self.set_interval(LOOK_AGAIN_S, self._show)

    # -------------------------------------------------------------- painting

    def _show(self) -> None:
        """Paint what is known of the reply."""
        turns = self._dialogue.conversation.turns
        if not turns:
            if self.is_current:  # not when it is on its way out already, or another lies over it
                self.dismiss(None)
            return
        self._number = min(self._number, len(turns) - 1)
        turn, last = turns[self._number], self._number == len(turns) - 1
        over = turn.finish_reason is not None
        n_before = turn.trace.n_before if turn.trace else 0
        self._view.show(turn.trace, len(clean_stream(turn.reply)) - n_before if over else None)
        self._title.show(lambda width: [self._heading(turn, width)])
        self._legend.show(lambda width: self._counted(turn, self._stats(turn), width))
        self._show_token()
        self._stats_bar.display = last
        if last:
            self._stats_bar.show(self._dialogue.state)

    @property
    def _trace(self) -> Trace | None:
        """Of the reply that is shown; None where it was not seen, or the chat has just been left
        while a key was on its way."""
        turns = self._dialogue.conversation.turns
        return turns[self._number].trace if self._number < len(turns) else None

    def _stats(self, turn: Turn) -> ReplyStats | None:
        """The engine's totals: of a reply that is being written, those up to now."""
        return turn.stats or (self._dialogue.state.stats if turn.finish_reason is None else None)

    def _heading(self, turn: Turn, width: int) -> Content:
        n_turns = len(self._dialogue.conversation.turns)
        where = f"reply {self._number + 1} of {n_turns}" if n_turns > 1 else "the reply"
        title = Content.assemble(("X-ray", "bold"), f"  {where}")
        room = width - title.cell_length
        said = self._going_on(turn)
        going_on = next((text for text in said if cell_len(text) <= room), "")
        asked = Content.styled(f"  {clean_line(turn.prompt, 200)}", "$muted")
        room -= cell_len(going_on)
        if room < LEAST_PROMPT:
            asked = Content("")
        return Content.assemble(
            title, (going_on, "$primary"), asked.truncate(max(0, room), ellipsis=True)
        )

    def _going_on(self, turn: Turn) -> list[str]:
        """What there is to know of the reply as a whole, from the longest way to say it on."""
        long, short = "", ""
        if turn.finish_reason is None:
            state = self._dialogue.state
            draft = self._dialogue.offer.name_of(state.wanted_draft or state.draft_in_use)
            long, short = f"  being written with {draft}", "  being written"
        if turn.trace and turn.trace.n_before:
            after, briefly = "  from where it was continued", "  continued"
            return [long + after, long + briefly, short + briefly, short or briefly]
        return [long, short]

    def _counted(self, turn: Turn, stats: ReplyStats | None, width: int) -> list[Content]:
        if turn.trace is None or not turn.trace.n_tokens:
            text = UNKNOWN if turn.trace is None and turn.finish_reason else EMPTY
            return list(Content.styled(text, "$muted").wrap(max(1, width)))
        shown = legend(turn.trace, width, self._view.with_rejected)
        return [*shown, check_line(turn.trace.counts, stats)]

    def _show_token(self) -> None:
        trace = self._trace
        cursor, left_out = self._view.cursor, self._view.left_out(self._view.cursor)
        if trace is not None and cursor < trace.n_tokens:
            self._token.show(lambda _width: token_lines(trace, cursor, left_out))
        else:
            self._token.show(lambda _width: ())

    # -------------------------------------------------------------- keys

    @on(TokenView.Moved)
    def _moved(self) -> None:
        self._show_token()

    def action_token(self, by: int) -> None:
        self._view.move_to(self._view.cursor + by)

    def action_row(self, by: int) -> None:
        self._view.move_rows(by)

    def action_page(self, pages: int) -> None:
        self._view.move_rows(pages * self._view.page_rows())

    def action_edge(self, direction: int) -> None:
        self._view.move_to(0 if direction < 0 else self._view.n_tokens - 1)

    def action_corrected(self, step: int) -> None:
        trace = self._trace
        found = trace.next_corrected(self._view.cursor, step) if trace else None
        if found is not None and found < self._view.n_tokens:
            self._view.move_to(found)

    def action_reply(self, step: int) -> None:
        self._number = max(0, min(len(self._dialogue.conversation.turns) - 1, self._number + step))
        self._show()

    def action_rejected(self) -> None:
        self._view.toggle_rejected()
        self._show()
