"""What comes from models and files must not command the terminal nor the markup."""

from __future__ import annotations

import pytest

from tests.tui.conftest import Start
from tui.markdown.document import Document
from tui.sanitize import clean_line, clean_stream, clean_text
from tui.widgets.message_view import MessageView

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]52;c;aGVsbG8=\x1b\\",
    "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
    "\x1bP+q544e\x1b\\",
    "\x9b2J",
    "a\x08\x08b",
    "line\rover",
    "\u202eevil\u202c",
    "\u2066x\u2069",
    "bell\x07",
    "\x7f",
    "nul\x00",
    "\ud800",
    "\x1b",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_a_terminal_obeys_is_left(text: str) -> None:
    for cleaned in (clean_text(text), clean_stream(text), clean_line(text)):
        assert all(c.isprintable() or c in "\n\t" for c in cleaned)
        cleaned.encode()


def test_text_itself_stays() -> None:
    text = "naïve 日本 👩‍💻\n\tx² ± √y – “quoted”"
    assert clean_text(text) == text == clean_stream(text)
    assert clean_text("\x1b[1mbold\x1b[0m\r\nnext\rlast") == "bold\nnext\nlast"
    assert clean_line("  a\n b\t c ", 5) == "a b c"
    assert clean_line("abcdefgh", 5) == "abcd…"


ENTITIES = "a&#x202e;b&lrm; &#27;[2J &#155;31m &#x2028;c &#x206e;d"


@pytest.mark.parametrize("form", ["{}", "# {}", "> **{}**", "|{}|x|\n|-|-|\n|{}|y|", "[{}](/)"])
def test_nor_what_markdown_makes_of_its_entities(form: str) -> None:
    for line in Document(form.replace("{}", ENTITIES)).lines(60):
        assert line.plain == clean_text(line.plain)


async def test_hostile_text_is_inert_in_the_chat(start: Start) -> None:
    hostile = "\n".join(HOSTILE) + "\n[bold]no[/bold] [@click=app.quit]x[/] [l](http://e.vil)"
    async with start(loaded=False) as (app, pilot):
        views = [MessageView("user", clean_text(hostile)), MessageView("assistant")]
        for view in views:
            await app.chat.add(view)
        views[1].grow(clean_stream(hostile))
        await pilot.pause()
        for view in views:
            for y in range(view.size.height):
                strip = view.render_line(y)
                assert all(c.isprintable() for c in strip.text), strip.text
                styles = [segment.style for segment in strip if segment.style]
                assert not any(style.link or "@click" in style.meta for style in styles)
            shown = "\n".join(line.plain for line in view.lines(view.size.width))
            assert "[bold]no[/bold]" in shown
        assert app.is_running


def test_markup_in_model_text_is_text() -> None:
    lines = Document("[red]a[/red] and $primary\n\n```\n[b]code[/b]\n```").lines(60)
    assert [line.plain for line in lines] == ["[red]a[/red] and $primary", "", "▏ [b]code[/b]"]
