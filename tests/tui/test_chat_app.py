"""The app with a real engine process: asking, streaming, stopping, exchanging the draft."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

from textual import events
from textual.pilot import Pilot
from textual.widget import Widget

from core.protocol import Failed
from tests.support.pilot import type_text, wait_until
from tests.support.still_app import StillApp
from tests.tui.conftest import Start
from tui.app import SpecdecApp
from tui.choices import MOST_DRAFTS, DraftOption
from tui.effects import BUSY
from tui.experiment import ENOUGH
from tui.scores import Scores
from tui.widgets.archive import Archive
from tui.widgets.chat_view import FEWEST_VIEWS, MOST_VIEWS, ChatView
from tui.widgets.composer import Composer
from tui.widgets.divider import Divider
from tui.widgets.draft_list import DraftList
from tui.widgets.message_view import MessageView
from tui.widgets.panel import Panel, RateTitle
from tui.widgets.position_bars import PositionBars
from tui.widgets.rate_graph import RateGraph
from tui.widgets.stats_bar import StatsBar
from tui.widgets.target_card import TargetCard
from tui.widgets.title_bar import TitleBar

LONG = 6000


async def ask(app: SpecdecApp, pilot: Pilot[None], text: str = "tell me of the sea") -> MessageView:
    """Send `text`; the view of the reply that begins."""
    asked = len(app.dialogue.conversation.turns)
    app.query_one(Composer).text = text
    await pilot.press("enter")
    await wait_until(pilot, lambda: len(app.dialogue.conversation.turns) > asked)
    await wait_until(pilot, lambda: app.dialogue.state.stats or not app.dialogue.busy)
    return app.query(MessageView).last()


async def finished(app: SpecdecApp, pilot: Pilot[None]) -> None:
    await wait_until(pilot, lambda: not app.dialogue.busy)


def enough(scores: Scores, key: str) -> bool:
    return key in scores.by_draft and scores.by_draft[key].n_tokens >= ENOUGH


def replies(app: SpecdecApp) -> list[str]:
    return [view.text for view in app.query(MessageView) if view.role == "assistant"]


async def test_first_frame_needs_no_model(start: Start) -> None:
    async with start(target="/nowhere/model.gguf", loaded=False) as (app, pilot):
        assert "model" in app.query_one(TitleBar).build(80)[0].plain
        assert app.focused is app.query_one(Composer)
        await wait_until(pilot, lambda: app.query(MessageView))
        note = app.query(MessageView).last()
        assert note.role == "note" and "/nowhere/model.gguf" in note.text
        await type_text(pilot, "hello")
        assert app.query_one(Composer).text == "hello"


async def test_a_reply_streams_in_and_the_bar_shows_its_counts(start: Start) -> None:
    async with start() as (app, pilot):
        await type_text(pilot, "tell me of the sea")
        await pilot.press("enter")
        assert app.query_one(Composer).text == ""
        await finished(app, pilot)
        turn = app.dialogue.conversation.turns[-1]
        assert turn.prompt == "tell me of the sea"
        assert (turn.finish_reason, turn.note) == ("length", "")
        assert turn.stats and turn.reply
        assert replies(app) == [turn.reply]
        bar = app.query_one(StatsBar).shown_text
        assert f"accepted {turn.stats.n_accepted}/{turn.stats.n_drafted}" in bar
        assert f"ctx {app.dialogue.state.n_ctx_used}/8k" in bar
        assert "ready" in bar
        header = app.query(MessageView).last().build(70)[0].plain
        assert "120 tokens" in header and "length limit" in header


async def test_f2_exchanges_the_draft_in_mid_reply_and_the_chat_stays(start: Start) -> None:
    async with start(max_tokens=LONG) as (app, pilot):
        view = await ask(app, pilot)
        begun = view.text
        assert app.dialogue.state.draft_in_use.endswith("draft.gguf")
        await pilot.press("f2")
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use == "none")
        assert app.dialogue.busy
        await pilot.press("f2")
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use == "lookup")
        assert app.dialogue.busy and view.text.startswith(begun)
        assert app.query_one(TitleBar).build(90)[0].plain.count("prompt lookup") == 1
        await pilot.press("escape")
        await finished(app, pilot)
        assert len(app.dialogue.conversation.turns) == 1


async def test_the_draft_list_chooses_by_number_and_by_enter(start: Start) -> None:
    async with start() as (app, pilot):
        await pilot.press("f3", "2")
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use == "lookup")
        await pilot.press("f3", "down", "enter")
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use.endswith("draft.gguf"))
        await pilot.press("f3", "escape")
        assert app.dialogue.state.draft_in_use.endswith("draft.gguf")


async def test_alt_and_a_digit_take_a_draft_and_the_result_is_said(start: Start) -> None:
    async with start(max_tokens=LONG) as (app, pilot):
        await ask(app, pilot)
        scores = app.dialogue.state.scores
        await wait_until(pilot, lambda: enough(scores, app.dialogue.offer.drafts[2].key))
        await pilot.press("alt+2")
        await wait_until(pilot, lambda: app.dialogue.state.draft_in_use == "lookup")
        assert app.dialogue.busy, "in mid-reply"
        await wait_until(pilot, lambda: "before: draft" in app.query_one(Divider).hint)
        assert app.query_one(Divider).hint.startswith("prompt lookup ")
        await wait_until(
            pilot, lambda: "than draft" in app.query_one(DraftList).build(60)[-2].plain
        )
        await pilot.press("escape")
        await finished(app, pilot)
        await pilot.press("alt+8")
        assert app.query_one(Divider).hint == "there is no draft 8; F3 lists them"
        assert app.query_one(Composer).text == ""


async def test_drafts_that_do_not_fit_are_listed_with_the_reason(start: Start) -> None:
    async with start() as (app, pilot):
        await wait_until(pilot, lambda: len(app.dialogue.offer.drafts) == 4)
        other = app.dialogue.offer.drafts[-1]
        assert other.name == "other" and not other.usable and "token" in other.reason
        await pilot.press("f3", "4")
        assert len(app.screen_stack) == 2, "a draft that does not fit cannot be chosen"
        await pilot.press("escape", "alt+4")
        assert app.query_one(Divider).hint.startswith("other does not fit: ")


async def test_a_target_that_begins_without_a_draft_says_which_there_are(start: Start) -> None:
    async with start(draft="auto") as (app, pilot):
        await wait_until(pilot, lambda: app.query_one(Divider).hint)
        said = app.query_one(Divider).hint
        assert said == "nothing is drafted yet: F3 lists 1 model here that could"
        await pilot.press("f2", "f2")
        assert app.query_one(Divider).hint == "draft: draft"
    async with start(draft="none") as (app, pilot):
        await wait_until(pilot, lambda: len(app.dialogue.offer.drafts) == 4)
        await pilot.pause()
        assert not app.query_one(Divider).hint, "none was asked for"


async def test_esc_stops_the_reply_and_keeps_it(start: Start) -> None:
    async with start(max_tokens=LONG) as (app, pilot):
        view = await ask(app, pilot)
        await pilot.press("escape")
        await finished(app, pilot)
        turn = app.dialogue.conversation.turns[-1]
        assert turn.finish_reason == "cancelled" and turn.reply == view.text
        assert view.build(70)[0].plain.split("  ")[-1].strip().startswith("stopped")
        assert "F7 continues it" in app.query_one(Divider).hint


async def test_ctrl_c_takes_the_message_back_and_never_ends_the_app(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        composer = app.query_one(Composer)
        composer.text = "one\ntwo"
        await pilot.press("ctrl+c")
        assert composer.text == "" and "↑ brings" in app.query_one(Divider).hint
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert [note.message for note in app._notifications] == ["Ctrl+Q quits the app."]
        await pilot.press("ctrl+z")
        assert composer.text == "one\ntwo"
        composer.select_all()
        await pilot.press("ctrl+c")
        assert composer.text == "one\ntwo" and app.clipboard == "one\ntwo"


async def test_enter_during_a_reply_keeps_the_text_and_says_so(start: Start) -> None:
    async with start(max_tokens=LONG) as (app, pilot):
        await ask(app, pilot)
        composer = app.query_one(Composer)
        composer.text = "next"
        composer.action_cursor_line_end()
        await pilot.press("ctrl+j", "x", "enter")
        assert app.dialogue.busy and composer.text == "next\nx"
        assert app.query_one(Divider).hint == BUSY.replace("{stop}", "Esc")
        await pilot.press("escape")
        await finished(app, pilot)
        await pilot.press("enter")
        await wait_until(pilot, lambda: len(app.dialogue.conversation.turns) == 2)
        assert app.dialogue.conversation.turns[-1].prompt == "next\nx"


async def test_a_message_sent_while_loading_is_answered_when_loaded(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        await type_text(pilot, "hello")
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.dialogue.conversation.turns)
        await finished(app, pilot)
        assert app.dialogue.conversation.turns[-1].reply


async def test_an_engine_killed_in_mid_reply_comes_back_with_the_next_message(
    start: Start,
) -> None:
    async with start(max_tokens=LONG) as (app, pilot):
        view = await ask(app, pilot)
        assert app.engine.pid
        os.kill(app.engine.pid, signal.SIGKILL)
        await finished(app, pilot)
        turn = app.dialogue.conversation.turns[-1]
        assert turn.finish_reason == "error" and turn.reply
        header, *_, note = [line.plain for line in view.build(200)]
        assert header.rstrip().split("   ")[-1].strip().startswith("interrupted")
        assert "SIGKILL" in note
        app.dialogue.settings = replace(app.dialogue.settings, max_tokens=20)
        await ask(app, pilot, "go on")
        await finished(app, pilot)
        last = app.dialogue.conversation.turns[-1]
        assert (last.finish_reason, last.note) == ("length", "")
        assert app.dialogue.state.draft_in_use.endswith("draft.gguf")


async def test_a_reply_goes_on_while_the_terminal_is_resized(start: Start) -> None:
    async with start(size=(80, 24), max_tokens=LONG) as (app, pilot):
        view = await ask(app, pilot)
        for size in ((200, 60), (20, 8), (80, 24), (200, 60)):
            before = len(view.text)
            await pilot.resize_terminal(*size)
            await wait_until(pilot, lambda n=before: len(view.text) > n or not app.dialogue.busy)
        await pilot.press("escape")
        await finished(app, pilot)
        assert view.text == app.dialogue.conversation.turns[-1].reply


async def test_the_reader_keeps_the_place_while_text_streams_in(start: Start) -> None:
    async with start(size=(80, 24), max_tokens=LONG) as (app, pilot):
        view = await ask(app, pilot)
        chat = app.query_one(ChatView)
        # follows the reply at first
        await wait_until(pilot, lambda: 40 < chat.max_scroll_y == chat.scroll_y)
        await pilot.press("pageup")
        await wait_until(pilot, lambda: not chat.following and chat.scroll_y < chat.max_scroll_y)
        place, length = chat.scroll_y, len(view.text)
        await wait_until(pilot, lambda: len(view.text) > length + 200)
        assert chat.scroll_y == place
        await pilot.press("ctrl+end")
        await wait_until(pilot, lambda: chat.following)
        length = len(view.text)
        await wait_until(pilot, lambda: len(view.text) > length + 200)
        await wait_until(pilot, lambda: chat.scroll_y == chat.max_scroll_y)  # follows again
        await pilot.press("escape")
        await finished(app, pilot)


async def test_regenerate_answers_the_last_message_again(start: Start) -> None:
    async with start(max_tokens=20) as (app, pilot):
        await ask(app, pilot)
        await finished(app, pilot)
        first, old_turn = replies(app), app.dialogue.conversation.turns[-1]
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: app.dialogue.conversation.turns[-1] is not old_turn)
        await finished(app, pilot)
        assert replies(app) == first, "greedy text is the same again"
        assert len(app.dialogue.conversation.turns) == 1


async def test_a_new_chat_is_empty_and_keeps_the_models(start: Start) -> None:
    async with start(max_tokens=LONG) as (app, pilot):
        await ask(app, pilot)
        await pilot.press("ctrl+n")
        assert not app.query(MessageView) and not app.dialogue.busy
        app.dialogue.settings = replace(app.dialogue.settings, max_tokens=20)
        await ask(app, pilot, "anew")
        await finished(app, pilot)
        assert [turn.prompt for turn in app.dialogue.conversation.turns] == ["anew"]
        assert len(app.query(MessageView)) == 2


async def test_old_messages_of_a_long_chat_share_one_widget_and_nothing_moves(
    start: Start,
) -> None:
    async with start(loaded=False) as (app, pilot):
        chat = app.query_one(ChatView)
        for number in range(MOST_VIEWS):
            await chat.add(MessageView("user", f"message {number}\nof two lines"))
        height = 4 * MOST_VIEWS
        await wait_until(pilot, lambda: chat.virtual_size.height == height)
        chat.scroll_to(y=10, animate=False, force=True)
        await wait_until(pilot, lambda: chat.scroll_y == 10)
        await chat._archive_old()
        await pilot.pause()
        assert len(app.query(MessageView)) == FEWEST_VIEWS
        assert (chat.virtual_size.height, chat.scroll_y) == (height, 10)
        lines = [line.plain.rstrip() for line in app.query_one(Archive).build(60)]
        assert lines[:6] == ["you", "message 0", "of two lines", "", "you", "message 1"]
        await pilot.press("ctrl+n")
        assert not app.query(MessageView) and not app.query_one(Archive).build(60)


async def test_the_draft_scores_of_this_chat_stand_in_the_panel(start: Start) -> None:
    async with start() as (app, pilot):
        await ask(app, pilot)
        await finished(app, pilot)
        score = app.dialogue.state.scores.by_draft[app.dialogue.state.draft_in_use]
        stats = app.dialogue.state.stats
        assert stats and score.tok_s and stats.decode_tok_s
        assert abs(score.tok_s - stats.decode_tok_s) < 0.01 * stats.decode_tok_s


async def test_every_part_of_the_panel_is_seen(start: Start) -> None:
    async with start(size=(120, 24)) as (app, pilot):
        await wait_until(pilot, lambda: len(app.dialogue.offer.drafts) == 4)

        def seen(*parts: type[Widget]) -> bool:
            regions = [app.query_one(part).region for part in parts]
            panel = app.query_one(Panel).region
            return all(r.height >= 1 and panel.contains_region(r) for r in regions)

        parts = (DraftList, PositionBars, RateTitle, RateGraph)
        await wait_until(pilot, lambda: seen(TargetCard, *parts))
        many = tuple(DraftOption("model", f"m{n}", f"/m/{n}") for n in range(MOST_DRAFTS))
        app.dialogue.offer = replace(app.dialogue.offer, drafts=many)
        await wait_until(pilot, lambda: app.query_one(DraftList).size.height == MOST_DRAFTS + 3)
        await wait_until(pilot, lambda: seen(*parts))


async def test_a_paste_goes_in_once_and_clean(start: Start) -> None:
    async with start(loaded=False) as (app, pilot):
        app.post_message(events.Paste("one\x1b[31m\ntwo 🦊"))  # as the terminal's driver does
        await wait_until(pilot, lambda: app.query_one(Composer).text)
        await pilot.pause()
        assert app.query_one(Composer).text == "one\ntwo 🦊"


async def test_a_message_that_is_refused_is_given_back(start: Start) -> None:
    async with start(ctx=256) as (app, pilot):
        text = "word " * 400
        view = await ask(app, pilot, text)
        await finished(app, pilot)
        assert "the context holds 256" in app.dialogue.conversation.turns[-1].note
        assert "not answered" in view.build(70)[0].plain
        assert app.query_one(Composer).text == text.strip()


async def test_a_message_that_was_not_answered_is_back_to_be_written_on() -> None:
    app = StillApp("specdec-dark")
    async with app.run_test() as pilot:
        await wait_until(pilot, lambda: app.dialogue.state.target is not None)
        await app.ask_and_wait(pilot, "too long")
        refusal = Failed(command="generate", id=app.dialogue.state.reply_id, message="It is.")
        await app.hear(pilot, refusal)
        assert app.composer.text == "too long"
        await pilot.press("x")
        assert app.composer.text == "too longx"
