"""The drafts judged: what the list says of each, and how one is chosen from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.configuration import load_settings
from core.models.records import LOOKUP as LOOKUP_RECORD
from core.models.records import record_reply
from core.protocol import DeviceMemory, ReplyStats
from core.settings import Settings
from tests.support.pilot import wait_until
from tests.tui.conftest import Start
from tui.choices import Offer, chosen_offer, with_drafts_found
from tui.judging import DraftRow, devices_now, expected, facts, judge, rows
from tui.screens.drafts import DraftsScreen
from tui.widgets.draft_table import Columns, DraftTable

GIB = 2**30
STATS = ReplyStats(
    n_tokens=100, n_drafted=80, n_accepted=60, decode_tok_s=200.0, baseline_tok_s=100.0
)


@pytest.fixture
def settings(models: Path) -> Settings:
    return load_settings({"target": str(models / "target.gguf"), "threads": 1})


@pytest.fixture
def offer(settings: Settings) -> Offer:
    return with_drafts_found(chosen_offer(settings), settings)


def names(listed: tuple[DraftRow, ...]) -> list[tuple[int, str]]:
    return [(row.number, row.option.name) for row in listed]


def sentences(row: DraftRow) -> str:
    return " ".join(value for _, value, _ in facts(row, None))


def test_all_models_here_are_judged_and_those_that_do_not_fit_come_last(
    offer: Offer, settings: Settings
) -> None:
    assert names(rows(offer, None)) == [
        (1, "none"),
        (2, "prompt lookup"),
        (3, "draft"),
        (0, "other"),
    ]
    judged = rows(offer, judge(offer.target, "", [], settings))
    assert names(judged)[:4] == [(1, "none"), (2, "prompt lookup"), (3, "draft"), (0, "other")]
    assert sorted(row.option.name for row in judged[4:]) == ["demo", "demo-draft"]
    assert [row.usable for row in judged] == [True] * 3 + [False] * 3
    assert "fits;" in sentences(judged[2]) and "in main memory" in sentences(judged[2])
    assert "does not fit: vocabularies differ by" in sentences(judged[3])


def test_what_was_measured_counts_over_what_is_predicted(
    offer: Offer, settings: Settings, models: Path
) -> None:
    def shown() -> list[tuple[str, str]]:
        judged = rows(offer, judge(offer.target, "", [], settings))
        return [
            expected(row.record, row.advice.prediction if row.advice else None)
            for row in judged[:3]
        ]

    (none, lookup, draft) = shown()
    assert (none, lookup) == (("", ""), ("", "")) and draft[1] == "predicted"
    for used in (LOOKUP_RECORD, models / "draft.gguf"):
        record_reply(Path(offer.target), used, STATS)
    assert shown() == [("", ""), ("2.00×", "measured"), ("2.00×", "measured")]


def test_a_draft_beyond_those_on_offer_is_listed_without_a_number(
    offer: Offer, settings: Settings
) -> None:
    fewer = replace(offer, drafts=offer.drafts[:2])
    judged = rows(fewer, judge(offer.target, "", [], settings))
    assert names(judged)[:3] == [(1, "none"), (2, "prompt lookup"), (0, "draft")]


def test_a_draft_under_another_name_is_the_same_draft(
    offer: Offer, settings: Settings, models: Path, tmp_path: Path
) -> None:
    (tmp_path / "link.gguf").symlink_to(models / "draft.gguf")
    own = load_settings({"target": offer.target, "draft": str(tmp_path / "link.gguf")})
    judged = rows(chosen_offer(own), judge(offer.target, "", [], settings))
    assert [row.option.name for row in judged].count("draft") == 0
    assert judged[2].advice is not None


def test_a_target_that_is_gone_has_its_problem_said(settings: Settings, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.gguf")
    assert "no such file" in judge(gone, "", [], settings).problem


def test_the_devices_are_what_the_engine_last_said_of_them() -> None:
    said = [
        DeviceMemory(name="CPU", used=GIB, total=8 * GIB),
        DeviceMemory(name="CUDA0", used=2 * GIB, total=3 * GIB),
        DeviceMemory(name="Vulkan0", used=0, total=0),
    ]
    assert [(d.name, d.type, d.free) for d in devices_now(said)[1:]] == [
        ("CUDA0", "GPU", GIB),
        ("Vulkan0", "GPU", None),
    ]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (158, ("weights", "file", "memory", "speed-up", "tok/s", "chat", "accepted")),
        (78, ("speed-up", "tok/s", "chat", "accepted")),
        (46, ("speed-up",)),
        (20, ()),
    ],
)
def test_where_it_is_narrow_the_less_telling_columns_go(width: int, shown: tuple[str, ...]) -> None:
    assert Columns(width).shown == shown


async def test_the_list_says_why_a_draft_cannot_be_chosen_and_takes_one_that_can(
    start: Start,
) -> None:
    async with start(draft="none") as (app, pilot):
        await wait_until(pilot, lambda: len(app.dialogue.offer.drafts) == 4)
        await pilot.press("f3")
        screen = app.screen
        assert isinstance(screen, DraftsScreen)
        table = screen.query_one(DraftTable)
        assert table.highlighted and table.highlighted.option.kind == "none"
        await wait_until(pilot, lambda: table.count() == 6)
        await pilot.press("G", "enter")
        assert app.screen is screen
        assert "does not fit: vocabularies differ" in screen._hints.said
        await pilot.press("g", "j", "j", "enter")
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use.endswith("draft.gguf"))
