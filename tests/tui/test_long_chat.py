"""Thousands of messages: what is seen is laid out, and the reader keeps the place."""

from __future__ import annotations

from textual.pilot import Pilot

from tests.perf.long_chat import conversation
from tests.support.pilot import wait_until
from tests.tui.conftest import Start
from tui.app import SpecdecApp
from tui.archived import Archived
from tui.message_lines import MessageLines
from tui.widgets.archive import Archive
from tui.widgets.message_view import MessageView

N_MESSAGES = 2000


def messages(n: int = N_MESSAGES) -> list[MessageLines]:
    return [MessageLines(role, text) for role, text in conversation(n)]


def screen_text(app: SpecdecApp) -> list[str]:
    """The lines of the chat as they are painted."""
    region = app.chat.content_region
    strips = app.screen._compositor.render_strips()[region.y : region.bottom]
    return [strip.text[region.x : region.right - 1].rstrip() for strip in strips]


def top_line(app: SpecdecApp) -> str:
    return next(line for line in screen_text(app) if line)


async def opened(app: SpecdecApp, pilot: Pilot[None]) -> Archived:
    await app.chat.show_all(messages())
    await wait_until(pilot, lambda: app.chat.max_scroll_y > 10 * N_MESSAGES)
    archived = app.query_one(Archive).archived
    assert archived is not None
    return archived


async def test_opening_lays_out_the_end_only_and_shows_it(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        archived = await opened(app, pilot)
        assert len(archived._measured) < 20
        assert app.chat.following and app.chat.scroll_y == app.chat.max_scroll_y
        last = app.query(MessageView).last()
        assert screen_text(app)[-2].strip() == last.build(last.size.width)[-1].plain.strip()


async def test_paging_up_shows_each_line_once_and_skips_none(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        archived = await opened(app, pilot)
        pages: list[list[str]] = [screen_text(app)]
        for _ in range(12):
            await pilot.press("pageup")
            await pilot.pause()
            pages.append(screen_text(app))
        assert all(len(page) == app.chat.size.height for page in pages)
        seen = [line for page in reversed(pages) for line in page]
        views = [line for view in app.query(MessageView) for line in [*view._built, None]]
        whole = [*archived[-len(seen) :], *views]
        expected = [" " + line.plain.rstrip() if line and line.plain else "" for line in whole]
        assert seen == expected[-len(seen) :]


async def test_the_place_in_an_old_message_outlives_any_resize(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await opened(app, pilot)
        for _ in range(9):
            await pilot.press("pageup")
        await pilot.pause()
        place = app.chat._place
        assert place is not None
        before = top_line(app)
        for size in ((80, 24), (160, 50), (60, 20), (120, 34)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert app.chat._place and app.chat._place.index == place.index
        assert top_line(app) == before


async def test_the_beginning_is_shown_whole(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("ctrl+home")
        await wait_until(pilot, lambda: app.chat.scroll_y == 0)
        await pilot.pause()
        width = app.query_one(Archive).width
        expected: list[str] = []
        for message in messages(4):
            expected += [*(line.plain.rstrip() for line in message.lines(width)), ""]
        shown = [line.removeprefix(" ") for line in screen_text(app)]
        assert shown == expected[: len(shown)]
