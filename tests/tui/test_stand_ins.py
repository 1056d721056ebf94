"""ASCII in the place of other characters: as wide, and never the opposite of what stood there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

import tui
from tui import stand_ins
from tui.markdown.document import Document
from tui.stand_ins import SPELLED, ascii_of, ascii_text, spell_on_screen, spelled

PROMPT_CHARACTERS = "αγλπΣ√²"


def glyphs() -> set[str]:
    """Every character that is not ASCII in a text of the app that is no docstring."""
    found: set[str] = set()
    files = set(Path(tui.__file__).parent.rglob("*.py"))
    for file in files - {Path(stand_ins.__file__)}:  # which speaks of what models write, too
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


FORMULA = "x = (−b ± √(b² − 4ac)) / 2a ≤ 3 × 20 °C → …"
IN_ASCII = "x = (-b +- sqrt(b^2 - 4ac)) / 2a <= 3 x 20 degC -> ..."


@pytest.fixture
def ascii_screen() -> Iterator[None]:
    spell_on_screen(True)
    yield
    spell_on_screen(False)


def test_where_text_flows_signs_are_spelled_out() -> None:
    assert ascii_of(FORMULA) == IN_ASCII
    assert ascii_of("“naïve” ‘café’ – 中 \udcff") == "\"naive\" 'cafe' - ?? ?"
    assert all(text.isascii() and text for text in SPELLED.values())
    assert spelled(FORMULA) == FORMULA, "the screen shows them"


@pytest.mark.usefixtures("ascii_screen")
def test_on_the_screen_they_are_spelled_out_before_lines_are_laid_out() -> None:
    source = (
        FORMULA
        + "\n\n```\nif a ≥ b:\n    c = π\n```\n\n| a | b |\n|---|---|\n| ± | x |\n\n≥ no quote"
    )
    growing = Document()
    for character in source:
        growing.append(character)
        growing.lines(80)
    growing.finish(source)
    for document in (growing, Document(source)):
        lines = [ascii_text(line.plain).rstrip() for line in document.lines(80)]
        assert lines[0] == IN_ASCII
        assert lines[-1] == ">= no quote"
        assert "| if a >= b:" in lines and "|     c = pi" in lines
        assert "+- | x" in lines
    assert growing.source == source, "what is copied is what was said"


def test_bars_of_different_height_stay_different() -> None:
    eighths = "▁▂▃▄▅▆▇█"
    assert len(set(ascii_text(eighths))) == len(eighths)
    assert ascii_text("━━╸───") == "===---"
