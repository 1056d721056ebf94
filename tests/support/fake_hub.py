"""A Hub on loopback: a real HTTP server that speaks the calls that are made of it, and misbehaves
on demand.

Files are served as the real one does: `/resolve/` answers with the facts and redirects to another
host (another port here) that sends the bytes, in ranges. A `Fault` changes the answers that it
fits, as many times as it says. What was asked is in `requests`.
"""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeRepo:
    """A repository: its files, and how the Hub guards it."""

    files: dict[str, bytes]
    commit: str = COMMIT
    gated: bool = False
    private: bool = False
    disabled: bool = False
    renamed_to: str = ""
    downloads: int = 7
    gguf: dict[str, Any] | None = None
    extra_siblings: tuple[str, ...] = ()


@dataclass
class Fault:
    """What goes wrong, `times` times, with answers to requests of `method` whose path holds `path`.

    `on` is the server: `hub` or `cdn`. A header of None is left out. The body ends (`drop_after`)
    or stands still (`stall_after`) after so many bytes; `shift` moves the range that is sent.
    """

    path: str = ""
    method: str = ""
    on: str = ""
    times: int = 1
    status: int = 0
    headers: dict[str, str | None] = field(default_factory=dict)
    body: bytes | None = None
    drop_after: int | None = None
    stall_after: int | None = None
    ignore_range: bool = False
    shift: int = 0
    redirect: str = ""

    def fits(self, server: str, method: str, path: str) -> bool:
        return (
            self.times > 0
            and self.on in ("", server)
            and self.method in ("", method)
            and self.path in path
        )


@dataclass(frozen=True)
class Asked:
    """One request that came: at which server, what, and with which headers (in lower case)."""

    server: str
    method: str
    path: str
    headers: dict[str, str]


class FakeHub:
    """The two servers and what they know. `token` is what private and gated repositories want."""

    def __init__(self, direct: bool = False) -> None:
        self.repos: dict[str, FakeRepo] = {}
        self.faults: list[Fault] = []
        self.requests: list[Asked] = []
        self.sent_bytes = 0
        self.token = "hf_fakefakefakefakefakefakefakefakefake"
        self.direct = direct
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.servers = {name: _server(self, name) for name in ("hub", "cdn")}

    @property
    def url(self) -> str:
        return self.address("hub")

    def address(self, server: str) -> str:
        return f"http://127.0.0.1:{self.servers[server].server_address[1]}"

    def add(self, repo: str, files: dict[str, bytes], **known: Any) -> FakeRepo:
        self.repos[repo] = FakeRepo(files, **known)
        return self.repos[repo]

    def fail(self, **fault: Any) -> Fault:
        self.faults.append(Fault(**fault))
        return self.faults[-1]

    def asked(self, server: str = "", method: str = "", path: str = "") -> list[Asked]:
        fault = Fault(on=server, method=method, path=path)
        return [r for r in self.requests if fault.fits(r.server, r.method, r.path)]

    def stop(self) -> None:
        self.closing.set()
        for server in self.servers.values():
            server.shutdown()
            server.server_close()


@contextmanager
def fake_hub(direct: bool = False) -> Iterator[FakeHub]:
    """A running FakeHub; with `direct` it sends the bytes itself instead of redirecting."""
    hub = FakeHub(direct)
    for server in hub.servers.values():
        threading.Thread(target=server.serve_forever, args=(0.004,), daemon=True).start()
    try:
        yield hub
    finally:
        hub.stop()


@contextmanager
def dead_port() -> Iterator[str]:
    """The address of a port of this machine where nothing listens, kept free of others."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def silent_port() -> Iterator[str]:
    """The address of a port that takes connections and never says anything."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# ------------------------------------------------------------------ the servers


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: FakeHub
    name: str

    def handle_error(self, *_: Any) -> None:
        """Clients that go away in mid-answer are what the tests are about."""


def _server(hub: FakeHub, name: str) -> _Server:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.hub, server.name = hub, name
    return server


@dataclass
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every answer waits 40 ms for an acknowledgement
    server: _Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def _serve(self) -> None:
        hub, name = self.server.hub, self.server.name
        headers = {key.lower(): value for key, value in self.headers.items()}
        with hub.lock:
            hub.requests.append(Asked(name, self.command, self.path, headers))
            fault = next((f for f in hub.faults if f.fits(name, self.command, self.path)), Fault())
            fault.times -= 1
        answer = self._misled(fault) or self._answer(unquote(urlsplit(self.path).path), fault)
        for key, value in fault.headers.items():
            answer.headers.pop(key, None)
            if value is not None:
                answer.headers[key] = value
        self._send(answer, fault)

    def _misled(self, fault: Fault) -> _Answer | None:
        if fault.redirect:
            return _Answer(302, {"Location": fault.redirect}, b"")
        if fault.status or fault.body is not None:
            body = b"{}" if fault.body is None else fault.body
            return _Answer(fault.status or 200, {}, body)
        return None

    def _answer(self, path: str, fault: Fault) -> _Answer:
        hub = self.server.hub
        if self.server.name == "cdn":
            return self._bytes(path.removeprefix("/bytes/"), fault)
        if path == "/api/models":
            return self._search()
        if path.startswith("/api/models/"):
            repo = path.removeprefix("/api/models/")
            return self._guarded(repo, "/api/models/") or _json(_described(repo, hub.repos[repo]))
        repo, _, rest = path[1:].partition("/resolve/")
        revision, _, file = rest.partition("/")
        return self._guarded(repo, "/", "/resolve/" + rest) or self._file(
            repo, revision, file, fault
        )

    def _guarded(self, repo: str, before: str, after: str = "") -> _Answer | None:
        """The Hub's refusals, with its headers for them."""
        hub = self.server.hub
        known = hub.repos.get(repo)
        authorization = self.headers.get("Authorization")
        if authorization and authorization != f"Bearer {hub.token}":
            return _refusal(401, "", "Invalid credentials in Authorization header")
        if known is None or (known.private and not authorization):
            return _refusal(401 if not authorization else 404, "RepoNotFound", "Not found")
        if known.renamed_to:
            return _Answer(307, {"Location": f"{before}{known.renamed_to}{after}"}, b"")
        if known.disabled:
            return _refusal(403, "", "Access to this resource is disabled.")
        if known.gated and after and not authorization:
            return _refusal(401, "GatedRepo", f"Access to model {repo} is restricted.")
        return None

    def _search(self) -> _Answer:
        query = parse_qs(urlsplit(self.path).query)
        words, limit = query.get("search", [""])[0].lower(), int(query.get("limit", ["1000"])[0])
        found = [(n, r) for n, r in self.server.hub.repos.items() if words in n.lower()]
        found.sort(key=lambda item: -item[1].downloads)
        items = [_described(name, repo, sizes=False) for name, repo in found[:limit]]
        return _json(items)

    def _file(self, repo: str, revision: str, file: str, fault: Fault) -> _Answer:
        hub = self.server.hub
        known = hub.repos[repo]
        if revision not in ("main", known.commit):
            return _refusal(404, "RevisionNotFound", "No such revision")
        if file not in known.files:
            return _refusal(404, "EntryNotFound", "No such file")
        content = known.files[file]
        facts = {"X-Repo-Commit": known.commit, "ETag": f'"{sha256(content)}"'}
        if hub.direct:
            answer = self._bytes(f"{repo}/{file}", fault)
            return _Answer(answer.status, answer.headers | facts, answer.body)
        facts |= {
            "X-Linked-ETag": f'"{sha256(content)}"',
            "X-Linked-Size": str(len(content)),
            "Location": f"{hub.address('cdn')}/bytes/{quote(repo)}/{quote(file)}?signature=secret",
        }
        return _Answer(302, facts, b"")

    def _bytes(self, path: str, fault: Fault) -> _Answer:
        owner, name, file = path.split("/", 2)
        content = self.server.hub.repos[f"{owner}/{name}"].files[file]
        headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        asked = self.headers.get("Range")
        if not asked or fault.ignore_range:
            return _Answer(200, headers, content)
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start = int(first) + fault.shift
        if start >= len(content):
            return _Answer(416, headers | {"Content-Range": f"bytes */{len(content)}"}, b"")
        end = min(int(last) + 1 if last else len(content), len(content))
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
        return _Answer(206, headers, content[start:end])

    def _send(self, answer: _Answer, fault: Fault) -> None:
        headers = {"Content-Length": str(len(answer.body)), **answer.headers}
        for key in [key for key, value in fault.headers.items() if value is None]:
            headers.pop(key, None)
        self.send_response(answer.status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        stops = [n for n in (fault.drop_after, fault.stall_after) if n is not None]
        body = answer.body[: min(stops)] if stops else answer.body
        with self.server.hub.lock:  # before whoever reads it can go on
            self.server.hub.sent_bytes += len(body)
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:  # the client went away
            self.close_connection = True
            return
        if fault.stall_after is not None:
            self.server.hub.closing.wait()
        if stops or "Content-Length" not in headers:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)


def _json(value: Any) -> _Answer:
    return _Answer(200, {"Content-Type": "application/json"}, json.dumps(value).encode())


def _refusal(status: int, code: str, message: str) -> _Answer:
    headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
    return _Answer(status, headers, json.dumps({"error": message}).encode())


def _described(name: str, repo: FakeRepo, sizes: bool = True) -> dict[str, Any]:
    siblings: list[dict[str, Any]] = [{"rfilename": file} for file in repo.files]
    if sizes:
        for sibling in siblings:
            content = repo.files[sibling["rfilename"]]
            sibling["size"] = len(content)
            sibling["lfs"] = {
                "sha256": sha256(content),
                "size": len(content),
                "pointerSize": 134,
            }
    siblings += [{"rfilename": file} for file in repo.extra_siblings]
    return {
        "_id": "1",
        "id": name,
        "modelId": name,
        "sha": repo.commit,
        "downloads": repo.downloads,
        "gated": "manual" if repo.gated else False,
        "private": repo.private,
        "siblings": siblings,
        **({"gguf": repo.gguf} if repo.gguf else {}),
    }
