"""The app: wires keys, widgets, the dialogue and the engine together, and does no work itself."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static, TextArea

from core.errors import SpecdecError
from core.settings import Settings
from tui.browser import Browser
from tui.choices import DraftOption, Offer, chosen_offer, first_offer, model_name, with_drafts_found
from tui.dialogue import BUSY, Dialogue, Effect, Ended, Grew, Notice
from tui.downloads import arrival
from tui.downloads import summary as fetching_summary
from tui.engine import EngineEvents, EngineLine
from tui.fetching import Fetched, Fetcher, Judged
from tui.keys import ACTIONS
from tui.messages import OfferFound, Submitted
from tui.replies import summary
from tui.sanitize import clean_line, clean_text
from tui.startup import is_remote, settle_collections
from tui.switching import TargetFound, look_up_arrived, look_up_target
from tui.theming import load_themes, missing_variables, own_themes, user_themes
from tui.widgets.chat_view import ChatView
from tui.widgets.composer import Composer
from tui.widgets.divider import Divider
from tui.widgets.key_bar import KeyBar
from tui.widgets.message_view import MessageView
from tui.widgets.panel import Panel
from tui.widgets.stats_bar import StatsBar
from tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from tui.screens.models import Use

FRAME_S = 1 / 15
PATIENCE_S = 3.0
LIST_CELLS = 16
"""Textual's lists crash where there is no room for them."""
REMOTE_STATS_PER_SECOND = 2.0
DEFAULT_THEME = "specdec-dark"


class SpecdecApp(App[None]):
    """A chat with a target and a draft."""

    TITLE = "specdec-tui"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(entry.key, entry.run, entry.label, id=entry.id, priority=entry.id == "quit")
        for entry in ACTIONS
        if entry.bound
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual has it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (12, "-tall")]  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = True
    NOTIFICATION_TIMEOUT = 6

    def __init__(self, settings: Settings, offer: Offer | None = None) -> None:
        super().__init__()
        self.settings = settings
        self._register_themes()
        self.engine = EngineLine(self.post_message, FRAME_S)
        self.fetcher, self._browser = Fetcher(self.post_message), Browser()
        self._given_offer = offer
        offer = offer or first_offer(settings)
        self.dialogue = Dialogue(settings, offer, self.engine.send)
        target = model_name(offer.target)
        self._title = TitleBar(target, offer.initial.name)
        self._chat, self._divider, self._composer = ChatView(), Divider(), Composer()
        self._panel, self._stats = Panel(target, offer.drafts), StatsBar()

    # -------------------------------------------------------------- the screen

    def compose(self) -> ComposeResult:
        yield self._title
        with Horizontal(id="main"):
            with Vertical(id="left"):
                yield self._chat
                yield self._divider
                with Horizontal(id="entry"):
                    yield Static("›", id="prompt", markup=False)
                    yield self._composer
            yield self._panel
        yield self._stats
        yield KeyBar()

    def on_mount(self) -> None:
        self._composer.focus()
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self._ended_by, number)
        for problem in self._theme_problems:
            self._tell(Notice(problem, "warning"))
        self.call_after_refresh(self._begin)

    def _ended_by(self, number: signal.Signals) -> None:
        """Leave the terminal as it was found; at once where it is gone and cannot be written to."""
        exit_now = threading.Timer(PATIENCE_S, os._exit, (128 + number,))
        exit_now.daemon = True
        exit_now.start()
        self.exit(return_code=128 + number)

    def _begin(self) -> None:
        """After the first frame: the engine, and what is painted regularly."""
        settle_collections()
        self.run_worker(self.engine.open(), name="engine", exit_on_error=False)
        self.run_worker(self._look_for_models, name="models", thread=True, exit_on_error=False)
        per_second = self.settings.stats_per_second
        if is_remote():
            per_second = min(per_second, REMOTE_STATS_PER_SECOND)
        self.set_interval(1 / per_second, self._show_state)
        self._show_state()

    async def on_unmount(self) -> None:
        self.fetcher.close()
        await self.engine.close()

    def _show_state(self) -> None:
        """Paint what is known of the engine, where it has changed."""
        state, offer = self.dialogue.state, self.dialogue.offer
        draft = offer.get(state.wanted_draft or state.draft_in_use) or offer.initial
        fetching = fetching_summary(self.fetcher.downloads)
        self._title.show(state, model_name(offer.target), draft.name, fetching)
        self._stats.show(state)
        self._panel.show(offer.drafts, state)
        self._divider.fraction = state.fraction if state.stage else None
        self._divider.lasting = "" if self._chat.following else "Ctrl+End: to the end"

    # -------------------------------------------------------------- the models

    def _look_for_models(self) -> None:
        """On a thread: what the settings mean, then which drafts there are."""
        try:
            offer = self._given_offer or chosen_offer(self.settings)
        except SpecdecError as error:
            self.post_message(OfferFound(None, clean_line(error.message, 400)))
            return
        self.post_message(OfferFound(offer))
        if self._given_offer is None:
            with suppress(SpecdecError):  # a file that vanished meanwhile is no draft
                self.post_message(OfferFound(with_drafts_found(offer, self.settings)))

    @on(OfferFound)
    async def _offer_found(self, message: OfferFound) -> None:
        if message.offer is None:
            for effect in self.dialogue.refuse(message.problem):
                await self._show(effect)
        elif self.dialogue.opened:
            self.dialogue.extend(message.offer)
        else:
            self.dialogue.open(message.offer)
        self._show_state()

    def action_models(self) -> None:
        from tui.screens.models import ModelsScreen

        screen = ModelsScreen(self.settings, self.dialogue, self.fetcher, self._browser)
        self.push_screen(screen, self._model_chosen)

    def _model_chosen(self, use: Use | None) -> None:
        if use is not None and use.role == "draft":
            self._draft_chosen(self.dialogue.offered(use.path))
        elif use is not None:
            self._in_thread(look_up_target, use.path, self.dialogue.draft)

    @on(TargetFound)
    def _target_found(self, message: TargetFound) -> None:
        if message.offer is None:
            self._tell(Notice(message.problem, "error"))
        else:
            self.dialogue.switch(message.offer)
        self._show_state()

    def action_downloads(self) -> None:
        from tui.screens.downloads import DownloadsScreen

        self.push_screen(DownloadsScreen(self.fetcher))

    @on(Fetched)
    @on(Judged)
    def _take_news(self, message: Fetched | Judged) -> None:
        if item := self.fetcher.take(message):
            self._tell(Notice(arrival(item), "error" if item.note else "information"))
            if item.path:
                wanted = bool(item.request.draft_for)
                self._in_thread(look_up_arrived, item.path, wanted, self.dialogue.offer)

    def _in_thread(self, look_up: Callable[..., None], *about: object) -> None:
        """Run `look_up`, which reads files and posts what it finds."""
        work = partial(look_up, *about, self.settings, self.post_message)
        self.run_worker(work, thread=True, exit_on_error=False)

    # -------------------------------------------------------------- the engine

    @on(EngineEvents)
    async def _take_events(self, message: EngineEvents) -> None:
        for item in message.items:
            for effect in self.dialogue.take(item):
                await self._show(effect)
        self.call_after_refresh(self.engine.shown)

    async def _show(self, effect: Effect) -> None:
        match effect:
            case Grew(text):
                if view := self._chat.last_reply:
                    view.grow(text)
            case Ended(turn):
                if view := self._chat.last_reply:
                    view.finish(clean_text(turn.reply), summary(turn), turn.note)
                self._divider.unsay(BUSY)
                if turn.finish_reason == "error" and not (turn.reply or self._composer.text):
                    self._composer.text = turn.prompt  # nothing was answered: nothing is lost
                self._show_state()
            case Notice():
                if effect.in_chat:
                    await self._chat.add(MessageView("note", effect.text))
                else:
                    self._tell(effect)

    def _tell(self, notice: Notice) -> None:
        self.notify(notice.text, severity=notice.severity, markup=False)

    # -------------------------------------------------------------- what the user does

    def ask(self, text: str) -> None:
        """Send `text` as if it had been written in the composer."""
        self.post_message(Submitted(text))

    @on(TextArea.Changed)
    def _typed(self) -> None:
        self.engine.give_way()

    @on(Submitted)
    async def _submit(self, message: Submitted) -> None:
        text = clean_text(message.text).strip()
        if not text:
            return
        turn = self.dialogue.submit(text)
        if turn is None:
            self._divider.say(BUSY)
            return
        self._composer.clear()
        await self._chat.add(MessageView("user", text))
        await self._await_reply()

    async def _await_reply(self) -> None:
        await self._chat.add(MessageView("assistant"))
        self._show_state()

    async def action_stop(self) -> None:
        for effect in self.dialogue.stop():
            await self._show(effect)
        self._show_state()

    def action_next_draft(self) -> None:
        self._divider.say(f"draft: {self.dialogue.next_draft().name}")
        self._show_state()

    def action_drafts(self) -> None:
        from tui.screens.drafts import DraftsScreen

        if self.size.width < LIST_CELLS:
            return
        self.push_screen(
            DraftsScreen(self.dialogue.offer.drafts, self.dialogue.state), self._draft_chosen
        )

    def _draft_chosen(self, draft: DraftOption | None) -> None:
        if draft is not None:
            self._divider.say(f"draft: {self.dialogue.choose_draft(draft).name}")
            self._show_state()

    async def action_new_chat(self) -> None:
        self.dialogue.new_chat()
        await self._chat.clear()
        self._show_state()

    async def action_regenerate(self) -> None:
        busy = self.dialogue.busy
        turn = self.dialogue.regenerate()
        if turn is None:
            self._divider.say(BUSY if busy else "there is no message to answer yet")
            return
        if view := self._chat.last_reply:
            await view.remove()
        await self._await_reply()

    def action_copy_reply(self) -> None:
        text = clean_text(self.dialogue.conversation.last_reply)
        if not text:
            self._divider.say("there is no reply to copy yet")
            return
        self.copy_to_clipboard(text)
        self._tell(Notice("Sent to the terminal's clipboard (OSC 52). Some terminals ignore this."))

    def action_scroll_chat(self, pages: int) -> None:
        if pages < 0:
            self._chat.scroll_page_up(animate=False)
        else:
            self._chat.scroll_page_down(animate=False)

    def action_chat_edge(self, direction: int) -> None:
        if direction < 0:
            self._chat.scroll_home(animate=False)
        else:
            self._chat.follow()

    def action_command_palette(self) -> None:
        if self.size.width >= LIST_CELLS:
            super().action_command_palette()

    def action_help(self) -> None:
        from tui.screens.help import help_lines
        from tui.screens.reading import ReadingScreen

        self.push_screen(ReadingScreen("help", help_lines()))

    def action_engine_log(self) -> None:
        from tui.screens.log import log_lines
        from tui.screens.reading import ReadingScreen

        lines = log_lines(self.dialogue.log_tail, self.engine.log)
        self.push_screen(ReadingScreen("engine log", lines, from_end=True))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        for entry in ACTIONS:
            if entry.palette:
                run = getattr(self, f"action_{entry.run}")
                key = f" ({entry.key_text})" if entry.key_text else ""
                yield SystemCommand(entry.label.capitalize(), entry.help + key, run)

    # -------------------------------------------------------------- themes

    def _register_themes(self) -> None:
        themes, self._theme_problems = load_themes([own_themes(), user_themes()])
        self._registered_themes.clear()
        for theme in themes:
            self.register_theme(theme)
        wanted = self.settings.theme
        if wanted not in self.available_themes:
            known = ", ".join(sorted(self.available_themes))
            self._theme_problems.append(f"There is no theme {wanted!r}; there are {known}.")
            wanted = DEFAULT_THEME
        self.theme = wanted

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The app's own variables, for a theme that does not name them all."""
        theme = self.current_theme
        fallback = self.get_theme("specdec-dark" if theme.dark else "specdec-light")
        return missing_variables(theme, fallback) if fallback else {}


def run_app(settings: Settings) -> int:
    """Run the app to its end; returns the exit code."""
    app = SpecdecApp(settings)
    app.run()
    return app.return_code or 0
