"""The app standing still: no engine and no clock. What an engine would report is handed to it by
the same messages that the app's line to the engine posts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

import tui
from core.configuration import load_settings
from core.protocol import (
    DeviceMemory,
    DrafterInfo,
    Event,
    Finished,
    FinishReason,
    Loaded,
    ModelInfo,
    Round,
)
from tests.support.invented_reply import REPLY, Told
from tests.support.pilot import wait_until
from tui.app import SpecdecApp
from tui.browser import Browser
from tui.choices import DraftOption, Offer
from tui.downloads import Downloads
from tui.engine import EngineEvents
from tui.feed import coalesce

FOLDER = "/models"
TARGET, SMALL, LARGE = (f"{FOLDER}/{n}.gguf" for n in ("target-7b", "draft-0.5b", "draft-1.5b"))
OTHER = f"{FOLDER}/other-1b.gguf"
UNFIT = "its vocabulary has 32,000 tokens, the target's 152,064"
OFFER = Offer(
    TARGET,
    (
        DraftOption("none", "none"),
        DraftOption("lookup", "prompt lookup"),
        DraftOption("model", "draft-0.5b", SMALL),
        DraftOption("model", "draft-1.5b", LARGE),
        DraftOption("model", "other-1b", OTHER, UNFIT),
    ),
    DraftOption("model", "draft-0.5b", SMALL),
)
GIB = 2**30
MEMORY = [
    DeviceMemory(name="CUDA0", used=int(18.4 * GIB), total=24 * GIB),
    DeviceMemory(name="CPU", used=int(1.3 * GIB), total=64 * GIB),
]
AT_ONCE = 9
"""Rounds that come in one frame."""
CHARACTERS = {"slash": "/"}
TURNS = 4


def model_info(path: str) -> ModelInfo:
    return ModelInfo(
        path=path,
        name=Path(path).stem,
        description="qwen2 7B Q4_K - Medium",
        n_params=7_615_616_512,
        size_bytes=4_683_073_632,
        n_ctx=16_384,
        n_ctx_train=32_768,
        n_vocab=152_064,
        n_layers=28,
        n_layers_gpu=28,
        devices=["CUDA0"],
    )


LOADED = Loaded(
    target=model_info(TARGET),
    drafter=DrafterInfo(kind="model", name="draft-0.5b", model=model_info(SMALL)),
    memory=MEMORY,
)


class StillApp(SpecdecApp):
    """Begins with models that are loaded."""

    CSS_PATH: ClassVar[Any] = Path(tui.__file__).parent / "app.tcss"

    def __init__(self, theme: str) -> None:
        super().__init__(load_settings({"target": TARGET, "theme": theme}), OFFER)
        self.keeper.enabled = False
        self._begun_with = self.settings
        self.dialogue._send = lambda _command: None

    def _begin(self) -> None:
        """No engine, no threads and no clock."""
        self.dialogue.open(OFFER)
        for item in coalesce([LOADED]):
            self.dialogue.take(item)
        self.show_state()

    async def begin_anew(self, pilot: Pilot[None]) -> None:
        """As it was at the start, whatever was done to it."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        if self.chat._unfolded:
            self.chat.fold_reasoning()
        self.browser, self.fetcher.downloads, self.comparison = Browser(), Downloads(), None
        self.engine._client, self.dialogue.log_tail = None, []
        self.engine.send = lambda _command: None  # type: ignore[method-assign]
        self.settings = self._begun_with
        self.dialogue.offer, self.dialogue.state.stage = OFFER, None
        self.composer.clear()
        self.composer.focus()
        await self.action_new_chat()
        await self.hear(pilot, LOADED)
        self.divider.hint = ""
        self.show_state()

    # -------------------------------------------------------------- what the engine would report

    async def hear(self, pilot: Pilot[None], *events: Event) -> None:
        """Take what an engine reports in one frame."""
        self.engine._shown.clear()
        self.post_message(EngineEvents(coalesce(events)))
        await wait_until(pilot, self.engine._shown.is_set)

    async def ask_and_wait(self, pilot: Pilot[None], text: str) -> None:
        """Send a message, to which no reply comes yet."""
        self.ask(text)
        await self.expect_reply(pilot)

    async def expect_reply(self, pilot: Pilot[None]) -> None:
        await wait_until(pilot, lambda: self.dialogue.state.replying and self.chat.last_reply)

    async def get_reply(
        self,
        pilot: Pilot[None],
        text: str = REPLY,
        *,
        share: float = 1.0,
        reason: FinishReason | None = "stop",
        paused: bool = False,
    ) -> None:
        """The reply that is waited for comes, or a share of it; `reason` None: it goes on."""
        told = Told(str(self.dialogue.state.reply_id), text)
        rounds = list(told.rounds(paused))
        rounds = rounds[: round(len(rounds) * share)]
        for first in range(0, len(rounds), AT_ONCE):
            await self.hear(pilot, *rounds[first : first + AT_ONCE])
        if reason is not None:
            await self.hear(pilot, end_of(rounds, reason))
        self.show_state()


def end_of(rounds: Sequence[Round], reason: FinishReason = "stop") -> Finished:
    """The event after the last of these rounds."""
    last = rounds[-1]
    return Finished(
        id=last.id,
        finish_reason=reason,
        text="".join(round_.text for round_ in rounds),
        n_ctx_used=last.n_ctx_used,
        stats=last.stats,
        memory=MEMORY,
    )


Step = str | Callable[[StillApp, Pilot[None]], Awaitable[None]]
"""A key to press, or something to do."""


async def go(app: StillApp, pilot: Pilot[None], steps: Sequence[Step]) -> None:
    """Take the steps, and wait until nothing moves any more."""
    for step in steps:
        if isinstance(step, str):
            await press(app, pilot, step)
        else:
            await step(app, pilot)
            await rest(app, pilot)
    await come_to_rest(app, pilot)


async def press(app: StillApp, pilot: Pilot[None], *keys: str) -> None:
    """As the pilot does, who measures after each key whether the processor has become idle; here
    it is enough that nothing is on its way any more."""
    driver = app._driver
    assert driver is not None
    for key in keys:
        driver.send_message(events.Key(key, CHARACTERS.get(key, key if len(key) == 1 else None)))
        await rest(app, pilot)


async def rest(app: StillApp, pilot: Pilot[None]) -> None:
    """All threads have said what they had to say, and every widget has taken it in: what one of
    them tells another comes with the next turn."""
    for _ in range(TURNS):
        await pilot.pause()
        await wait_until(pilot, lambda: all(worker.is_finished for worker in app.workers))


async def come_to_rest(app: StillApp, pilot: Pilot[None]) -> None:
    """Until the screen is twice the same; cursors stand still."""
    for kind in (Input, TextArea):
        for entry in app.screen.query(kind):
            entry.cursor_blink = False
    before = None
    while (now := app.screen._compositor.render_strips()) != before:
        before = now
        await rest(app, pilot)
