"""X-ray in the app: what it shows, how the cursor moves, what it says where nothing is known."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain

import pytest
from textual.pilot import Pilot

from core.protocol import ReplyStats
from tests.support.pilot import wait_until
from tests.support.traces import round_of, trace_of
from tests.tui.conftest import Start
from tui.app import SpecdecApp
from tui.conversation import Turn
from tui.screens.xray import EMPTY, UNKNOWN, Given, XrayScreen
from tui.token_looks import LOOKS
from tui.trace import Trace
from tui.widgets.divider import Divider
from tui.widgets.stats_bar import StatsBar
from tui.widgets.token_view import TokenView
from tui.xray_lines import check_line, legend, token_lines

LONG = 6000
WORDS = ["The", " cat", " dog", " sat", " on", "\n", " mat", "."]


@pytest.fixture
def trace() -> Trace:
    """`The cat`: dog and sat were rejected for cat; `on` alone; newline and mat, then a bonus."""
    rounds = [
        round_of([0], 1, [2, 3], p=0.5),
        round_of((), 4),
        round_of([5, 6], 7, drafter="prompt lookup", p=None),
    ]
    return trace_of(rounds, WORDS)


def said(app: SpecdecApp, id: str) -> str:
    return "\n".join(line.plain for line in app.screen.query_one(f"#{id}", Given).build(120))


async def opened(app: SpecdecApp, pilot: Pilot[None]) -> TokenView:
    await pilot.press("f4")
    await wait_until(pilot, lambda: isinstance(app.screen, XrayScreen))
    return app.screen.query_one(TokenView)


async def with_turn(app: SpecdecApp, pilot: Pilot[None], turn: Turn) -> TokenView:
    app.dialogue.conversation.turns.append(turn)
    view = await opened(app, pilot)
    await wait_until(pilot, lambda: view.n_tokens or turn.trace is None)
    return view


async def test_the_title_is_not_cut_at_80_columns(start: Start, trace: Trace) -> None:
    trace.n_before = 4
    async with start(loaded=False, size=(80, 24)) as (app, pilot):
        await with_turn(app, pilot, Turn("What is the history of lighthouses?", trace=trace))
        title = app.screen.query_one("#title", Given)
        for width in (78, 60, 50):
            text = title.build(width)[0].plain
            assert len(text) <= width and "continued" in text.partition("What")[0]
        assert "  from where it was continued" in title.build(120)[0].plain
        assert title.build(120)[0].plain.endswith("lighthouses?")
        assert title.build(32)[0].plain == "X-ray  the reply  being written"
        app.dialogue.conversation.turns[0].finish_reason = "stop"
        assert title.build(32)[0].plain == "X-ray  the reply  continued"


# ------------------------------------------------------------------ what is said


def test_each_way_in_which_a_token_came_is_told_in_words(trace: Trace) -> None:
    told = [token_lines(trace, index, False)[0].plain for index in range(trace.n_tokens)]
    assert told == [
        '"The"  accepted: small proposed it, 50% sure, as 1 of 3',
        '" cat"  corrected: the target\'s own, in place of " dog" (small, 25% sure)',
        '" on"  the target alone: nothing was proposed',
        '"↵"  accepted: prompt lookup proposed it, as 1 of 2',
        '" mat"  accepted: prompt lookup proposed it, as 2 of 2',
        '"."  bonus: the target\'s own, after all 2 proposals held',
    ]
    *_, place, round_, rejected = (line.plain for line in token_lines(trace, 1, False))
    assert place == "token 2 of 6 · id 1 · bytes 20 63 61 74"
    assert round_ == "round 1/3 · accepted 1/3 · draft 1.0 ms · target 2.0 ms · by small"
    assert rejected.split() == ["rejected", '"', 'dog"', "25%", '"', 'sat"', "25%"]
    assert "not part of the text" in token_lines(trace, 5, True)[1].plain


def test_the_legend_counts_by_drafter_and_the_sum_is_held_against_the_engines(
    trace: Trace,
) -> None:
    text = " ".join(line.plain for line in legend(trace, 60, True))
    found = re.sub(r"\s+", " ", text)
    assert found.strip() == (
        "accepted, small 1 accepted, prompt lookup 2 corrected 1 bonus 1 the target alone 1 "
        "«rejected» 2"
    )
    stats = ReplyStats(n_tokens=6, n_rounds=3, n_drafted=5, n_accepted=3)
    same = check_line(trace.counts, stats).plain
    assert same == "6 tokens in 3 rounds, accepted 3/5 60%  as the engine counted"
    other = check_line(trace.counts, replace(stats, n_accepted=4)).plain
    assert "but the engine counted 6 tokens in 3 rounds, accepted 4/5" in other


def test_no_two_ways_are_told_apart_by_colour_alone() -> None:
    own = [" ".join(w for w in look.split() if not w.startswith("$")) for look in LOOKS.values()]
    assert len(set(own)) == len(own) - 1, "the bracket is seen as one"


# ------------------------------------------------------------------ in the app


async def test_the_picture_of_a_reply_equals_the_stats_bar_while_it_streams_and_after(
    start: Start,
) -> None:
    async with start(max_tokens=LONG, temperature=1.0, draft_len=4) as (app, pilot):
        app.ask("tell me of the sea")
        await wait_until(pilot, lambda: app.dialogue.state.stats)
        view = await opened(app, pilot)
        # along with the reply
        await wait_until(pilot, lambda: 40 < view.n_tokens == view.cursor + 1)
        await pilot.press("f2")
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use == "none")
        await pilot.press("home")
        seen = view.n_tokens
        await wait_until(pilot, lambda: view.n_tokens > seen)
        assert view.cursor == 0, "it stays where it was put"
        await app.action_stop()
        await wait_until(pilot, lambda: not app.dialogue.busy)
        turn = app.dialogue.conversation.turns[-1]
        await wait_until(pilot, lambda: turn.stats and view.n_tokens == turn.stats.n_tokens)
        assert turn.stats and view.laid_out
        looks = {s.token: s.look for s in chain(*view.laid_out.rows) if s.is_token}
        accepted = sum(look in ("model", "lookup") for look in looks.values())
        drafted = accepted + sum(s.look == "rejected" for s in chain(*view.laid_out.rows))
        bar = app.screen.query_one(StatsBar)
        await wait_until(pilot, lambda: f"accepted {accepted}/{drafted} " in bar.shown_text)
        assert accepted == turn.stats.n_accepted > 0
        await wait_until(pilot, lambda: "as the engine counted" in said(app, "legend"))
        await pilot.press("escape")
        assert not isinstance(app.screen, XrayScreen)


async def test_keys_move_over_tokens_rows_and_corrections(start: Start, trace: Trace) -> None:
    turn = Turn("hello", "The cat on\n mat", "stop", trace=trace)
    async with start(loaded=False) as (app, pilot):
        view = await with_turn(app, pilot, turn)
        assert view.cursor == 5
        for keys, cursor in (
            ("home", 0), ("right", 1), ("l", 2), ("h", 1), ("down", 5), ("k", 1), ("G", 5),
            ("p", 1), ("n", 1), ("g", 0), ("n", 1), ("left", 0), ("left", 0), ("pagedown", 4),
        ):  # fmt: skip
            await pilot.press(keys)
            assert view.cursor == cursor, keys
        assert '" mat"' in said(app, "token")
        await pilot.click(TokenView, offset=(1, 0))
        assert view.cursor == 0
        before = view.build(80)[0].plain
        await pilot.press("r")
        assert view.build(80)[0].plain == before.replace("« dog sat»", "")
        assert "(hidden)" in said(app, "legend")
        assert view.left_out(5) and not view.left_out(4)


async def test_other_replies_are_a_key_away_and_one_that_was_not_seen_says_so(
    start: Start, trace: Trace
) -> None:
    async with start(loaded=False) as (app, pilot):
        await pilot.press("f4")
        assert app.query_one(Divider).hint == "there is no reply to look into yet"
        app.dialogue.conversation.turns.append(Turn("before", "long ago", "stop"))
        view = await with_turn(app, pilot, Turn("hello", "The cat on\n mat.", "stop", trace=trace))
        assert said(app, "title").startswith("X-ray  reply 2 of 2")
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert said(app, "title").startswith("X-ray  reply 1 of 2")
        assert said(app, "legend") == UNKNOWN and view.n_tokens == 0
        narrow = app.screen.query_one("#legend", Given).build(40)
        assert " ".join(line.plain.strip() for line in narrow) == UNKNOWN, "nothing is cut"
        await pilot.press("right", "n", "r", "down", "right_square_bracket")
        await wait_until(pilot, lambda: view.n_tokens == 6)
        trace.n_before = len("Once ")
        app.dialogue.conversation.turns[-1].reply = "Once The cat on\n mat"
        await wait_until(pilot, lambda: view.left_out(5) and not view.left_out(4))
        assert "from where it was continued" in said(app, "title")
        app.dialogue.conversation.turns[-1] = Turn("hello")  # it is answered again
        await wait_until(pilot, lambda: said(app, "legend") == EMPTY)
        app.dialogue.new_chat()
        view.post_message(TokenView.Moved())  # it did, a moment before
        await wait_until(pilot, lambda: not isinstance(app.screen, XrayScreen))


async def test_it_opens_where_there_is_no_room_and_follows_the_terminals_size(
    start: Start, trace: Trace
) -> None:
    async with start(size=(1, 1), loaded=False) as (app, pilot):
        app.dialogue.conversation.turns.append(
            Turn("hello", "The cat on\n mat.", "stop", trace=trace)
        )
        view = await opened(app, pilot)
        for width, height in ((10, 4), (200, 60), (80, 24)):
            await pilot.resize_terminal(width, height)
            await wait_until(
                pilot, lambda: view.laid_out and view.laid_out.width == view.size.width
            )
            await pilot.press("right", "r", "r", "home")
            assert view.n_tokens == 6 and view.cursor == 0
            assert view.build(width)[0].plain.startswith("The")
        assert view.build(78)[0].plain == "The« dog sat» cat on↵"
