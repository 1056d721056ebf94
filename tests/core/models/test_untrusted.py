"""Text from files on one line of a screen."""

from __future__ import annotations

import pytest

from core.models.untrusted import shown, shown_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Qwen2.5 7B – ½ ж 模型 🙂", "Qwen2.5 7B – ½ ж 模型 🙂"),
        ("a\nb\tc\x1b[31m\x9b\x7f", "a\\nb\\tc\\x1b[31m\\x9b\\x7f"),
        ("\u202eevil\u2066\u2028\ufeff", "\\u202eevil\\u2066\\u2028\\ufeff"),
        ("\udcff", "\\udcff"),
        ("a" * 40, "a" * 19 + "…"),
        ("a" * 20, "a" * 20),
    ],
)
def test_shown(text: str, expected: str) -> None:
    assert shown(text, 20 if text.startswith("aa") else 120) == expected


def test_what_grows_by_escaping_is_cut_too() -> None:
    assert len(shown("\x1b" * 100, 100)) == 100
    assert len(shown("x" * 10**6)) == 120


def test_bytes_that_are_no_utf8_are_shown_as_bytes() -> None:
    assert shown_bytes(b"ok\xff\x00") == "'ok\\xff\\x00'"
    assert shown_bytes("ж".encode()[:1]) == "'\\xd0'"
