"""Lists: what is cut, what stands near what, and what is seen when one is opened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.chats.store import Listed
from tests.support import model_scenes as models
from tests.support.chat_scenes import LONG_AGO
from tests.support.pilot import wait_until
from tests.support.still_app import StillApp, go
from tui.screens.downloads import DownloadsScreen
from tui.screens.drafts import DraftDetails
from tui.screens.help import here_entries
from tui.screens.reading import Page
from tui.slash import all_commands, suggestions
from tui.widgets.chat_list import ChatList
from tui.widgets.completions import Completions
from tui.widgets.draft_table import MOST_NAME, Columns
from tui.widgets.key_hints import KeyHints
from tui.widgets.setting_list import SettingList

TITLE = "Plan a week of dinners for four people, two of whom eat no"


@pytest.mark.parametrize(("ending", "whole"), [("stop", True), ("interrupted", False)])
def test_the_title_of_a_chat_is_cut_only_for_what_stands_beside_it(
    ending: str, whole: bool
) -> None:
    chats = ChatList()
    chats._rows = (Listed(1, TITLE, LONG_AGO, 12, ending, ""),)  # type: ignore[arg-type]
    (row,) = chats.row(0, 78)
    assert row.cell_length == 78 and row.plain.endswith("12  2025-02-19")
    assert (TITLE in row.plain) == whole and ("interrupted" in row.plain) != whole


def test_on_a_wide_screen_the_columns_of_a_draft_stay_near_its_name() -> None:
    assert Columns(158).name_cells == MOST_NAME
    assert Columns(78).name_cells < MOST_NAME


async def test_a_list_opened_at_a_row_shows_what_stands_above_it() -> None:
    app = StillApp("specdec-dark")
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: app.dialogue.state.target is not None)
        app.open_settings("temperature")
        await wait_until(pilot, lambda: app.screen.query(SettingList))
        settings = app.screen.query_one(SettingList)
        await wait_until(pilot, lambda: settings.size.height)
        await pilot.pause()
        shown = [line.plain.split()[0] for line in settings.build(settings.size.width)]
        assert shown.index("temperature") > shown.index("replies")


async def test_where_a_download_lies_is_said_in_full() -> None:
    app = StillApp("specdec-dark")
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: app.dialogue.state.target is not None)
        await go(app, pilot, (models.fetch, "down"))
        assert isinstance(app.screen, DownloadsScreen)
        item = app.fetcher.downloads.items[1]
        said = app.screen.query_one(KeyHints).said
        assert item.status == "done" and said == item.path


def test_what_commands_do_is_not_cut_for_the_sake_of_a_long_one() -> None:
    completions = Completions(lambda text: (suggestions(text, all_commands(), {}), False))
    completions.follow("/")
    shown = [line.plain for line in completions.build(78)]
    assert any("search, open, rename, delete, export, import" in line for line in shown)
    assert len({line.index(line.split()[1]) for line in shown}) == 1, "one column"


async def test_a_page_leaves_a_blank_before_its_scrollbar() -> None:
    app = StillApp("specdec-dark")
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: app.dialogue.state.target is not None)
        await go(app, pilot, ("f1",))
        page = app.screen.query_one(Page)
        assert page.parent is not None and page.size.width < page.region.width


def test_a_few_commands_stand_in_one_column_with_what_may_follow_them() -> None:
    completions = Completions(lambda text: (suggestions(text, all_commands(), {}), False))
    completions.follow("/draft")
    shown = [line.plain for line in completions.build(78)]
    helps = [entry.help for entry in completions._all]
    assert len({line.index(text) for line, text in zip(shown, helps, strict=True)}) == 1


async def test_what_is_wrong_with_a_download_is_not_said_twice() -> None:
    app = StillApp("specdec-dark")
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: app.dialogue.state.target is not None)
        await go(app, pilot, (models.fetch, "down", "down", "down"))
        item = app.fetcher.downloads.items[3]
        hints = app.screen.query_one(KeyHints)
        assert item.status == "failed" and item.note and not hints.said
        app.fetcher.downloads.items = (replace(item, note=item.note + " more" * 20),)
        await wait_until(pilot, lambda: hints.said.endswith(" more"))


async def test_of_a_draft_that_is_too_large_the_memory_is_said_once() -> None:
    app = StillApp("specdec-dark")
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: app.dialogue.state.target is not None)
        await go(app, pilot, (models.list_drafts, "down", "down"))
        details = app.screen.query_one(DraftDetails)
        shown = " ".join(line.plain for line in details.build(78))
        assert "draft-32b" in shown and shown.count("too much") == 1


async def test_help_begins_every_meaning_alike() -> None:
    app = StillApp("specdec-dark")
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: app.dialogue.state.target is not None)
        await go(app, pilot, (models.browse,))
        texts = here_entries(app.screen).values()
        assert texts and all(text[0].isupper() or not text[0].isalpha() for text in texts)
