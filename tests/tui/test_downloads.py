"""The queue of downloads by value: what a key and a thread's report make of it."""

from __future__ import annotations

from dataclasses import replace

from core.models.hub import FileChoice, RemoteFile
from core.models.progress import Progress
from tui.downloads import Downloads, Request, arrival, mark, standing, summary
from tui.figures import duration


def request(name: str, draft_for: str = "") -> Request:
    return Request("o/r", FileChoice(name, "Q8_0", (RemoteFile(f"{name}.gguf", 100),)), draft_for)


def queue(*names: str) -> Downloads:
    downloads = Downloads()
    for name in names:
        assert downloads.add(request(name))
    return downloads


def states(downloads: Downloads) -> list[str]:
    return [item.status for item in downloads.items]


A, B = "o/r/a", "o/r/b"


def test_one_runs_at_a_time_and_the_next_begins_when_it_has_ended() -> None:
    downloads = queue("a", "b")
    first = downloads.next()
    assert first and first.key == A and downloads.next() is None
    downloads.ended(A, path="/m/a.gguf")
    second = downloads.next()
    assert second and second.key == B
    assert states(downloads) == ["done", "running"]


def test_a_paused_one_lets_the_next_begin_only_when_its_thread_has_ended() -> None:
    downloads = queue("a", "b")
    downloads.next()
    downloads.pause(A)
    assert states(downloads) == ["paused", "waiting"] and downloads.next() is None
    downloads.ended(A)
    assert downloads.next()
    downloads.ended(B, path="/m/b.gguf")
    assert downloads.next() is None, "a paused one does not begin by itself"
    downloads.resume(A)
    assert downloads.next() and states(downloads) == ["running", "done"]


def test_one_resumed_before_its_thread_has_ended_waits_for_it() -> None:
    downloads = queue("a")
    downloads.next()
    downloads.pause(A)
    downloads.resume(A)
    assert downloads.next() is None
    downloads.ended(A)
    assert downloads.next() and states(downloads) == ["running"]


def test_a_cancelled_one_begins_anew_and_goes_from_the_list_at_the_second_time() -> None:
    downloads = queue("a")
    downloads.next()
    downloads.progressed(A, Progress("downloading", done=2048, total=4096))
    downloads.cancel(A)
    downloads.ended(A)
    assert standing(downloads.items[0]) == "cancelled" and downloads.items[0].share is None
    downloads.cancel(A)
    assert downloads.items == ()


def test_a_draft_is_checked_first_and_one_that_does_not_fit_is_not_fetched() -> None:
    downloads = Downloads()
    downloads.add(request("a", draft_for="/m/target.gguf"))
    assert downloads.next() is None and states(downloads) == ["checking"]
    downloads.judged(A, "token 3 differs.")
    assert downloads.next() is None and standing(downloads.items[0]) == "token 3 differs."
    named = replace(downloads.items[0].request.choice, name="org/\x1b[2Ja")
    hostile = replace(downloads.items[0], request=Request("org/a", named))
    assert arrival(hostile, str) == "a was not fetched. token 3 differs."
    assert arrival(downloads.items[0], str) == "a was not fetched. token 3 differs."
    downloads.resume(A)
    assert states(downloads) == ["checking"], "it is not fetched unchecked at the second time"
    downloads.judged(A, "")
    assert downloads.next()


def test_what_is_on_its_way_or_here_is_not_asked_for_twice() -> None:
    downloads = queue("a")
    assert not downloads.add(request("a"))
    downloads.next()
    downloads.ended(A, problem="The line broke.")
    assert downloads.add(request("a")) and states(downloads) == ["waiting"]


def test_the_title_says_how_far_the_running_one_is() -> None:
    downloads = queue("a", "b")
    assert summary(downloads) == ""
    downloads.next()
    assert summary(downloads) == "fetching · 1 more"
    downloads.progressed(
        A, Progress("downloading", done=41 * 2**20, total=100 * 2**20, rate=2**20, remaining_s=59)
    )
    assert summary(downloads) == "fetching 41% · 1 more"
    assert standing(downloads.items[0]) == "41% of 100 MiB · 1 MiB/s · 0:59 left"
    assert [mark(item) for item in downloads.items] == ["41%", "waiting"]
    downloads.pause(A)
    assert summary(downloads) == ""


def test_times_read_as_people_say_them() -> None:
    assert [duration(s) for s in (9, 750, 11_100)] == ["0:09", "12:30", "3 h 05"]
