"""The llama-server's side, against a small HTTP server that answers as one, or does not."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core.bench.prompts import prompts
from core.bench.report import result_document, result_plot
from core.bench.runner import BenchPlan, run_bench
from core.bench.server import LlamaServer, ServerReply
from core.errors import SpecdecError
from core.protocol import ChatMessage, Load, Sampling

Answer = Callable[[dict[str, Any]], tuple[int, bytes]]
HELLO = (ChatMessage(role="user", content="Hello"),)


def completion(request: dict[str, Any]) -> tuple[int, bytes]:
    """What llama-server says of a reply: 9 tokens more than the first, 50 ms each."""
    n = request["n_predict"]
    timings = {"predicted_n": n, "predicted_ms": (n - 1) * 50.0, "draft_n": 8}
    deltas = [{"role": "assistant", "content": None}, {"content": "a re"}, {"content": "ply"}, {}]
    events: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": d}]} for d in deltas]
    events[-1]["timings"] = timings | {"draft_n_accepted": 4, "prompt_n": 12}
    lines = [json.dumps(event) for event in events] + ["[DONE]"]
    return 200, "".join(f"data: {line}\n\n" for line in lines).encode()


def timed(n: object, ms: object) -> bytes:
    """A reply with these timings and as many tokens accepted as no reply has."""
    told = f'{{"predicted_n": {n}, "predicted_ms": {ms}, "draft_n": 8, "draft_n_accepted": 70}}'
    return f'data: {{"choices": [], "timings": {told}}}\n\n'.encode()


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server on a free port: its address and the requests that it got."""
    requests: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append(json.loads(body) | {"path": self.path})
            status, raw = answer(requests[-1])
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", requests
    finally:
        server.shutdown()
        server.server_close()


def ask(url: str, n: int = 10) -> ServerReply:
    return asyncio.run(LlamaServer(url).reply(HELLO, Sampling(temperature=0), n))


def test_a_reply_by_the_servers_own_timings() -> None:
    with serving(completion) as (url, requests):
        reply = ask(url)
    assert (reply.text, reply.n_tokens, reply.n_drafted, reply.n_accepted) == ("a reply", 10, 8, 4)
    assert reply.tok_s == pytest.approx(20.0)
    assert reply.n_rounds == 6
    assert reply.wall_s > 0
    (request,) = requests
    assert request["path"] == "/v1/chat/completions"
    assert request["messages"] == [{"role": "user", "content": "Hello"}]
    assert request["temperature"] == 0
    assert request["cache_prompt"] is True


def test_the_address_may_lack_a_scheme_and_end_in_a_slash() -> None:
    with serving(completion) as (url, requests):
        ask(url.removeprefix("http://"))
        ask(url + "/under/")
    assert [r["path"] for r in requests] == ["/v1/chat/completions", "/under/v1/chat/completions"]


def test_a_reply_of_one_token_has_no_rate() -> None:
    with serving(completion) as (url, _):
        assert ask(url, 1).tok_s is None


def test_timings_that_cannot_be_make_no_figures() -> None:
    with serving(lambda _: (200, timed(9, "1e-320"))) as (url, _):
        reply = ask(url)
    assert (reply.tok_s, reply.n_rounds) == (None, 0)


def test_no_proxy_stands_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving(completion) as (url, _):
        assert ask(url).n_tokens == 10


@pytest.mark.parametrize(
    ("status", "raw", "says"),
    [
        (200, b"<html>hello</html>", "does not answer as a llama-server does"),
        (200, b'{"choices": []}', "does not answer as a llama-server does"),
        (200, b'{"choices": [], "timings": {"predicted_n": 1, "predicted_ms": 1}}', "does not"),
        (200, b'data: {"choices": [{"delta": {"content": "cut off"}}]}\n\n', "does not answer"),
        (200, b'data: {"error": {"message": "the slot is gone"}}\n\n', "gave up: the slot is"),
        (200, b"data: {\n\n", "does not answer as a llama-server does"),
        (200, b"[1, 2]", "does not answer as a llama-server does"),
        *((200, timed(n, 1), "does not answer") for n in (-1, 2**40, "9" * 400)),
        *((200, timed(9, ms), "does not answer") for ms in ("NaN", "Infinity", -1)),
        (503, b'{"error": {"message": "Loading model"}}', "answers 503: Loading model"),
        (404, b"no such page\x1b[2J", r"answers 404: no such page\\x1b"),
        (500, b"", "answers 500: nothing"),
    ],
)
def test_nonsense_is_one_sentence(status: int, raw: bytes, says: str) -> None:
    with (
        serving(lambda _: (status, raw)) as (url, _),
        pytest.raises(SpecdecError, match=says) as failure,
    ):
        ask(url)
    assert failure.value.message.endswith("start llama-server there, or leave out --vs.")


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    with serving(completion) as (url, _):
        pass
    with pytest.raises(SpecdecError, match=r"cannot be reached \(connection refused\);"):
        ask(url)


@pytest.mark.parametrize(
    "url",
    ["nope", "ftp://host", "http://", "host:port", "http://h:99999", "http://h:x", "http://["],
)
def test_what_is_no_address_is_a_wrong_argument(url: str) -> None:
    with pytest.raises(SpecdecError, match="is no address") as failure:
        LlamaServer(url)
    assert failure.value.kind == "settings"


def test_a_cancel_does_not_wait_for_the_server() -> None:
    hold, answered = threading.Event(), threading.Event()

    def stuck(_: dict[str, Any]) -> tuple[int, bytes]:
        hold.wait(60)
        answered.set()
        return 500, b""

    async def give_up(url: str) -> None:
        await asyncio.wait_for(LlamaServer(url).reply(HELLO, Sampling(), 5), 0.3)

    with serving(stuck) as (url, _):
        with pytest.raises(TimeoutError):
            asyncio.run(give_up(url))
        assert not answered.is_set()
        hold.set()


def test_the_server_runs_beside_ours(load: Load) -> None:
    with serving(completion) as (url, requests):
        plan = BenchPlan(load, prompts(["easy"])[:2], repeats=2, max_tokens=16, server=url)
        result = run_bench(plan)
    assert result.variants == ("none", "auto", "server")
    assert len(requests) == 1 + 2 * 2  # one to warm up
    assert result.figures("server").tok_s == pytest.approx(20.0)
    assert result.figures("server").acceptance_rate == 0.5
    ours = result.figures("auto").tok_s
    assert ours is not None
    assert result.ratio("auto", "server") == pytest.approx(ours / 20, rel=0.5)
    assert result.same_text("auto", "server") == 0
    document = result_document(result, plan)
    assert set(document["ratios"]) == {"none / server", "auto / server", "same text as server"}
    assert "llama-server" in result_plot(result)


def test_a_server_that_is_not_there_is_known_before_the_models_load(load: Load) -> None:
    gone = replace(load, target="/nowhere.gguf")
    with pytest.raises(SpecdecError, match="cannot be reached"):
        run_bench(BenchPlan(gone, prompts(["easy"]), server="http://127.0.0.1:9"))
