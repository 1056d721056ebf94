"""What a Hub refuses, what a line does, and where the token goes: one sentence each."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from huggingface_hub import constants

from core.errors import SpecdecError
from core.models.background import Silence, Stopped, in_background
from core.models.hub import repository, search
from core.models.hub_connection import Hub, ask_facts, ask_json
from tests.support.downloads import message
from tests.support.fake_hub import FakeHub, dead_port, silent_port

REPO, FILE = "org/Qwen-7B-GGUF", "Qwen-7B-Q8_0.gguf"


@pytest.fixture(autouse=True)
def filled(server: FakeHub) -> None:
    server.add(REPO, {FILE: b"GGUF" + b"8" * 800})


# ------------------------------------------------------------------ refusals


def test_a_missing_and_a_private_repository_look_alike(server: FakeHub, hub: Hub) -> None:
    server.add("o/private", {"m.gguf": b""}, private=True)
    for name in ("o/private", "o/gone"):
        assert message(lambda name=name: repository(name, hub)) == (
            f"There is no repository {name}, or it is private; check the name, or log in with "
            "`hf auth login`."
        )


def test_a_refusal_without_the_hubs_own_words_is_understood(server: FakeHub, hub: Hub) -> None:
    server.fail(path="/api/", status=401)
    assert "or it is private" in message(lambda: repository(REPO, hub))
    server.fail(path="/api/", status=404)
    assert message(lambda: repository(REPO, hub)) == (
        f"There is no repository {REPO}; check the name."
    )
    server.fail(path="/api/", status=403)
    assert f"does not let you read {REPO}" in message(lambda: repository(REPO, hub))
    server.fail(path="/api/", status=418)
    assert "refused the request (status 418)" in message(lambda: repository(REPO, hub))


def test_a_gated_repository_says_what_to_do(server: FakeHub, hub: Hub) -> None:
    server.repos[REPO].gated = True
    text = message(lambda: ask_facts(hub, REPO, FILE))
    assert text == (
        f"{REPO} is gated: accept its terms at {server.url}/{REPO}, then log in with "
        "`hf auth login` or set HF_TOKEN."
    )
    assert repository(REPO, hub).gated


def test_a_disabled_repository_and_a_missing_file(server: FakeHub, hub: Hub) -> None:
    assert message(lambda: ask_facts(hub, REPO, "gone.gguf")) == (
        f"{REPO} has no file gone.gguf; look at what it has now."
    )
    server.repos[REPO].disabled = True
    assert "has been disabled by the Hub" in message(lambda: repository(REPO, hub))


def test_facts_that_are_missing_or_wrong_are_named(server: FakeHub, hub: Hub) -> None:
    def facts(**headers: str | None) -> str:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        server.fail(path="/resolve/", headers=named)
        return message(lambda: ask_facts(hub, REPO, FILE))

    assert "X-Repo-Commit is missing" in facts(X_Repo_Commit=None)
    assert "ETag is missing" in facts(X_Linked_ETag=None, ETag=None)
    assert "names the commit ../../x" in facts(X_Repo_Commit="../../x")
    assert "gives ../x as the checksum" in facts(X_Linked_ETag='"../x"')
    server.fail(path="/resolve/", headers={"X-Linked-Size": "many"})
    assert ask_facts(hub, REPO, FILE).size is None


@pytest.mark.parametrize("size", ["9" * 400, str(2**63)])
def test_a_size_that_no_file_has_counts_as_not_said(server: FakeHub, hub: Hub, size: str) -> None:
    server.fail(path="/resolve/", headers={"X-Linked-Size": size})
    assert ask_facts(hub, REPO, FILE).size is None
    told = f'{{"id": "{REPO}", "gguf": {{"total": {size}, "context_length": {size}}}, '
    file = f'{{"rfilename": "{FILE}", "size": {size}}}'
    server.fail(path="/api/", body=f'{told}"downloads": {size}, "siblings": [{file}]}}'.encode())
    found = repository(REPO, hub)
    assert (found.downloads, found.n_params, found.n_ctx_train) == (0, 0, 0)
    assert found.choices[0].size_bytes is None


@pytest.mark.parametrize(
    "body", [b"<html>", b"{", b"\xff\xfe", b"[" * 100_000, b"7", b"null", b'""']
)
def test_garbage_is_said_to_come_from_no_hub(server: FakeHub, hub: Hub, body: bytes) -> None:
    server.fail(path="/api/", body=body, times=2)
    for work in (lambda: search("x", hub), lambda: repository(REPO, hub)):
        assert message(work).endswith(", as a Hub does not; check the endpoint.")


def test_an_answer_without_an_end_is_cut(
    server: FakeHub, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.models.hub_connection.MAX_ANSWER", 1000)
    server.fail(path="/api/", body=b'"' + b"x" * 5000 + b'"')
    assert "more than 1,000 bytes" in message(lambda: search("x", hub))


# ------------------------------------------------------------------ the line


def test_trouble_that_passes_is_waited_out(server: FakeHub, hub: Hub) -> None:
    server.fail(path="/api/", status=503)
    server.fail(path="/api/", status=429, headers={"Retry-After": "0"})
    assert repository(REPO, hub).id == REPO
    server.fail(path="/api/", drop_after=3)
    assert repository(REPO, hub).id == REPO
    server.fail(path="/resolve/", status=500)
    assert ask_facts(hub, REPO, FILE).size == 804


def test_trouble_that_stays_is_named(server: FakeHub, hub: Hub) -> None:
    host = server.url.removeprefix("http://")
    server.fail(path="/api/", status=502, times=9)
    assert message(lambda: search("x", hub)) == (
        f"{host} has trouble of its own (status 502); try again later."
    )
    assert len(server.requests) == 3
    server.faults.clear()
    server.fail(path="/api/", status=429, headers={"Retry-After": "3600"}, times=9)
    assert message(lambda: search("x", hub)) == (
        f"{host} asks for fewer requests; try again in 3600 s."
    )
    assert len(server.requests) == 4
    server.faults.clear()
    server.fail(path="/api/", redirect="/api/models", times=99)
    assert "round in a circle" in message(lambda: search("x", hub))


def test_a_host_that_is_not_there_is_given_up_at_once() -> None:
    """With the waits of everyday use, which would take half a minute if it tried again."""
    with dead_port() as url:
        for work in (
            lambda: search("x", Hub(url)),
            lambda: repository(REPO, Hub(url)),
            lambda: ask_facts(Hub(url), REPO, "m.gguf"),
        ):
            assert message(work) == (
                f"{url.removeprefix('http://')} cannot be reached (connection refused); "
                "check the network, or HF_ENDPOINT."
            )


def test_a_host_that_says_nothing_is_given_up_after_its_time() -> None:
    with silent_port() as url:
        hub = Hub(url, patience_s=0.3)
        assert "does not answer" in message(lambda: search("x", hub))
        assert "does not answer" in message(lambda: ask_facts(hub, REPO, "m.gguf"))


def test_a_slow_answer_is_waited_for_while_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience is for silence: the whole may take longer. The clock goes with the consumer, and
    stands while a letter is on its way, however long its thread takes."""
    now, due = [0.0], [40.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def tick() -> bool:
        now[0] = min(now[0] + 1, due[0])
        return False

    def produce() -> Iterator[str]:
        for letter in "slow":
            while now[0] < due[0]:
                time.sleep(0.001)
            yield letter
            due[0] += 40

    monkeypatch.setattr("core.models.background.POLL_S", 0.002)
    assert "".join(in_background(produce, tick, 100)) == "slow"
    now[0], due[0] = 0, 40
    with pytest.raises(Silence):
        list(in_background(produce, tick, 20))
    now[0] = due[0]  # the thread is not left behind


def test_a_question_can_be_left_while_the_host_is_silent() -> None:
    asked = threading.Event()

    def cancelled() -> bool:
        return asked.is_set() or (asked.set() or False)

    with silent_port() as url, pytest.raises(Stopped):
        search("x", Hub(url, patience_s=60), cancelled=cancelled)


def test_offline_nothing_is_asked(
    server: FakeHub, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for work in (
        lambda: search("x", hub),
        lambda: repository(REPO, hub),
        lambda: ask_facts(hub, REPO, "m.gguf"),
    ):
        assert message(work).startswith("HF_HUB_OFFLINE is set, so nothing is fetched")
    assert server.requests == []


@pytest.mark.parametrize(
    "url", ["ftp://h", "h", "http://", "http://h:0", "http://h:x", "http://h/?a"]
)
def test_an_endpoint_that_is_no_address_is_refused(url: str) -> None:
    assert "no web address" in message(lambda: search("x", Hub(url)), "settings")


def test_an_endpoints_password_is_not_shown() -> None:
    with dead_port() as url:
        secret = Hub(url.replace("//", "//user:pass@"))
        assert "pass" not in message(lambda: search("x", secret))


# ------------------------------------------------------------------ the token


def test_the_token_is_the_librarys_and_stays_with_the_hub(
    server: FakeHub, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", server.token)
    server.add("o/private", {"m.gguf": b"GGUF"}, private=True)
    assert repository("o/private", hub).private
    ask_facts(hub, "o/private", "m.gguf")
    assert [r.headers.get("authorization") for r in server.requests] == [
        f"Bearer {server.token}"
    ] * 2
    server.fail(path="/api/", redirect=f"{server.address('cdn')}/bytes/o/private/m.gguf")
    message(lambda: repository("o/private", hub))
    assert "authorization" not in server.asked("cdn")[0].headers


@pytest.mark.parametrize("token", ["hf_wrongwrongwrong", "hf_wr\u00f6ng", "hf_\x01wrong"])
def test_a_token_that_is_wrong_is_not_repeated(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    for work in (
        lambda: repository(REPO, hub),
        lambda: ask_facts(hub, REPO, FILE),
    ):
        with pytest.raises(SpecdecError) as caught:
            work()
        assert "oken" in caught.value.message.lower() or "TOKEN" in caught.value.message
        assert "wr" not in caught.value.message
        assert caught.value.__suppress_context__


def test_nothing_but_the_question_is_sent(server: FakeHub, hub: Hub) -> None:
    """huggingface_hub would first ask for a list of programs that run it, and name one of them."""
    ask_json(hub, "/api/models", {})
    assert constants.HF_HUB_DISABLE_TELEMETRY and constants.HF_HUB_DISABLE_XET
    assert [r.path for r in server.requests] == ["/api/models"]
    assert "agent/" not in server.requests[0].headers["user-agent"]
    assert server.requests[0].headers["user-agent"].startswith("specdec-tui/")
