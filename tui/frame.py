"""The app's frame: its widgets, the parts behind them, and what all actions share.

The actions in `tui.actions` are heirs of this class, one a subject; `tui.app` joins them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.command import Provider
from textual.containers import Horizontal, Vertical
from textual.events import Event, Key, Paste
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static
from textual.worker import Worker

from core.errors import SpecdecError
from core.settings import Settings
from tui.bindings import bindings
from tui.choices import DraftOption, Offer, first_offer, model_name
from tui.dialogue import Dialogue
from tui.effects import Notice
from tui.engine import EngineLine
from tui.keeping import Keeper
from tui.keymap import Keymap, own_keymap, read_keymap
from tui.keys import ACTIONS
from tui.keys_in_turn import Turns
from tui.terminal import Terminal
from tui.widgets.chat_view import ChatView
from tui.widgets.completions import Completions
from tui.widgets.composer import Composer
from tui.widgets.divider import Divider
from tui.widgets.key_bar import KeyBar
from tui.widgets.panel import Panel
from tui.widgets.stats_bar import StatsBar
from tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from tui.browser import Browser
    from tui.comparison import Comparison
    from tui.fetching import Fetcher
    from tui.slash import Suggestion

FRAME_S = 1 / 15
LIST_CELLS = 16
"""Textual's lists crash where there is no room for them."""


def _in_palette() -> type[Provider]:
    from tui.commands_in_palette import CommandsInPalette

    return CommandsInPalette


class Frame(App[None]):
    """The screen of the chat. Actions reach the parts by their names here."""

    TITLE = "specdec-tui"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(ACTIONS)
    COMMANDS = {_in_palette}  # noqa: RUF012 - as Textual has it
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual has it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (12, "-tall")]  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = True
    NOTIFICATION_TIMEOUT = 6

    def __init__(
        self, settings: Settings, offer: Offer | None = None, terminal: Terminal | None = None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.terminal = terminal or Terminal()
        self.turns = Turns(self, super().on_event)
        self.shortcuts = _shortcuts()
        to_end = self.shortcuts.first("bottom") or self.shortcuts.first("page_down")
        self.end_hint = f"{to_end}: to the end" if to_end else ""
        self.changed_here: set[str] = set()
        """Settings that have a value of their own in this session."""
        self.repainting: Timer | None = None
        self.engine = EngineLine(self.post_message, FRAME_S)
        self.comparison: Comparison | None = None
        """The one that has the engine, or had it last."""
        self.given_offer = offer
        offer = offer or first_offer(settings)
        self.dialogue = Dialogue(settings, offer, self.engine.send)
        self.keeper = Keeper(self.post_message)
        self.dialogue.save = self.keeper.save
        self.standing_hint = ""
        """Stands on the divider until it is taken back."""
        target = model_name(offer.target)
        self.title_bar = TitleBar(target, offer.initial.name)
        self.chat, self.divider = ChatView(), Divider()
        self.completions = Completions(self.completable)
        self.composer = Composer(self.shortcuts, self.completions)
        self.panel, self.stats_bar = Panel(target, offer.drafts), StatsBar()
        self.key_bar = KeyBar(self.shortcuts)

    # what the first frame does not show is imported after it

    @cached_property
    def fetcher(self) -> Fetcher:
        from tui.fetching import Fetcher

        return Fetcher(self.post_message)

    @cached_property
    def browser(self) -> Browser:
        from tui.browser import Browser

        return Browser()

    def completable(self, text: str) -> tuple[Sequence[Suggestion], bool]:
        """What is written can be completed to this; and whether it is a command as it stands."""
        raise NotImplementedError

    def get_default_screen(self) -> Screen[Any]:
        """With the classes of its size from the first frame on; Textual sets them after it."""
        screen = super().get_default_screen()
        width, height = self.size
        screen.add_class(max(at for at in self.HORIZONTAL_BREAKPOINTS if at[0] <= width)[1])
        screen.add_class(max(at for at in self.VERTICAL_BREAKPOINTS if at[0] <= height)[1])
        return screen

    def compose(self) -> ComposeResult:
        yield self.title_bar
        with Horizontal(id="main"):
            with Vertical(id="left"):
                yield self.chat
                yield self.divider
                yield self.completions
                with Horizontal(id="entry"):
                    yield Static("›", id="prompt", markup=False)
                    yield self.composer
            yield self.panel
        yield self.stats_bar
        yield self.key_bar

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            await self.turns.take(event)
        else:
            await super().on_event(event)

    def on_load(self) -> None:
        self.set_keymap(self.shortcuts.changed())

    def on_mount(self) -> None:
        self.screen_change_signal.subscribe(self, self._wake_below, immediate=True)

    def _wake_below(self, screen: Screen[object]) -> None:
        """Laying out a screen that has come, Textual stops the timer by which the one below would
        have been painted, and what was to be called after that would wait for ever: the start of
        the engine, or the word that its last events are shown. It is called when `screen` is."""
        if len(self.screen_stack) > 1 and screen is self.screen:
            screen.call_after_refresh(self.screen_stack[-2].check_idle)

    def show_state(self) -> None:
        """Paint what is known of the engine, where it has changed."""
        from tui.downloads import summary as fetching_summary

        state, offer = self.dialogue.state, self.dialogue.offer
        in_use = state.draft_in_use if state.drafter else self.dialogue.draft.key
        draft = offer.get(state.wanted_draft or in_use) or offer.initial
        fetching = fetching_summary(self.fetcher.downloads)
        self.title_bar.show(state, model_name(offer.target), draft.name, fetching)
        self.stats_bar.show(state)
        self.key_bar.show(self.dialogue.busy)
        self.panel.show(offer, state)
        self.divider.fraction = state.fraction if state.stage else None
        place = "" if self.chat.at_end else self.end_hint
        self.divider.lasting = self.standing_hint or place

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        from tui.defects import defect

        if said := defect(event):
            self.tell(Notice(said, "error"))

    def more_commands(self) -> Iterable[SystemCommand]:
        """What the palette finds beside the actions of the registry."""
        return ()

    def hint(self, sentence: str) -> None:
        """Say a sentence of ours above the composer, its actions named by their keys."""
        self.divider.say(self.shortcuts.named(sentence))

    def take_draft(self, draft: DraftOption) -> bool:
        """Exchange the draft and say so; or say why it cannot be, and return False."""
        if draft.usable:
            self.divider.say(f"draft: {self.dialogue.choose_draft(draft).name}")
            self.show_state()
        else:
            self.divider.say(f"{draft.name} does not fit: {draft.reason}")
        return draft.usable

    def tell(self, notice: Notice) -> None:
        """A toast."""
        self.notify(notice.text, severity=notice.severity, markup=False)

    def in_thread(self, look_up: Callable[..., None], *about: object) -> None:
        """Run `look_up(*about, settings, post)`, which reads files and posts what it finds."""
        work = partial(look_up, *about, self.settings, self.post_message)
        self.run_worker(work, thread=True, exit_on_error=False)


def _shortcuts() -> Keymap:
    """The user's keys; the registry's where `config.toml` has become unreadable meanwhile."""
    try:
        return own_keymap()
    except SpecdecError:
        return read_keymap({})
