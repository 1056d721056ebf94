"""A running llama-server, asked over its HTTP interface for the same replies as the engine.

Its chat endpoint renders the model's own template, as the engine does. The reply is streamed, as
the engine's is, so that both hand over every round as it comes; the last event carries llama.cpp's
own timings. No proxy is used: its time would be measured, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import time
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, Field

from core.errors import SpecdecError
from core.models.untrusted import shown
from core.protocol import ChatMessage, Sampling

CONNECT_S = 5.0
ANSWER_S = 1800.0
LEAST_MS = 1e-3
"""Time that a measured reply takes at least."""
MAX_ANSWER_BYTES = 64 * 2**20


class _Delta(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    delta: _Delta


Count = Annotated[int, Field(ge=0, le=2**31)]


class _Timings(BaseModel):
    predicted_n: Count
    predicted_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    draft_n: Count = 0
    draft_n_accepted: Count = 0


class _Event(BaseModel):
    choices: list[_Choice] = []
    timings: _Timings | None = None


@dataclass(frozen=True)
class ServerReply:
    """A reply by the server's own counting. `tok_s` leaves out the first token, which comes with
    the prompt, as the engine's `decode_tok_s` does; None where there was no other."""

    text: str
    n_tokens: int
    n_drafted: int
    n_accepted: int
    tok_s: float | None
    wall_s: float

    @property
    def n_rounds(self) -> int:
        """Batches that it took: each gives the accepted tokens and one of the target's own."""
        return max(self.n_tokens - self.n_accepted, 0)


class LlamaServer:
    """The server at a URL. Every method raises SpecdecError, one sentence, where it is not there or
    does not answer as a llama-server does."""

    def __init__(self, url: str) -> None:
        """`url`: `http://host:port`; without a scheme, which takes the port, http is meant."""
        self.url = url
        self._parts = _parsed(url)

    async def reply(
        self, messages: tuple[ChatMessage, ...], sampling: Sampling, max_tokens: int
    ) -> ServerReply:
        """Ask for one reply of at most `max_tokens` tokens; to be cancelled like any coroutine."""
        body = json.dumps(_request(messages, sampling, max_tokens)).encode()
        connection = self._connection()
        try:
            return await asyncio.to_thread(self._ask, connection, body)
        finally:  # on a cancel, this is what ends the thread
            _hang_up(connection)

    def _connection(self) -> http.client.HTTPConnection:
        secure = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        assert self._parts.hostname is not None
        return kind(self._parts.hostname, self._parts.port, timeout=CONNECT_S)

    def _ask(self, connection: http.client.HTTPConnection, body: bytes) -> ServerReply:
        started = time.perf_counter()
        try:
            connection.connect()
            connection.sock.settimeout(ANSWER_S)
            path = self._parts.path.rstrip("/") + "/v1/chat/completions"
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            raw = response.read(MAX_ANSWER_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(f"cannot be reached ({_why(error)})") from None
        wall_s = time.perf_counter() - started
        if response.status != 200:
            raise self._failure(f"answers {response.status}: {_complaint(raw)}")
        try:
            text, timings = _parse(raw)
        except ValueError:
            if complaint := _complaint_in(raw):
                raise self._failure(f"gave up: {complaint}") from None
            raise self._failure("does not answer as a llama-server does") from None
        return _reply(text, timings, wall_s)

    def _failure(self, what: str) -> SpecdecError:
        return SpecdecError(
            f"The server at {shown(self.url)} {shown(what, 300)}; start llama-server there, or "
            "leave out --vs."
        )


def _why(error: Exception) -> str:
    """The system's own words, without its number for them."""
    said = error.strerror if isinstance(error, OSError) else ""
    return (said or str(error) or type(error).__name__).lower()


def _parsed(url: str) -> SplitResult:
    """A word alone is no address: it is more likely a flag's value in the wrong place."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url if "://" in url else f"http://{url}")
        whole = parts.port is not None or "://" in url  # a wrong port raises here
        if whole and parts.scheme in ("http", "https") and parts.hostname and not parts.query:
            return parts
    raise SpecdecError(
        f"--vs: {shown(url)} is no address; give one such as http://127.0.0.1:8080.",
        kind="settings",
    )


def _request(
    messages: tuple[ChatMessage, ...], sampling: Sampling, max_tokens: int
) -> dict[str, Any]:
    request: dict[str, Any] = {
        "messages": [asdict(message) for message in messages],
        "n_predict": max_tokens,
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "repeat_penalty": sampling.repeat_penalty,
        "repeat_last_n": sampling.repeat_last_n,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "cache_prompt": True,
        "stream": True,
        "reasoning_format": "none",
    }
    return request if sampling.seed is None else request | {"seed": sampling.seed}


def _parse(raw: bytes) -> tuple[str, _Timings]:
    """The text and the timings of a whole stream of server-sent events. It is read only after its
    end, so that reading takes no time from the server. Raises ValueError where they are not there.
    """
    text, timings = "", None
    for data in _data(raw):
        event = _Event.model_validate_json(data)
        text += "".join(choice.delta.content or "" for choice in event.choices)
        timings = event.timings or timings
    if timings is None:
        raise ValueError("no timings")
    return text, timings


def _data(raw: bytes) -> list[bytes]:
    """What the events of a stream carry, but for the one that says that it ends."""
    lines = [line.strip() for line in raw.splitlines()]
    data = [line.removeprefix(b"data:").strip() for line in lines if line.startswith(b"data:")]
    return [each for each in data if each != b"[DONE]"]


def _complaint_in(raw: bytes) -> str:
    """The server's own words, where the stream ended with an error; else nothing."""
    last = _data(raw)[-1:]
    return _complaint(last[0]) if last and b'"error"' in last[0] else ""


def _reply(text: str, timings: _Timings, wall_s: float) -> ServerReply:
    n_after_first = timings.predicted_n - 1
    measured = n_after_first > 0 and timings.predicted_ms >= LEAST_MS
    return ServerReply(
        text=text,
        n_tokens=timings.predicted_n,
        n_drafted=timings.draft_n,
        n_accepted=timings.draft_n_accepted,
        tok_s=n_after_first / timings.predicted_ms * 1000 if measured else None,
        wall_s=wall_s,
    )


def _complaint(raw: bytes) -> str:
    """The server's own words, from the JSON of an error where it is one."""
    with contextlib.suppress(ValueError, LookupError, TypeError):
        return str(json.loads(raw)["error"]["message"])
    return raw[:200].decode("utf-8", "replace").strip() or "nothing"


def _hang_up(connection: http.client.HTTPConnection) -> None:
    with contextlib.suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
