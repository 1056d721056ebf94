import pytest

from core.engine.text import TextStream, printable


def test_half_a_character_waits_for_its_other_half():
    stream = TextStream()
    root = "√".encode()
    assert stream.feed(b"a" + root[:1]) == "a"
    assert stream.feed(root[1:2]) == ""
    assert stream.feed(root[2:] + b"b") == "√b"


def test_a_broken_character_at_the_end_is_replaced():
    stream = TextStream()
    stream.feed("√".encode()[:2])
    assert stream.finish() == "\ufffd"


def test_half_a_character_can_be_left_to_what_comes_later():
    stream = TextStream()
    assert stream.feed(b"a" + "√".encode()[:2]) == "a"
    assert (stream.leave_half(), stream.leave_half()) == ("√".encode()[:2], b"")
    assert stream.finish() == ""


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_stop_string_cut_anywhere_is_found_and_left_out(cut: int):
    stream, data = TextStream(["STOP"]), b"one STOP two"
    assert stream.feed(data[:cut]) + stream.feed(data[cut:]) + stream.finish() == "one "
    assert stream.stopped


def test_the_beginning_of_a_stop_string_is_shown_once_it_is_none():
    stream = TextStream(["STOP"])
    assert stream.feed(b"one ST") == "one "
    assert stream.feed(b"AY") == "STAY"
    assert not stream.stopped


def test_what_waited_is_shown_at_the_end():
    stream = TextStream(["STOP"])
    stream.feed(b"one ST")
    assert stream.finish() == "ST"


def test_the_earliest_of_several_stop_strings_counts():
    stream = TextStream(["two", "one"])
    assert stream.feed(b"zero one two") == "zero "


def test_control_characters_never_pass():
    every = "".join(map(chr, range(0x100))) + "\u202e\u2066"
    shown = printable(every)
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    assert "\n" in shown
    assert "\t" in shown
    assert "é" in shown


def test_an_escape_sequence_in_two_tokens_is_harmless():
    stream = TextStream()
    assert stream.feed(b"\x1b") + stream.feed(b"[31mred") == "[31mred"
