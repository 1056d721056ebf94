"""Pastes come whole and as one, however the terminal cuts them up and whatever is in them."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver

from tui.pasting import PasteParser, take_pastes_whole
from tui.sanitize import clean_text

START, END = "\x1b[200~", "\x1b[201~"


def fed(pieces: list[str]) -> list[str]:
    """Keys by their names and pastes as `paste:text`, in their order."""
    parser = PasteParser()
    found = []
    for message in itertools.chain.from_iterable(map(parser.feed, pieces)):
        if isinstance(message, events.Key):
            found.append(message.key)
        elif isinstance(message, events.Paste):
            found.append(f"paste:{message.text}")
    return found


@pytest.mark.parametrize(
    ("text", "pasted"),
    [
        *(("plain", "plain"), ("two\rlines\r\n", "two\nlines\n"), ("", "")),
        *(("a\x1b[31mred\x1b[0m\rb", "ared\nb"), ("a\x1b", "a"), ("\x1b\x1b[A\r", "\n")),
        *(("\x1b[200~x", "x"), ("a\x00b", "ab"), ("\x1b[20", "20")),
    ],
)
def test_a_paste_is_one_message_with_all_of_its_text(text: str, pasted: str) -> None:
    assert clean_text(text) == pasted
    whole = f"x{START}{text}{END}y"
    expected = ["x", f"paste:{pasted}", "y"]
    assert fed([whole]) == expected
    assert fed(list(whole)) == expected
    for at in range(1, len(whole)):
        assert fed([whole[:at], whole[at:]]) == expected, at


def test_however_several_are_cut_up() -> None:
    random = Random(7)
    for _ in range(300):
        texts = [
            "".join(random.choices("ab\r\n\x1b[20~1 é", k=random.randrange(12))) for _ in "123"
        ]
        texts = [text for text in texts if END not in text]
        whole = "".join(f"k{START}{text}{END}" for text in texts) + "z"
        cuts = sorted(random.sample(range(1, len(whole)), min(5, len(whole) - 1)))
        pieces = [whole[a:b] for a, b in itertools.pairwise([0, *cuts, len(whole)])]
        expected = [word for text in texts for word in ("k", f"paste:{clean_text(text)}")]
        assert fed(pieces) == [*expected, "z"]


def test_what_is_no_paste_is_as_textual_has_it() -> None:
    text = "ab\x1bOQ\x1b[1;5C\x1b[<0;3;4M\rc\x1b[I"
    plain, ours = XTermParser(), PasteParser()
    assert list(map(repr, ours.feed(text))) == list(map(repr, plain.feed(text)))


def test_textual_still_has_the_parser_where_it_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux_driver, "XTermParser", XTermParser)
    take_pastes_whole()
    assert linux_driver.XTermParser is PasteParser
