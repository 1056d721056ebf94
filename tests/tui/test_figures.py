"""Numbers as the screen shows them."""

from __future__ import annotations

import pytest

from core.protocol import ReplyStats
from tui import figures
from tui.replies import shortened
from tui.state import EngineState
from tui.widgets.rate_graph import columns
from tui.widgets.stats_bar import SEPARATOR, fields, fitting


def test_what_is_not_measured_is_a_dash() -> None:
    texts = [
        figures.rate(None),
        figures.speedup(None),
        figures.percent(None),
        figures.per_round(None),
        figures.seconds(None),
    ]
    assert texts == ["–"] * 5


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (512, "512"), (2100, "2.1k"), (2048, "2k"), (16384, "16k"), (131072, "128k")],
)
def test_tokens(count: int, text: str) -> None:
    assert figures.tokens(count) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        *((0, "0"), (999, "999"), (1_000, "1.0k"), (1_235_000, "1.2M"), (99_960_000, "100M")),
        *((494_000_000, "494M"), (999_600_000, "1.0B"), (14_770_000_000, "14.8B")),
    ],
)
def test_parameters(count: int, text: str) -> None:
    assert figures.parameters(count) == text


def test_seconds_rates_and_counts() -> None:
    assert figures.seconds(0.021) == "21 ms" and figures.seconds(0.2149) == "0.21 s"
    assert figures.seconds(9.99) == "9.99 s" and figures.seconds(61.25) == "61.2 s"
    assert figures.rate(5.66) == "5.7" and figures.rate(1234.5) == "1,234"
    assert figures.count(1, "token") == "1 token" and figures.count(1200, "token") == "1,200 tokens"


def test_bars_fill_in_half_cells() -> None:
    assert [figures.bar(share, 4) for share in (0, 0.5, 0.6, 1, 7)] == [
        "",
        "━━",
        "━━╸",
        "━━━━",
        "━━━━",
    ]


def test_the_scale_of_the_graph_is_fixed_at_round_numbers() -> None:
    assert [figures.ceiling(value) for value in (0, 10, 11, 142, 500, 501)] == [
        10,
        10,
        20,
        200,
        500,
        1000,
    ]


def test_memory_is_in_the_unit_of_the_whole() -> None:
    assert figures.memory(19_756_849_562, 24 * 2**30) == "18.4/24 GiB"
    assert figures.memory(2**29, 4 * 2**30) == "0.5/4.0 GiB"
    assert figures.memory(100 * 2**20, 512 * 2**20) == "100.0/512 MiB"


def test_columns_are_drawn_from_the_bottom_with_the_newest_at_the_right() -> None:
    assert columns([5, 10], 4, 2, 10) == ["   █", "  ██"]
    assert columns([0.0], 2, 1, 10) == [" ▁"], "little is not nothing"


@pytest.mark.parametrize("width", [0, 5, 20, 40, 78, 118, 158, 300])
def test_the_bar_fits_and_keeps_what_matters(width: int) -> None:
    chosen = fitting(fields(EngineState()), width)
    needed = sum(field.width for field in chosen) + len(SEPARATOR) * (len(chosen) - 1)
    assert needed <= width or len(chosen) == 1
    assert chosen[0].rank == 0
    if width >= 78:
        assert {0, 1, 2, 3, 4} <= {field.rank for field in chosen}


def test_at_80_columns_the_bar_has_the_essentials_and_at_200_all() -> None:
    every = fields(EngineState(reason="paused: would run at 0.91×", paused=True))
    essential = " ".join(field.text for field in fitting(every, 78))
    assert all(part in essential for part in ("tok/s", "accepted", "ctx", figures.DASH))
    assert fitting(every, 198) == every
    all_of_it = " ".join(field.text for field in every)
    for part in ("first token", "a round", "target alone", "prefill", "would run at 0.91×"):
        assert part in all_of_it


def test_large_figures_are_not_cut() -> None:
    stats = ReplyStats(
        n_drafted=10_000,
        n_accepted=10_000,
        acceptance_rate=1.0,
        ttft_s=100.0,
        decode_tok_s=9_999.0,
        prefill_tok_s=99_999.0,
        baseline_tok_s=9_999.0,
        tokens_per_round=16.0,
        speedup=12.34,
    )
    every = fields(EngineState(stats=stats, reason="paused: would run at 0.91×", paused=True))
    assert [field.text for field in every if len(field.text) > field.width] == []


def test_a_draft_that_does_not_help_is_amber_and_one_that_does_is_not() -> None:
    def style(speedup: float | None) -> str:
        state = EngineState(stats=ReplyStats(speedup=speedup))
        return next(f.style for f in fields(state) if f.text.strip() == figures.speedup(speedup))

    assert "$notice" in style(0.91) and "$accepted" in style(1.9)
    assert "$muted" in style(None), "not measured is no success"


def test_the_summary_of_a_reply_is_shortened_to_what_fits() -> None:
    parts = ["length limit", "40 tokens", "1,843 tok/s", "0.37×"]
    assert shortened(parts, 80) == "length limit · 40 tokens · 1,843 tok/s · 0.37×"
    assert shortened(parts, 35) == "length limit · 40 tokens · 0.37×"
    assert shortened(parts, 20) == "length limit · 0.37×"
    assert shortened(parts, 12) == "length limit"
    assert shortened(parts, 3) == ""
