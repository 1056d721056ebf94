"""A reply as rows of tokens: nothing is lost, nothing is wider than the screen."""

from __future__ import annotations

import codecs
from itertools import chain

import pytest

from core.protocol import TokenPiece
from tests.support.traces import invented, round_of, trace_of
from tui.sanitize import clean_stream
from tui.token_layout import CLOSE, NEWLINE, NOTHING_SEEN, OPEN, TAB, Segment, TokenLayout
from tui.trace import Trace, learn

WIDTHS = (4, 7, 20, 80)


def laid_out(trace: Trace, width: int = 80, with_rejected: bool = True) -> TokenLayout:
    layout = TokenLayout(trace, width, with_rejected)
    layout.grow()
    return layout


def segments(layout: TokenLayout) -> list[Segment]:
    return list(chain.from_iterable(layout.rows))


def rows(layout: TokenLayout) -> list[str]:
    return ["".join(segment.text for segment in row) for row in layout.rows]


def text(layout: TokenLayout) -> str:
    drawn = "".join(segment.text for segment in segments(layout) if segment.is_token)
    return drawn.replace(NEWLINE, "\n").replace(TAB, "\t").replace(NOTHING_SEEN, "")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("seed", range(6))
def test_the_text_is_the_replys_at_any_width_wherever_tokens_are_cut(seed: int, width: int) -> None:
    trace, data = invented(seed)
    layout = laid_out(trace, width)
    read = clean_stream(codecs.getincrementaldecoder("utf-8")(errors="replace").decode(data))
    # of what is not seen only marks stand there
    unseen = "\u200d"
    assert text(layout).replace(unseen, "") == read.replace(unseen, "")
    assert layout.n_characters[-1] == len(read)
    assert all(sum(segment.cells for segment in row) <= layout.width for row in layout.rows)


@pytest.mark.parametrize("seed", range(6))
def test_the_picture_has_every_token_once_and_its_counts_are_the_traces(seed: int) -> None:
    trace, _ = invented(seed)
    layout = laid_out(trace, 200)
    looks = {segment.token: segment.look for segment in segments(layout) if segment.is_token}
    assert sorted(looks) == list(range(trace.n_tokens))
    drawn = list(looks.values())
    counts = trace.counts
    assert drawn.count("model") == counts.accepted["small"]
    assert drawn.count("lookup") == counts.accepted["prompt lookup"]
    assert drawn.count("corrected") == counts.corrected
    assert drawn.count("bonus") == counts.bonus
    assert drawn.count("target") == counts.alone
    assert [segment.look for segment in segments(layout)].count("rejected") == counts.rejected


@pytest.mark.parametrize("seed", range(4))
def test_a_reply_laid_out_as_it_grows_is_the_same_as_at_once(seed: int) -> None:
    whole, _ = invented(seed)
    grown = trace_of([], [])
    grown.vocabulary = whole.vocabulary
    layout = TokenLayout(grown, 30)
    for number in range(whole.n_rounds):
        facts = whole.round(number)
        mine = range(facts.first, facts.first + facts.n_tokens)
        ids = [whole.token(index) for index in mine]
        rejected = [proposed.id for proposed in facts.rejected]
        drafter = facts.drafter
        grown.add(round_of(ids[:-1], ids[-1], rejected, drafter=drafter), drafter)
        layout.grow()
    assert layout.rows == laid_out(whole, 30).rows


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("with_rejected", [True, False])
def test_every_token_is_found_where_it_stands(width: int, with_rejected: bool) -> None:
    layout = laid_out(invented(3)[0], width, with_rejected)
    for token in range(layout.n_tokens):
        assert layout.token_at(layout.row_of(token), layout.x_of(token)) == token


def test_rejected_proposals_stand_in_brackets_before_what_replaced_them() -> None:
    trace = trace_of([round_of([0], 1, [2, 3])], ["The", " cat", " dog", " sat\n"])
    assert rows(laid_out(trace)) == [f"The{OPEN} dog sat{NEWLINE}{CLOSE} cat"]
    assert rows(laid_out(trace, with_rejected=False)) == ["The cat"]


def test_a_row_breaks_between_words_and_long_ones_are_cut() -> None:
    words = ["one", " two", " th", "ree", " incompre", "hensibilities"]
    trace = trace_of([round_of((), n) for n in range(len(words))], words)
    assert rows(laid_out(trace, 12)) == ["one two", " three", " incompre", "hensibilitie", "s"]


def test_a_bracket_is_not_left_alone_at_the_end_of_a_row() -> None:
    trace = trace_of([round_of([0], 1, [2])], ["12345678", " x", " y"])
    assert rows(laid_out(trace, 10)) == ["12345678", f"{OPEN} y{CLOSE} x"]


def test_a_character_of_several_tokens_comes_with_the_last_of_them() -> None:
    root = "√".encode()
    minus = "−".encode()
    pieces = [b"a" + root[:1], root[1:2], root[2:], minus[2:]]
    trace = trace_of([round_of([0, 1], 2, [3])], pieces)
    assert rows(laid_out(trace)) == [f"a{NOTHING_SEEN}{OPEN}−{CLOSE}√"]


def test_what_shows_nothing_gets_a_mark_and_control_tokens_their_name() -> None:
    trace = trace_of([round_of((), n) for n in range(4)], [b"\x1b", "\u200d", "\u0301", b"?"])
    learn(trace.vocabulary, [TokenPiece(id=3, piece="<|end\x07|>", control=True)])
    shown = [segment.text for segment in segments(laid_out(trace))]
    assert shown == [NOTHING_SEEN, NOTHING_SEEN, NOTHING_SEEN + "\u0301", "<|end|>"]
