"""Markdown as lines: what blocks look like, and that streaming shows the same in the end."""

from __future__ import annotations

import pytest

from tui.markdown.document import Document

SAMPLE = """# Title

A paragraph with **bold**, *em*, `code` and a [link](http://x.y) that wraps.

- one
- two
  - nested
- three

3. first
4. second

> quoted
> lines

```python
def f(x):
    return x  # comment
```

| a | b |
|---|---|
| 1 | two |

---
End ~~gone~~.
"""


def shown(source: str, width: int = 40) -> list[str]:
    document = Document()
    document.finish(source)
    return [line.plain.rstrip() for line in document.lines(width)]


def test_blocks() -> None:
    assert shown(SAMPLE) == [
        "Title",
        "",
        "A paragraph with bold, em, code and a",
        "link (http://x.y) that wraps.",
        "",
        "• one",
        "• two",
        "  ◦ nested",
        "• three",
        "",
        "3. first",
        "4. second",
        "",
        "▎ quoted lines",
        "",
        "▏ def f(x):",
        "▏     return x  # comment",
        "",
        "a │ b",
        "──┼────",
        "1 │ two",
        "",
        "─" * 40,
        "",
        "End gone.",
    ]


@pytest.mark.parametrize("piece", [1, 3, 7, 50])
@pytest.mark.parametrize("width", [12, 40])
def test_streaming_ends_in_what_the_whole_text_shows(piece: int, width: int) -> None:
    document = Document()
    for start in range(0, len(SAMPLE), piece):
        document.append(SAMPLE[start : start + piece])
        document.lines(width)
    streamed = [line.plain.rstrip() for line in document.lines(width)]
    assert streamed == shown(SAMPLE, width)


CODE = "".join(f"    line {n}  # of many\n\n" if n % 7 else f"\n\tline {n}\n" for n in range(400))


@pytest.mark.parametrize("before", ["", "Here it is.\n\n", "- an item\n\n"])
@pytest.mark.parametrize("fence", ["```python", "~~~~", "   ```"])
def test_an_open_code_block_shows_what_it_would_as_a_whole(before: str, fence: str) -> None:
    source = f"{before}{fence}\n\n" + CODE[:900] + "``\n``x``\nend\n\n"
    document = Document()
    for end in range(0, len(source), 11):
        document.append(source[len(document.source) : end])
        whole = Document()
        whole.append(source[:end])
        assert [*map(str, document.lines(40))] == [*map(str, whole.lines(40))], source[:end]


def test_lines_of_an_open_code_block_stay_as_they_are_until_it_closes() -> None:
    document = Document()
    document.append("Here it is.\n\n```python\n")
    before = document.lines(60)
    for start in range(0, len(CODE), 300):
        document.append(CODE[start : start + 300])
        after = document.lines(60)
        kept = max(1, len(before) - 4)  # the last one was being written, maybe after empty ones
        assert all(old is new for old, new in zip(before[:kept], after[:kept], strict=True))
        before = after
    assert len(before) > 700
    texts = [line.plain for line in before]
    document.append("```\n\nThat is it.")
    closed = document.lines(60)
    assert [line.plain for line in closed][: len(texts)] == texts
    assert closed[-1].plain == "That is it."


def test_closed_blocks_are_not_laid_out_again() -> None:
    document = Document()
    document.append("one\n\ntwo\n\nthree")
    before = document.lines(40)
    document.append(" more")
    after = document.lines(40)
    stable = document.stable_lines
    assert stable == 3 and after[-1].plain == "three more"
    assert all(old is new for old, new in zip(before[:stable], after[:stable], strict=True))


def test_a_new_width_lays_everything_out_again() -> None:
    document = Document("word " * 30 + "\n\nend")
    for width in (80, 20, 50):
        lines = document.lines(width)
        assert all(line.cell_length <= width for line in lines)
        assert lines[-1].plain == "end"


def test_long_code_lines_are_folded_not_cut() -> None:
    lines = shown("```\n" + "x" * 100 + "\n```", 42)
    assert "".join(line.removeprefix("▏ ") for line in lines) == "x" * 100


def test_code_of_a_known_language_is_coloured_once_it_is_closed() -> None:
    document = Document("```python\nreturn 1\n```\n\nend")
    code = document.lines(40)[0]
    assert any("code-keyword" in str(span.style) for span in code.spans)


@pytest.mark.parametrize("source", ["", "\n", "-", "- ", "```", "```py", "|a|", "> ", "1.", "**"])
def test_beginnings_of_blocks_do_no_harm(source: str) -> None:
    document = Document()
    document.append(source)
    document.lines(20)
    document.append("\nmore\n\n")
    document.lines(20)


def test_a_wide_table_fits_the_width() -> None:
    source = "| head one | head two |\n|---|---|\n| " + "long " * 20 + "| " + "text " * 20 + "|"
    assert max(map(len, shown(source, 30))) <= 30
