"""Downloads at work: threads that fetch and check, and messages to the app about how far they are.

Nothing here touches a widget; the state is `downloads`, changed on the app's own thread alone. The
Hub's client is imported by the threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from core.errors import SpecdecError
from tui.downloads import ENDED, Downloads, Item, Request
from tui.messages import Fetched, Judged
from tui.sanitize import clean_line

if TYPE_CHECKING:
    from core.models.progress import Progress

Post = Callable[[Message], object]


class Fetcher:
    """Works off the queue on a thread, one download at a time; checks of drafts run beside it."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._stop = threading.Event()
        self._closed = threading.Event()
        self.downloads = Downloads()

    def fetch(self, request: Request) -> bool:
        """Ask for a model; False where it is on its way or here already."""
        added = self.downloads.add(request)
        if added:
            self._begin(request.key)
        return added

    def pause(self, key: str) -> None:
        self.downloads.pause(key)
        self._let_stop(key)

    def resume(self, key: str) -> None:
        self.downloads.resume(key)
        self._begin(key)

    def cancel(self, key: str) -> None:
        """Give a download up; what came of it is removed as soon as nobody writes there."""
        self.downloads.cancel(key)
        self._let_stop(key)
        self._tidy(key)

    def close(self) -> None:
        """Let all threads end soon; what they fetched is kept."""
        self._closed.set()
        self._stop.set()

    def take(self, news: Fetched | Judged) -> Item | None:
        """What a thread reported; the item where its model has arrived or will not come."""
        queue = self.downloads
        before = queue.get(news.key)
        if isinstance(news, Judged):
            queue.judged(news.key, news.problem)
        elif news.progress is not None:
            queue.progressed(news.key, news.progress)
            return None
        else:
            queue.ended(news.key, news.path, news.problem)
            self._tidy(news.key)
        self._pump()
        after = queue.get(news.key)
        settled = after and before and after.status != before.status
        return after if settled and after and after.status in ("done", "failed") else None

    # -------------------------------------------------------------- threads

    def _begin(self, key: str) -> None:
        item = self.downloads.get(key)
        if item and item.status == "checking":
            _start(self._check, item.request)
        self._pump()

    def _let_stop(self, key: str) -> None:
        if key == self.downloads.running:
            self._stop.set()
        self._pump()

    def _tidy(self, key: str) -> None:
        """Remove what a cancelled download left, unless another one of its repository, of which
        the same folder holds the pieces, has not ended."""
        item = self.downloads.get(key)
        if item is None or item.status != "cancelled" or key == self.downloads.running:
            return
        repo = item.request.repo
        if any(o.request.repo == repo and o.status not in ENDED for o in self.downloads.items):
            return
        _start(_discard, repo)

    def _pump(self) -> None:
        item = None if self._closed.is_set() else self.downloads.next()
        if item is not None:
            self._stop = threading.Event()
            _start(self._fetch, item.request, self._stop)

    def _check(self, request: Request) -> None:
        """On a thread: judge a draft by its header alone, which is all that is fetched."""
        from core.models.choose import checked_header
        from core.models.hub_connection import Hub
        from core.models.names import name_of
        from core.models.remote_header import check_remote_draft

        problem = ""
        try:
            target = checked_header(Path(request.draft_for))
            file = request.choice.files[0].name
            judged = check_remote_draft(
                request.repo, file, target, Hub(), cancelled=self._closed.is_set
            )
            if judged.compatibility.verdict == "no":
                cause = judged.compatibility.cause
                problem = f"It cannot draft for {name_of(target.path)}: {cause}."
        except SpecdecError as error:
            problem = error.message
        except Exception as error:  # a defect must not leave the item waiting for ever
            problem = f"The check failed: {type(error).__name__}: {error}."
        self._tell(Judged(request.key, clean_line(problem, 400)))

    def _fetch(self, request: Request, stop: threading.Event) -> None:
        """On a thread: the download itself."""
        from core.models.background import Stopped
        from core.models.download import download
        from core.models.hub_connection import Hub

        def watch(progress: Progress) -> None:
            self._tell(Fetched(request.key, progress))

        ended = Fetched(request.key)
        try:
            done = download(request.repo, request.choice, Hub(), watch, stop.is_set)
            ended.path = str(done.path)
        except Stopped:
            pass
        except SpecdecError as error:
            ended.problem = clean_line(error.message, 400)
        except Exception as error:
            problem = f"The download failed: {type(error).__name__}: {error}."
            ended.problem = clean_line(problem, 400)
        self._tell(ended)

    def _tell(self, message: Message) -> None:
        if not self._closed.is_set():
            self._post(message)


def _discard(repo: str) -> None:
    """On a thread: remove what is there of files that were not fetched to their end."""
    from core.models.hub_cache import discard_partials
    from core.models.hub_connection import Hub

    with suppress(SpecdecError, OSError):  # it costs room on the disk, and is no reason to complain
        discard_partials(Hub().folder, repo)


def _start(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, name="fetching", daemon=True).start()
