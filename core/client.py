"""The app's end of the queue: starts, watches and restarts the engine process.

Commands go out with `send`; events arrive on `events`. The engine may die at any time (llama.cpp
aborts on failed asserts): that becomes an `EngineDied` event, and the next command starts a new
process in which the models that were in use are loaded again first.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from dataclasses import replace
from pathlib import Path

import core
from core.errors import SpecdecError
from core.models.untrusted import shown
from core.protocol import (
    Cancel,
    Command,
    DraftChanged,
    DraftChoice,
    EngineDied,
    Event,
    Failed,
    Load,
    Loaded,
    SetDraft,
    SetDraftLen,
    Shutdown,
)

LINE_LIMIT = 64 * 2**20
LOG_LINES = 200
LOG_LINES_SHOWN = 12
GRACE_S = 2.0


class EngineClient:
    """One engine process at a time, restarted on demand. To be used within one asyncio loop."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._sent_load: Load | None = None
        self._sent_drafts: dict[str, DraftChoice] = {}
        """By path, or by kind where there is none: as it was asked for last."""
        self._in_use: Load | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the running engine, or None."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the engine process if none is running; `send` does so by itself."""
        async with self._starting:
            if self.pid is None:
                await self._spawn()

    async def send(self, command: Command) -> None:
        """Put a command on the queue. Starts the engine, and reloads the models, if it is gone."""
        async with self._starting:
            if self.pid is None:
                if isinstance(command, Cancel | Shutdown):
                    return  # nothing is running that could be ended
                await self._spawn()
                if self._in_use and not isinstance(command, Load):
                    self._sent_load = self._in_use
                    await self._write(self._in_use)
            self._remember_sent(command)
            await self._write(command)

    async def next_event(self) -> Event:
        """The next event, for callers that have no screen to go on with: raises SpecdecError where
        the engine says that a command failed, or died, with the end of its log."""
        event = await self.events.get()
        match event:
            case Failed():
                raise SpecdecError(event.message, event.kind)
            case EngineDied():
                log = [line for line in event.log_tail if line.strip()]
                end = f"; its log ends: {shown(log[-1], 300)}" if log else "."
                raise SpecdecError(f"The engine ended unexpectedly: {event.cause}{end}")
        return event

    async def close(self) -> None:
        """End the engine: closes its stdin, which it takes as its end, and waits; then kills it."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), GRACE_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._watcher:
            await self._watcher

    async def _spawn(self) -> None:
        argv, env = engine_invocation()
        self.log.clear()
        # A session of its own keeps the terminal's Ctrl+C and hang-up away from the engine.
        self._process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=env,
            limit=LINE_LIMIT,
            start_new_session=True,
        )
        self._watcher = asyncio.create_task(self._watch(self._process), name="engine-watch")

    async def _write(self, command: Command) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        from core import wire

        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # _watch reports the death
            process.stdin.write(wire.write(command).encode() + b"\n")
            await process.stdin.drain()

    def _remember_sent(self, command: Command) -> None:
        match command:
            case Load():
                self._sent_load = command
            case SetDraft():
                self._sent_drafts[command.draft.path or command.draft.kind] = command.draft
            case SetDraftLen():
                if self._in_use:
                    self._in_use = replace(self._in_use, draft_len=command.draft_len)
                if self._sent_load:
                    self._sent_load = replace(self._sent_load, draft_len=command.draft_len)

    def _remember_done(self, event: Event) -> None:
        """Only what loaded well is loaded again after a death: what killed the engine is not."""
        match event:
            case Loaded() if self._sent_load:
                self._in_use = self._sent_load
            case DraftChanged() if self._in_use:
                model, kind = event.drafter.model, event.drafter.kind
                if draft := self._sent_drafts.get(model.path if model else kind):
                    self._in_use = replace(self._in_use, draft=draft)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        log = asyncio.create_task(self._read_log(process))
        await self._read_events(process)
        returncode = await process.wait()
        await log
        if self._process is process:
            self._process = None
            self.events.put_nowait(_death(returncode, list(self.log)))

    async def _read_events(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            from core import wire

            try:
                event = wire.read_event(line)
            except ValueError:
                self.log.append(line.decode(errors="replace").rstrip())
                continue
            self._remember_done(event)
            self.events.put_nowait(event)

    async def _read_log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.log.append(line.decode(errors="replace").rstrip())


def engine_invocation(*arguments: str) -> tuple[list[str], dict[str, str]]:
    """How the engine's program is run: the command line and the environment."""
    root = str(Path(core.__file__).parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    env = os.environ | {
        "PYTHONPATH": root + (os.pathsep + inherited if inherited else ""),
        "PYTHONUNBUFFERED": "1",
        # Where llama.cpp gives up, its reason is to be the log's last line, not gdb's backtrace.
        "GGML_NO_BACKTRACE": "1",
    }
    # -P keeps a `core` folder in the user's working directory from being imported instead of ours.
    return [sys.executable, "-P", "-m", "core.worker", *arguments], env


def _death(returncode: int, log: list[str]) -> EngineDied:
    cause = f"exit status {returncode}"
    if returncode < 0:
        with contextlib.suppress(ValueError):
            cause = signal.Signals(-returncode).name
    hint = {
        "SIGKILL": " (somebody's kill, or the system was out of memory)",
        "SIGABRT": " (llama.cpp gave up; the last lines of its log say why)",
    }.get(cause, "")
    return EngineDied(
        message=f"The engine ended unexpectedly: {cause}{hint}; the next message starts it again.",
        cause=cause,
        log_tail=log[-LOG_LINES_SHOWN:],
    )
