"""The app: joins the actions, and begins and ends. The work is done elsewhere."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

from core.settings import Settings
from tui.actions.compare import CompareActions
from tui.actions.copying import CopyActions
from tui.actions.drafts import DraftActions
from tui.actions.first_run import FirstRunActions
from tui.actions.models import ModelActions
from tui.actions.palette import PaletteActions
from tui.actions.places import PlaceActions
from tui.actions.presets import PresetActions
from tui.actions.saved import SavedChatActions
from tui.actions.themes import ThemeActions
from tui.actions.views import ViewActions
from tui.actions.xray import XrayActions
from tui.effects import Notice
from tui.pasting import take_pastes_whole
from tui.startup import settle_collections
from tui.terminal import Terminal

PATIENCE_S = 3.0


class SpecdecApp(
    SavedChatActions,
    CompareActions,
    CopyActions,
    PaletteActions,
    ModelActions,
    PlaceActions,
    PresetActions,
    ViewActions,
    ThemeActions,
    XrayActions,
    DraftActions,
    FirstRunActions,
):
    """A chat with a target and a draft."""

    def on_mount(self) -> None:
        self.composer.focus()
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self._ended_by, number)
        for problem in (*self.theme_problems, self.shortcuts.problem):
            if problem:
                self.tell(Notice(problem, "warning"))
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
        self.run_worker(self.look_for_models, name="models", thread=True, exit_on_error=False)
        self.run_worker(self.keeper.look_back, name="chats", thread=True, exit_on_error=False)
        self.run_worker(self.look_for_absent, thread=True, exit_on_error=False)
        self.paint_regularly()
        self.watch_theme_files()
        self.welcome()
        self.show_state()

    def on_resize(self) -> None:
        """The terminal may have lost what it showed, also where its size is what it was before."""
        self.screen.refresh()

    async def on_unmount(self) -> None:
        self.fetcher.close()
        if not self.return_code:  # else a signal has ended the app, and the reply is interrupted
            self.dialogue.new_chat()
        await asyncio.to_thread(self.keeper.close)
        await self.engine.close()


def run_app(settings: Settings, terminal: Terminal) -> int:
    """Run the app to its end; returns the exit code."""
    from tui.driver import PaintingDriver

    take_pastes_whole()
    app = SpecdecApp(settings, terminal=terminal)
    app.driver_class = PaintingDriver
    app.run()
    return app.return_code or 0
