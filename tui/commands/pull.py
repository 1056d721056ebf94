"""`specdec-tui pull`: one model from the Hub, with progress; a draft is checked before it comes."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from dataclasses import dataclass, field
from typing import Any, TextIO

from core.errors import SpecdecError
from core.models.catalog import bundled_models, resolve
from core.models.choose import checked_header
from core.models.compat import Compatibility
from core.models.download import Downloaded, download
from core.models.header import GgufHeader
from core.models.hub import FileChoice, Repository, choose_file, repository
from core.models.hub_connection import Hub
from core.models.hub_names import split_request
from core.models.names import name_of
from core.models.places import find_files
from core.models.progress import Progress
from core.models.remote_header import RemoteDraft, check_remote_draft
from core.models.untrusted import shown
from core.settings import Settings
from tui import figures
from tui.commands.output import complain, print_json
from tui.exit_codes import INTERRUPTED

LINE_EVERY_S = 30.0
MAX_NAME = 40


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Fetch the model and say where it is: 0. Interrupted, what came is kept: 130."""
    if arguments.force and not arguments.for_target:
        raise SpecdecError("--force goes with --for; leave it out, or name a target.", "settings")
    repo, wanted = split_request(arguments.repo)
    hub = Hub(endpoint=arguments.endpoint)
    target = _target(settings, arguments.for_target) if arguments.for_target else None
    report = Report(sys.stderr, quiet=arguments.json)
    try:
        with report:
            found = repository(repo, hub)
            choice = choose_file(found, wanted)
            if found.asked_for:
                report.say(f"{found.asked_for} is now called {found.id}.")
            draft = _judged(found, choice, target, hub, arguments.force, report)
            done = download(found.id, choice, hub, report.show)
    except KeyboardInterrupt:
        complain(report.stopped())
        return INTERRUPTED
    if arguments.json:
        print_json(_document(found, choice, done, draft))
    else:
        print(f"{shown(choice.name)}, {figures.size(done.size_bytes)}: {done.path}")
    return 0


def _target(settings: Settings, name: str) -> GgufHeader:
    return checked_header(resolve(name, [*find_files(settings.models_dirs), *bundled_models()]))


def _judged(
    found: Repository,
    choice: FileChoice,
    target: GgufHeader | None,
    hub: Hub,
    force: bool,
    report: Report,
) -> RemoteDraft | None:
    """The draft's header, judged; raises SpecdecError (kind `draft`) where it does not fit."""
    if target is None:
        return None
    report.show(Progress("asking", note="whether it fits"))
    draft = check_remote_draft(found.id, choice.files[0].name, target, hub)
    sentence = _sentence(choice, target, draft.compatibility)
    if draft.compatibility.verdict == "no" and not force:
        raise SpecdecError(f"{sentence}; choose another, or fetch it with --force.", kind="draft")
    report.say(f"{sentence}.")
    return draft


def _sentence(choice: FileChoice, target: GgufHeader, judged: Compatibility) -> str:
    verb = {"yes": "can", "yes-but": "can, but perhaps not well,", "no": "cannot"}[judged.verdict]
    return f"{shown(choice.name)} {verb} draft for {shown(name_of(target.path))}: {judged.cause}"


def _document(
    found: Repository, choice: FileChoice, done: Downloaded, draft: RemoteDraft | None
) -> dict[str, Any]:
    return {
        "repository": found.id,
        "asked_for": found.asked_for or found.id,
        "commit": done.commit,
        "name": choice.name,
        "quantisation": choice.quantisation,
        "path": str(done.path),
        "files": [
            {"path": str(path), "checksum": checksum}
            for path, checksum in zip(done.files, done.checksums, strict=True)
        ],
        "size_bytes": done.size_bytes,
        "received_bytes": done.received_bytes,
        "verdict": draft.compatibility.verdict if draft else None,
        "cause": draft.compatibility.cause if draft else None,
    }


# ------------------------------------------------------------------ progress


@dataclass
class Report:
    """Progress on a stream: one line that changes on a terminal, now and then a line elsewhere."""

    stream: TextIO
    quiet: bool = False
    last: Progress | None = None
    _drawn: bool = False
    _said: tuple[str, str, int] = ("", "", 0)
    _said_at: float = field(default_factory=time.monotonic)

    def __enter__(self) -> Report:
        return self

    def __exit__(self, *_: object) -> None:
        self._wipe()

    def say(self, sentence: str) -> None:
        """A line that stays."""
        if not self.quiet:
            self._wipe()
            print(sentence, file=self.stream, flush=True)

    def show(self, progress: Progress) -> None:
        """How far it is; drawn in place on a terminal, elsewhere where there is something new."""
        self.last = progress
        if self.quiet:
            return
        if self.stream.isatty():
            width = shutil.get_terminal_size().columns - 1
            self.stream.write("\r\x1b[K" + line(progress)[:width])
            self.stream.flush()
            self._drawn = True
        elif self._is_news(progress):
            print(line(progress), file=self.stream, flush=True)

    def stopped(self) -> str:
        """What to say when the user has had enough."""
        done = self.last.done if self.last else 0
        if not self.last or not done:
            return "Stopped; nothing was fetched yet."
        amount = f"{figures.size(done)} of {figures.size(self.last.total)} are kept"
        return f"Stopped; {amount}, and the same command goes on from there."

    def _is_news(self, progress: Progress) -> bool:
        """Another stage, another tenth, or half a minute later."""
        tenth = 10 * progress.done // progress.total if progress.total else 0
        now, news = time.monotonic(), (progress.stage, progress.note, tenth)
        if news == self._said and now - self._said_at < LINE_EVERY_S:
            return False
        self._said, self._said_at = news, now
        return True

    def _wipe(self) -> None:
        if self._drawn:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self._drawn = False


def line(progress: Progress) -> str:
    """One line, the most telling first, since a narrow terminal cuts it at its end."""
    part = f" (file {progress.part} of {progress.parts})" if progress.parts > 1 else ""
    words = [f"{progress.stage} {shown(progress.file, MAX_NAME)}".rstrip() + part]
    if progress.total and progress.stage != "asking":
        share = figures.percent(progress.done / progress.total)
        words.insert(0, f"{share.rjust(4)} of {figures.size(progress.total)}")
    if progress.rate is not None:
        words.insert(1, f"{figures.size(int(progress.rate))}/s")
    if progress.remaining_s is not None:
        words.insert(2, f"{figures.duration(progress.remaining_s)} left")
    return "  ".join(words) + (f": {progress.note}" if progress.note else "")
