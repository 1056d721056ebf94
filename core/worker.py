"""The engine process (`python -m core.worker`): reads commands from stdin, writes events to stdout.

One thread decodes; another reads stdin, so that a cancel or another draft takes effect between two
rounds, and so that the process ends at once when stdin closes, whatever llama.cpp is doing: an app
that dies leaves no engine, and no GPU memory, behind. llama.cpp is imported with the first command
that needs it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, TextIO

from core import wire
from core.errors import SpecdecError
from core.protocol import (
    Cancel,
    ChatMessage,
    Command,
    Costs,
    DraftChanged,
    DraftChoice,
    DrafterInfo,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    MeasureCosts,
    Progress,
    Ready,
    Sampling,
    SetDraft,
    SetDraftLen,
    Shutdown,
    Stage,
)

if TYPE_CHECKING:
    from core.engine.drafters import Drafter
    from core.engine.events import Naming
    from core.engine.session import Session

PROGRESS_EVERY_S = 0.05
WARM_UP_BELOW_S, WARM_UP_ROUNDS = 0.01, 24


@dataclass(frozen=True)
class _Asked:
    """When a reply was asked for, as time.perf_counter() has it, and whether to end it."""

    at: float = field(default_factory=time.perf_counter)
    cancel: threading.Event = field(default_factory=threading.Event)


class Worker:
    """Carries out commands in order, and the swift ones between the rounds of a reply."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._inbox: SimpleQueue[Command] = SimpleQueue()
        self._waiting: deque[Command] = deque()
        self._asked: dict[str, _Asked] = {}
        """The replies that are asked for and not over; a cancel that comes later is none."""
        self._session: Session | None = None
        self._naming: Naming | None = None
        self._new_draft: SimpleQueue[tuple[Drafter, DrafterInfo, SetDraft] | Failed | None]
        self._new_draft = SimpleQueue()
        """What came of each load; None: not begun, for another draft was wanted by then."""
        self._draft_loads = 0
        self._loading_draft = threading.Lock()
        self._draft_wanted: SetDraft | None = None

    def post(self, command: Command) -> None:
        """Take a command, from any thread."""
        if isinstance(command, Cancel):
            if asked := self._asked.get(command.id):
                asked.cancel.set()
            return
        if isinstance(command, Generate):
            self._asked.setdefault(command.id, _Asked())
        self._inbox.put(command)

    def run(self) -> None:
        """Work until told to shut down."""
        while True:
            self._use_idle_moment()
            command = self._waiting.popleft() if self._waiting else self._inbox.get()
            if isinstance(command, Shutdown):
                if self._session:
                    self._session.keep_costs()
                return
            self._carry_out(command)

    def _use_idle_moment(self) -> None:
        """Measure what there was no time for, until there is something to do."""
        try:
            while self._session and not self._waiting and self._inbox.empty():
                if not self._session.measure_in_idle_moment():
                    return
        except Exception:  # nobody asked for it: a defect costs the measure, not the engine
            traceback.print_exc()

    # -------------------------------------------------------------- commands

    def _carry_out(self, command: Command) -> None:
        try:
            match command:
                case Load():
                    self._load(command)
                case SetDraft():
                    self._set_draft(command)
                case SetDraftLen():
                    if self._session:
                        self._session.governor.draft_len = command.draft_len
                case Generate():
                    try:
                        self._generate(command)
                    finally:
                        self._asked.pop(command.id, None)
                case MeasureCosts():
                    target, draft = self._need_session().measure_costs()
                    self._emit(Costs(target=target, draft=draft))
        except SpecdecError as error:
            self._emit(_failed(command, error.message, error.kind))
        except Exception as error:  # a defect must not end the engine, nor pass unseen
            traceback.print_exc()
            name = type(error).__name__
            self._emit(_failed(command, f"The engine failed: {name}: {error}; see the engine log."))

    def _load(self, command: Load) -> None:
        from core.engine.events import Naming
        from core.engine.session import Session
        from core.llama.log import capture_log

        capture_log()
        gc.freeze()  # what was imported stays: a collection in mid-reply need not look at it
        with contextlib.ExitStack() as undo:
            session = Session(
                command.target, command.options, command.draft_len, self._progress("load_target")
            )
            undo.callback(session.close)
            with contextlib.suppress(SpecdecError):  # the first reply will say so
                self._warm_up(session)
            notice = None
            try:
                drafter, info = session.make_drafter(command.draft, self._progress("load_draft"))
                session.use_drafter(drafter, info, command.draft)
            except SpecdecError as error:  # the target is fine: it answers alone, and says why
                notice = error.message
            undo.pop_all()
        before, self._session, self._naming = self._session, session, Naming(session.model)
        if before:
            before.close()
        self._emit(
            Loaded(
                target=session.info(),
                drafter=session.drafter_info,
                notice=notice,
                memory=session.memory(),
            )
        )

    def _warm_up(self, session: Session) -> None:
        """Run a reply that nobody sees, so that Python and caches are warm when one is measured.

        A small model's first rounds are slow for reasons of their own; taken for the baseline, they
        would make every draft look better than it is.
        """
        from core.engine.events import event_of
        from core.engine.reply import Grown, Limits, Reply

        if session.governor.costs.table(1, 0)[1] > WARM_UP_BELOW_S:
            return
        messages = [ChatMessage(role="user", content="Hello")]
        n_rounds = 0
        try:
            while n_rounds < WARM_UP_ROUNDS:
                reply = Reply(session, messages, Sampling(temperature=0), Limits(WARM_UP_ROUNDS))
                for step in reply.steps():
                    if isinstance(step, Grown):
                        wire.write(event_of("", step))
                        n_rounds += 1
        finally:
            session.forget()

    def _set_draft(self, command: SetDraft) -> None:
        session = self._need_session()
        drafter, info = session.make_drafter(command.draft, self._progress("load_draft"))
        self._use(session, command.draft, drafter, info)

    def _generate(self, command: Generate) -> None:
        from core.engine.events import event_of
        from core.engine.reply import Ended, Grown, Limits, Prefilled, Reply

        session = self._need_session()
        asked = self._asked.setdefault(command.id, _Asked())
        reply = Reply(
            session,
            command.messages,
            command.sampling,
            Limits(command.max_tokens, tuple(command.stop)),
            asked.cancel.is_set,
            asked.at,
        )
        prefill = self._progress("prefill", command.id)
        try:
            for step in reply.steps():
                if isinstance(step, Prefilled):
                    prefill(step.fraction)
                    continue
                if isinstance(step, Ended):
                    self._settle_draft(session)
                event = event_of(command.id, step, self._naming)
                if isinstance(event, Finished):
                    event = replace(event, memory=session.memory())
                self._emit(event)
                if isinstance(step, Grown):
                    self._between_rounds(session)
        finally:
            self._settle_draft(session)

    def _need_session(self) -> Session:
        if self._session is None:
            raise SpecdecError(
                "No target is loaded; choose one with --target, or try --demo.", kind="model"
            )
        return self._session

    # -------------------------------------------------------------- in mid-reply

    def _between_rounds(self, session: Session) -> None:
        """Carry out what can be done while a reply goes on; the rest waits for its end, and with a
        target what is said of it thereafter."""
        while not self._inbox.empty():
            command = self._inbox.get()
            if any(isinstance(waiting, Load) for waiting in self._waiting):
                self._waiting.append(command)
            elif isinstance(command, SetDraft):
                self._load_draft_aside(session, command)
            elif isinstance(command, SetDraftLen):
                session.governor.draft_len = command.draft_len
            else:
                self._waiting.append(command)
        while not self._new_draft.empty():
            self._take_draft(session)

    def _load_draft_aside(self, session: Session, command: SetDraft) -> None:
        """Load a draft on a thread of its own: the reply goes on with the old one meanwhile. One at
        a time, for each is measured; and none that is not wanted any more by then."""
        self._draft_wanted = command
        self._draft_loads += 1
        session.is_disturbed = True

        def load() -> None:
            try:
                with self._loading_draft:
                    if command is not self._draft_wanted:
                        self._new_draft.put(None)
                        return
                    made = session.make_drafter(command.draft, self._progress("load_draft"))
                self._new_draft.put((*made, command))
            except SpecdecError as error:
                self._new_draft.put(_failed(command, error.message, error.kind))
            except Exception as error:
                traceback.print_exc()
                self._new_draft.put(_failed(command, f"The draft could not be loaded: {error}."))

        threading.Thread(target=load, name="load-draft", daemon=True).start()

    def _settle_draft(self, session: Session) -> None:
        """Wait for drafts that are still being loaded, so that no thread outlives its reply."""
        while self._draft_loads:
            self._take_draft(session)

    def _take_draft(self, session: Session) -> None:
        result = self._new_draft.get()
        self._draft_loads -= 1
        session.is_disturbed = self._draft_loads > 0
        match result:
            case Failed():
                self._emit(result)
            case (drafter, info, command) if command is self._draft_wanted:
                self._use(session, command.draft, drafter, info)
            case (drafter, _, _):  # another one was asked for since
                session.discard(drafter)

    # -------------------------------------------------------------- events

    def _use(
        self, session: Session, choice: DraftChoice, drafter: Drafter, info: DrafterInfo
    ) -> None:
        session.use_drafter(drafter, info, choice)
        self._emit(DraftChanged(drafter=info, memory=session.memory()))

    def _progress(self, stage: Stage, id: str | None = None) -> Callable[[float], None]:
        last = 0.0

        def report(fraction: float) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= PROGRESS_EVERY_S or fraction >= 1:
                last = now
                self._emit(Progress(stage=stage, fraction=round(fraction, 3), id=id))

        return report


def _failed(command: Command, message: str, kind: str = "engine") -> Failed:
    id = command.id if isinstance(command, Generate) else None
    return Failed(command=command.type, message=message, kind=kind, id=id)


# ------------------------------------------------------------------ the process


def _claim_stdout() -> TextIO:
    """Keep stdout for events alone: whatever else prints to it lands in the log."""
    stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stdout


def _emitter(stdout: TextIO) -> Callable[[Event], None]:
    lock = threading.Lock()

    def emit(event: Event) -> None:
        line = wire.write(event) + "\n"
        with lock:
            try:
                stdout.write(line)
                stdout.flush()
            except BrokenPipeError:
                os._exit(0)

    return emit


def _read_commands(worker: Worker, emit: Callable[[Event], None]) -> None:
    for line in sys.stdin.buffer:
        if not line.strip():
            continue
        try:
            worker.post(wire.read_command(line))
        except ValueError as error:
            first = str(error).replace("\n", " ")[:300]
            emit(Failed(command="?", message=f"This is no command: {first}; see core.protocol."))
    # Ctrl+D by hand lets a running reply finish its round; a closed pipe means the app is gone.
    worker.post(Shutdown())
    time.sleep(0.2)
    os._exit(0)


def main() -> None:
    """Entry point of the engine process."""
    if "--describe" in sys.argv[1:]:
        from core.llama.devices import describe
        from core.llama.log import capture_log

        stdout = _claim_stdout()
        capture_log()
        print(json.dumps(describe()), file=stdout, flush=True)
        return
    emit = _emitter(_claim_stdout())
    worker = Worker(emit)
    emit(Ready(pid=os.getpid()))
    reader = threading.Thread(target=_read_commands, args=(worker, emit), daemon=True)
    reader.start()
    worker.run()
    sys.stdout.flush()
    os._exit(0)  # at once: the system frees a model's memory faster than its destructors do


if __name__ == "__main__":
    main()
