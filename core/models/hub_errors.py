"""What a Hub's refusal or a broken line means, in one sentence for the user.

Apart because it is the one place that knows huggingface_hub's exceptions. Their own messages are
never shown: they carry addresses with signatures in them, and some carry the token.
"""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from core.errors import SpecdecError
from core.models.background import Silence, Stopped
from core.models.untrusted import shown

PASSING_STATUS = (408, 425, 429, 500, 502, 503, 504)
MAX_RETRY_AFTER_S = 60


class HubError(SpecdecError):
    """The Hub, or the way to it, did not give what was asked for."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind="hub")


class ShortAnswer(Exception):
    """An answer ended before all of it had come."""


def host_of(endpoint: str) -> str:
    """The endpoint's host and port, without a user name or a password that may stand in it."""
    parts = urlsplit(endpoint)
    return shown((parts.netloc or endpoint).rpartition("@")[2], 100)


def is_passing(error: Exception) -> bool:
    """Whether the same request may succeed a little later."""
    from core.models.hub_library import errors, httpx

    if isinstance(error, errors.HfHubHTTPError):
        return error.response.status_code in PASSING_STATUS
    lasting = (httpx.ProxyError, httpx.UnsupportedProtocol, httpx.LocalProtocolError)
    return isinstance(error, (Silence, ShortAnswer, httpx.TransportError)) and not isinstance(
        error, lasting
    )


def may_try_again(error: Exception, alive: bool) -> bool:
    """Whether to ask again. Unless the host was `alive` before, that it is not there is final: a
    person who mistyped its name must not wait for five attempts."""
    from core.models.hub_library import errors, httpx

    # kept lines break when the server has closed them meanwhile
    answered = (errors.HfHubHTTPError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
    return is_passing(error) and (alive or isinstance(error, answered))


def retry_after(error: Exception) -> float:
    """Seconds that the server asks to wait; 0 where it does not say so in seconds."""
    from core.models.hub_library import errors, parse_ratelimit_headers

    if not isinstance(error, errors.HfHubHTTPError):
        return 0
    limit = parse_ratelimit_headers(error.response.headers)
    if error.response.status_code == 429 and limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    asked = error.response.headers.get("Retry-After", "").strip()
    return float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0


def explain(error: Exception, endpoint: str, repo: str = "", file: str = "") -> SpecdecError:
    """The sentence for `error`, which came up when `file` of `repo` was asked of `endpoint`."""
    from core.models.hub_library import errors

    if isinstance(error, SpecdecError):
        return error
    if isinstance(error, errors.OfflineModeIsEnabled):
        return HubError(
            "HF_HUB_OFFLINE is set, so nothing is fetched; unset it, or use a model that "
            "`specdec-tui models` lists."
        )
    if isinstance(error, errors.HfHubHTTPError):
        return HubError(_refusal(error, endpoint, repo or "what was asked for", file))
    return HubError(f"{host_of(endpoint)} {_line_trouble(error)}.")


def _refusal(error: Exception, endpoint: str, repo: str, file: str) -> str:
    """GatedRepoError is a RepositoryNotFoundError, and all are HfHubHTTPErrors: finest first."""
    from core.models.hub_library import errors

    assert isinstance(error, errors.HfHubHTTPError)
    status, host = error.response.status_code, host_of(endpoint)
    reasons: tuple[tuple[bool, str], ...] = (
        (
            isinstance(error, errors.GatedRepoError),
            f"{repo} is gated: accept its terms at {_page(endpoint, repo)}, then log in with "
            "`hf auth login` or set HF_TOKEN.",
        ),
        (
            isinstance(error, errors.DisabledRepoError),
            f"{repo} has been disabled by the Hub; choose another repository.",
        ),
        (
            error.response.headers.get("X-Error-Message") == _WRONG_TOKEN,
            f"{host} does not know your token; log in again with `hf auth login`.",
        ),
        (
            isinstance(error, errors.RepositoryNotFoundError) or status == 401,
            f"There is no repository {repo}, or it is private; check the name, or log in with "
            "`hf auth login`.",
        ),
        (
            isinstance(error, errors.RevisionNotFoundError),
            f"{repo} has no branch main; choose another repository.",
        ),
        (
            isinstance(error, errors.RemoteEntryNotFoundError) or (status == 404 and bool(file)),
            f"{repo} has no file {shown(file)}; look at what it has now.",
        ),
        (status == 404, f"There is no repository {repo}; check the name."),
        (status == 403, f"{host} does not let you read {repo}; check what your token may do."),
        (status == 429, f"{host} asks for fewer requests; {_wait(error)}."),
        (status >= 500, f"{host} has trouble of its own (status {status}); try again later."),
        (True, f"{host} refused the request (status {status}); check the endpoint."),
    )
    return next(text for applies, text in reasons if applies)


_WRONG_TOKEN = "Invalid credentials in Authorization header"


def _page(endpoint: str, repo: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{host_of(endpoint)}{shown(parts.path, 100)}/{repo}"


def _wait(error: Exception) -> str:
    seconds = retry_after(error)
    return f"try again in {seconds:.0f} s" if seconds else "try again later"


def _line_trouble(error: Exception) -> str:
    """What to say after the host's name. Only the system's own words are quoted."""
    from core.models.hub_library import httpx

    cause = _root(error)
    reason = shown((getattr(cause, "strerror", None) or "no connection").lower(), 60)
    silent = isinstance(error, (Silence, httpx.TimeoutException))
    unfit = isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL))
    reasons = (
        (silent, "does not answer; check the network and try again"),
        (
            isinstance(cause, ssl.SSLCertVerificationError),
            "has a certificate that is not trusted here; check the clock, or your proxy's",
        ),
        (isinstance(cause, ssl.SSLError), "does not speak TLS as it should; check the address"),
        (
            isinstance(error, httpx.ProxyError),
            "cannot be reached through the proxy; check HTTPS_PROXY",
        ),
        (
            isinstance(error, httpx.ConnectError),
            f"cannot be reached ({reason}); check the network, or HF_ENDPOINT",
        ),
        (
            isinstance(error, httpx.TooManyRedirects),
            "sends the request round in a circle; check the endpoint",
        ),
        (unfit, "cannot be asked at such an address; check HF_ENDPOINT"),
        (is_passing(error), "dropped the line; try again"),
        (True, f"cannot be asked ({type(error).__name__}); check HF_ENDPOINT and HF_TOKEN"),
    )
    return next(text for applies, text in reasons if applies)


def _root(error: BaseException) -> BaseException:
    """The first cause, whose class and error number say more than the wrappers."""
    for _ in range(10):
        cause = error.__cause__ or error.__context__
        if cause is None or isinstance(cause, Stopped):
            break
        error = cause
    return error
