"""`specdec-tui chat`: one reply to stdout, the statistics to stderr, or all of it as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from core.client import EngineClient
from core.errors import SpecdecError
from core.models.choose import choose_pair
from core.models.records import record_served
from core.models.untrusted import shown
from core.protocol import (
    Cancel,
    ChatMessage,
    Event,
    Finished,
    Generate,
    Load,
    Loaded,
    Progress,
    Round,
)
from core.settings import Settings
from tui import figures
from tui.commands.output import complain, in_unicode, print_json
from tui.exit_codes import INTERRUPTED
from tui.sanitize import clean_stream

REPLY_ID = "chat"


@dataclass(frozen=True)
class Outcome:
    """A reply that came to its end. `ttft_s` runs from the call, with the models loaded."""

    loaded: Loaded
    finished: Finished
    ttft_s: float | None

    def document(self) -> dict[str, Any]:
        """The reply under the names that every output of the program uses."""
        target, drafter = self.loaded.target, self.loaded.drafter
        return {
            "text": self.finished.text,
            "finish_reason": self.finished.finish_reason,
            **asdict(self.finished.stats),
            "ttft_s": self.ttft_s,
            "target": target.name,
            "target_path": target.path,
            "draft": drafter.given_as,
            "draft_path": drafter.model.path if drafter.model else None,
            "notice": self.loaded.notice,
        }


def run(settings: Settings, words: list[str], as_json: bool) -> int:
    """Answer the prompt. 0, 1 where the engine failed, or 130 where Ctrl+C ended the reply."""
    messages = _messages(settings, _prompt(words))
    target, draft = choose_pair(settings)
    load = Load(
        target=str(target),
        options=settings.target_options(),
        draft=draft,
        draft_len=settings.draft_len,
    )
    generate = Generate(
        id=REPLY_ID,
        messages=messages,
        sampling=settings.sampling(),
        max_tokens=settings.max_tokens,
    )
    conversation = _Conversation(stream=not as_json)
    try:
        outcome = asyncio.run(conversation.hold(load, generate))
    except asyncio.CancelledError:
        return INTERRUPTED
    if outcome.finished.finish_reason == "error":
        raise SpecdecError("The reply broke off; run `specdec-tui doctor`.")
    if settings.draft_len == "auto":
        record_served(outcome.loaded.target, outcome.loaded.drafter, outcome.finished.stats)
    if as_json:
        print_json(outcome.document())
    else:
        print(_statistics(outcome), file=sys.stderr)
    return INTERRUPTED if outcome.finished.finish_reason == "cancelled" else 0


def _prompt(words: list[str]) -> str:
    """The prompt from the arguments, or from stdin where there are none or `-`."""
    text = " ".join(words)
    if words in ([], ["-"]):
        if sys.stdin is None or sys.stdin.isatty():
            raise SpecdecError(
                "There is no prompt; give one as an argument or on stdin.", kind="settings"
            )
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    text = in_unicode(text).strip()
    if not text:
        raise SpecdecError("The prompt is empty; write something to answer.", kind="settings")
    return text


def _messages(settings: Settings, prompt: str) -> list[ChatMessage]:
    system = in_unicode(settings.system)
    first = [ChatMessage(role="system", content=system)] if system else []
    return [*first, ChatMessage(role="user", content=prompt)]


class _Conversation:
    """Drives the engine for one reply. Ctrl+C ends the reply, a second one the program."""

    def __init__(self, stream: bool) -> None:
        self._stream = stream
        self._client = EngineClient()
        self._answering = False
        self._cancelling: asyncio.Task[None] | None = None
        self._status = _Status()
        self._shown = ""

    async def hold(self, load: Load, generate: Generate) -> Outcome:
        """Load the models, generate, and return the outcome; the engine has ended by then."""
        task = asyncio.current_task()
        assert task is not None
        with contextlib.suppress(NotImplementedError):  # Windows: asyncio cancels the task itself
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._interrupt, task)
        try:
            return await self._converse(load, generate)
        finally:
            self._status.clear()
            if self._shown and not self._shown.endswith("\n"):
                with contextlib.suppress(BrokenPipeError):
                    print(flush=True)
            await self._client.close()

    async def _converse(self, load: Load, generate: Generate) -> Outcome:
        await self._client.send(load)
        loaded = await self._await_loaded()
        if loaded.notice:
            complain(loaded.notice)
        started, first = time.perf_counter(), None
        self._answering = True
        await self._client.send(generate)
        while True:
            match await self._next_event():
                case Round(text=text) if text:
                    first = first or time.perf_counter()
                    self._show(text)
                case Finished() as finished:
                    # Half a character, or the beginning of a stop string, waits for the end.
                    self._show(finished.text.removeprefix(self._shown))
                    return Outcome(loaded, finished, first - started if first else None)

    async def _await_loaded(self) -> Loaded:
        while True:
            event = await self._next_event()
            if isinstance(event, Loaded):
                return event

    async def _next_event(self) -> Event:
        """The next event; progress is shown. Raises SpecdecError where the engine failed."""
        event = await self._client.next_event()
        if isinstance(event, Progress):
            self._status.show(event)
        return event

    def _show(self, text: str) -> None:
        self._status.clear()
        if self._stream and text:
            sys.stdout.write(clean_stream(text) if sys.stdout.isatty() else text)
            sys.stdout.flush()
            self._shown += text

    def _interrupt(self, task: asyncio.Task[Any]) -> None:
        if self._answering and self._cancelling is None:
            self._cancelling = asyncio.ensure_future(self._client.send(Cancel(id=REPLY_ID)))
        else:
            task.cancel()


class _Status:
    """How far loading and prefill are, on a line of stderr that vanishes; only for a terminal."""

    _WORDS: ClassVar = {
        "load_target": "loading the target",
        "load_draft": "loading the draft",
        "prefill": "reading the prompt",
    }

    def __init__(self) -> None:
        self._visible = False

    def show(self, progress: Progress) -> None:
        if sys.stderr.isatty():
            words = self._WORDS[progress.stage]
            sys.stderr.write(f"\r\x1b[K{words} {progress.fraction:.0%}")
            sys.stderr.flush()
            self._visible = True

    def clear(self) -> None:
        if self._visible:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._visible = False


def _statistics(outcome: Outcome) -> str:
    """One line about the reply and, where tokens were drafted, one about the draft."""
    stats = outcome.finished.stats
    parts = [
        f"{figures.count(stats.n_tokens, 'token')} ({outcome.finished.finish_reason})",
        f"{figures.rate(stats.decode_tok_s)} tok/s",
        f"speed-up {figures.speedup(stats.speedup)}",
        f"first token {figures.seconds(outcome.ttft_s)}",
        f"prompt {figures.count(stats.n_prompt, 'token')}",
    ]
    lines = [" · ".join(parts)]
    if stats.n_drafted:
        lines.append(
            f"accepted {stats.n_accepted}/{stats.n_drafted} "
            f"{figures.percent(stats.acceptance_rate)} · "
            f"{figures.per_round(stats.tokens_per_round)} a round · "
            f"draft {shown(outcome.loaded.drafter.name, 60)}"
        )
    return "\n".join(lines)
