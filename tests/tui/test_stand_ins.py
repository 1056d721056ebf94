"""ASCII in the place of other characters: as wide, and never the opposite of what stood there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from rich.cells import cell_len

import tui
from tui.stand_ins import ascii_text

PROMPT_CHARACTERS = "αγλπΣ√²"


def glyphs() -> set[str]:
    """Every character that is not ASCII in a text of the app that is no docstring."""
    found: set[str] = set()
    for file in Path(tui.__file__).parent.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        documents = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            text = getattr(node, "value", None)
            if (
                isinstance(node, ast.Constant)
                and isinstance(text, str)
                and id(node) not in documents
            ):
                found |= {character for character in text if not character.isascii()}
    return {glyph for glyph in found if cell_len(glyph) == 1 and glyph.isprintable()}


@pytest.mark.parametrize("glyph", sorted(glyphs() | set(PROMPT_CHARACTERS)))
def test_everything_that_the_app_draws_has_a_likeness(glyph: str) -> None:
    assert ascii_text(glyph).isascii()
    assert ascii_text(glyph) not in ("", "?")


@pytest.mark.parametrize(
    "text", ["plain", "naïve café", "中文 and more", "e\u0301", "👩‍👩‍👧 family", "🇩🇪!", "a\u200bb"]
)
def test_the_width_stays(text: str) -> None:
    shown = ascii_text(text)
    assert shown.isascii() and len(shown) == cell_len(text)


def test_letters_lose_their_accents_and_the_rest_becomes_question_marks() -> None:
    assert ascii_text("Crème brûlée, 中!") == "Creme brulee, ??!"
    assert ascii_text("a ≠ b, not a = b") == "a ? b, not a = b"


def test_bars_of_different_height_stay_different() -> None:
    eighths = "▁▂▃▄▅▆▇█"
    assert len(set(ascii_text(eighths))) == len(eighths)
    assert ascii_text("━━╸───") == "===---"
