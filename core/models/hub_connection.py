"""Requests to a Hub: questions that are answered in JSON, facts on a file, and ranges of its bytes.

They go through huggingface_hub's session, headers and token rules, but are sent and read here: the
library's own calls wait without an end, retry for half a minute where no host is, and read answers
of any length. Xet and telemetry are off.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from core.errors import SpecdecError
from core.models.background import Cancelled, in_background, never, pause
from core.models.hub_errors import (
    MAX_RETRY_AFTER_S,
    HubError,
    ShortAnswer,
    explain,
    host_of,
    may_try_again,
    retry_after,
)
from core.models.untrusted import shown

if TYPE_CHECKING:
    from huggingface_hub.file_download import HfFileMetadata

    from core.models.hub_library import httpx

T = TypeVar("T")

CONNECT_S = 5.0
QUESTION_RETRIES = 2
MAX_ANSWER = 32 * 2**20
MAX_NUMBER = 2**63

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_CHECKSUM = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{5,64}")


@dataclass(frozen=True)
class Hub:
    """Which Hub is asked, where its files go, and how patient we are with it.

    `endpoint` and `cache_dir` are huggingface_hub's own (HF_ENDPOINT, HF_HUB_CACHE, HF_HOME) unless
    given, and so is `patience_s`, the longest silence (HF_HUB_DOWNLOAD_TIMEOUT, 10 s). `waits_s`
    are the waits before trying again, one for each time that nothing more came.
    """

    endpoint: str = ""
    cache_dir: Path | None = None
    patience_s: float = 0.0
    waits_s: Sequence[float] = (1, 2, 4, 8, 15)

    @property
    def url(self) -> str:
        """The endpoint in force, without a slash at its end; raises SpecdecError (`settings`)."""
        from core.models.hub_library import constants

        url = (self.endpoint or constants.ENDPOINT).rstrip("/")
        try:
            parts = urlsplit(url)
            right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            right = False
        if not right or not url.isprintable() or parts.query or parts.fragment:
            raise SpecdecError(
                f"{host_of(url)} is no web address; give the mirror as https://HOST.", "settings"
            )
        return url

    @property
    def folder(self) -> Path:
        """The cache folder in force."""
        from core.models.hub_library import constants

        return (self.cache_dir or Path(constants.HF_HUB_CACHE)).expanduser().absolute()

    @property
    def patience(self) -> float:
        """Seconds of silence after which a line counts as dead."""
        from core.models.hub_library import constants

        return self.patience_s or float(constants.HF_HUB_DOWNLOAD_TIMEOUT)


@dataclass(frozen=True)
class RemoteFacts:
    """What the Hub says of one file. `checksum` is a sha256 (64 digits) or a git sha1 (40).

    `size` is None where the Hub does not say it.
    """

    commit: str
    checksum: str
    size: int | None


def ask_json(
    hub: Hub,
    path: str,
    params: Mapping[str, Any],
    repo: str = "",
    cancelled: Cancelled = never,
) -> Any:
    """The answer of the Hub's API at `path` (from "/api" on), of any shape.

    Raises SpecdecError with what is wrong, Stopped as soon as `cancelled()`.
    """

    def produce() -> Iterator[bytes]:
        with _stream(hub, "GET", hub.url + path, params=params) as response:
            _refuse(response)
            yield from _capped(response.iter_bytes(), MAX_ANSWER, hub)

    pieces = _asked(hub, produce, cancelled, repo)
    try:
        return json.loads(b"".join(pieces))
    except (ValueError, RecursionError):
        raise not_a_hub(hub, "answers with something else than JSON") from None


def ask_facts(hub: Hub, repo: str, file: str, cancelled: Cancelled = never) -> RemoteFacts:
    """What the Hub says of `file` on the branch main of `repo`, checked. Raises as `ask_json`."""
    from core.models.hub_library import get_hf_file_metadata

    def produce() -> Iterator[HfFileMetadata]:
        yield get_hf_file_metadata(
            file_url(hub, repo, file),
            timeout=hub.patience,
            library_name="specdec-tui",
            library_version=_version(),
            endpoint=hub.url,
        )

    (found,) = _asked(hub, produce, cancelled, repo, file)
    if found.commit_hash is None:
        raise not_a_hub(hub, "does not say which commit it serves (X-Repo-Commit is missing)")
    if not _COMMIT.fullmatch(found.commit_hash):
        raise not_a_hub(hub, f"names the commit {shown(found.commit_hash, 40)}")
    if found.etag is None:
        raise not_a_hub(hub, f"gives no checksum for {shown(file)} (ETag is missing)")
    if not _CHECKSUM.fullmatch(found.etag):
        raise not_a_hub(hub, f"gives {shown(found.etag, 40)} as the checksum of {shown(file)}")
    return RemoteFacts(found.commit_hash, found.etag, natural(found.size))


def read_range(
    hub: Hub,
    repo: str,
    file: str,
    start: int,
    end: int,
    facts: RemoteFacts | None = None,
    cancelled: Cancelled = never,
) -> Generator[bytes | int, None, None]:
    """The bytes from `start` to before `end` of `file`, in pieces as the line brings them.

    The first item is the file's whole size, an int. A server that ignores ranges and sends the
    whole file is read from its beginning, silently, up to `start`, and never beyond `end`. Raises
    HubError where the answer contradicts the request or `facts`, the library's and httpx's
    exceptions and Silence where the line breaks (`is_passing` tells which may be tried again), and
    ShortAnswer where it ends too early.
    """

    def produce() -> Iterator[bytes | int]:
        asked = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        with _stream(hub, "GET", file_url(hub, repo, file), asked) as response:
            _refuse(response)
            total = _whole_size(hub, response, start, file)
            _require_unchanged(response, total, file, facts)
            yield total
            skip = start if response.status_code == 200 else 0
            missing = min(end, total) - start
            for piece in response.iter_raw():
                kept = piece[skip : skip + missing]
                skip -= min(skip, len(piece))
                missing -= len(kept)
                yield kept  # also an empty one: it shows that the line is alive
                if not missing:
                    return
        if missing:
            raise ShortAnswer

    return in_background(produce, cancelled, hub.patience)


def next_wait(hub: Hub, failures: int, error: Exception, alive: bool) -> float | None:
    """Seconds before another attempt after so many failures, from 1; None: there shall be none.

    Until the host is known to be `alive`, that it is not there is final.
    """
    asked = retry_after(error)
    if failures > len(hub.waits_s) or not may_try_again(error, alive) or asked > MAX_RETRY_AFTER_S:
        return None
    return max(hub.waits_s[failures - 1], asked)


def file_url(hub: Hub, repo: str, file: str) -> str:
    """Where `file` of `repo` is served, on the branch main."""
    from core.models.hub_library import hf_hub_url

    return hf_hub_url(repo, file, endpoint=hub.url)


def natural(number: int | None) -> int | None:
    """A number of bytes, weights or the like as the Hub says it; None for one that is none."""
    return number if number is not None and 0 <= number < MAX_NUMBER else None


def not_a_hub(hub: Hub, what: str) -> HubError:
    """For answers that no Hub gives: `what` follows the host's name."""
    return HubError(f"{host_of(hub.url)} {what}, as a Hub does not; check the endpoint.")


# ------------------------------------------------------------------ one request


def _asked(
    hub: Hub,
    produce: Callable[[], Iterator[T]],
    cancelled: Cancelled,
    repo: str,
    file: str = "",
) -> list[T]:
    """The answer to a question, in its pieces. What may pass is asked again, now and then."""
    for failures in itertools.count(1):
        try:
            with closing(in_background(produce, cancelled, hub.patience)) as items:
                return list(items)
        except Exception as error:
            wait = next_wait(hub, failures, error, alive=False)
            if wait is None or failures > QUESTION_RETRIES:
                raise explain(error, hub.url, repo, file) from None
        pause(wait, cancelled)
    raise AssertionError("counting does not end")


def _stream(
    hub: Hub,
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
) -> Any:
    """One request, followed through redirects; httpx keeps the token from other hosts."""
    from core.models.hub_library import build_hf_headers, get_session, httpx

    own = build_hf_headers(library_name="specdec-tui", library_version=_version())
    return get_session().stream(
        method,
        url,
        params=params,
        headers={**own, **(headers or {})},
        timeout=httpx.Timeout(hub.patience, connect=min(CONNECT_S, hub.patience)),
    )


@cache
def _version() -> str:
    try:
        return metadata.version("specdec-tui")
    except metadata.PackageNotFoundError:
        return "0"


def _refuse(response: httpx.Response) -> None:
    """Raise what the library raises for a refusal, without its body, which may be of any length."""
    if response.status_code < 400:
        return
    from core.models.hub_library import hf_raise_for_status, httpx

    told = ("X-Error-Code", "X-Error-Message", "Retry-After", "RateLimit")
    headers = {name: response.headers[name] for name in told if name in response.headers}
    hf_raise_for_status(
        httpx.Response(response.status_code, headers=headers, request=response.request)
    )


def _capped(pieces: Iterator[bytes], limit: int, hub: Hub) -> Iterator[bytes]:
    for piece in pieces:
        limit -= len(piece)
        if limit < 0:
            raise not_a_hub(hub, f"answers with more than {MAX_ANSWER:,} bytes")
        yield piece


def _whole_size(hub: Hub, response: httpx.Response, start: int, file: str) -> int:
    """The file's size by the answer's own headers, once these have been found to make sense."""
    headers, label = response.headers, shown(file)
    if headers.get("Content-Type", "").lower().startswith("text/html"):
        raise not_a_hub(hub, f"sends a web page instead of {label}")
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise not_a_hub(hub, f"sends {label} compressed, though asked not to")
    if response.status_code == 200:
        length = headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 19):
            raise not_a_hub(hub, f"does not say how long {label} is (Content-Length is missing)")
        return int(length)
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if response.status_code != 206 or not match:
        what = f"status {response.status_code}" if response.status_code != 206 else "a part"
        raise not_a_hub(hub, f"answers for {label} with {what} that it does not describe")
    if int(match[1]) != start:
        raise not_a_hub(hub, f"sends other bytes of {label} than it was asked for")
    return int(match[3])


def _require_unchanged(
    response: httpx.Response, total: int, file: str, facts: RemoteFacts | None
) -> None:
    """That this answer is about the same file as `facts`, by its size and its checksum."""
    if facts is None:
        return
    if facts.size is not None and total != facts.size:
        raise HubError(
            f"{shown(file)} is said to have {facts.size:,} bytes, and then {total:,}; "
            "try again later, or elsewhere."
        )
    for answer in (*response.history, response):
        linked = answer.headers.get("X-Linked-Etag")
        if linked is not None and linked.removeprefix("W/").strip('"') != facts.checksum:
            raise HubError(f"{shown(file)} changed on the Hub in the meantime; start again.")
