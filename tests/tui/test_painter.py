"""What is written shows the same as what Textual would have written, in fewer bytes."""

from __future__ import annotations

import random

import pyte

from tui.painter import Painter

COLUMNS, ROWS = 24, 6
LOOKS = (
    "38;2;200;200;200;48;2;10;10;10",
    "38;2;200;200;200;48;2;40;40;40",
    "1;38;2;120;180;220;48;2;10;10;10",
    "4;38;5;12;48;5;0",
    "7;31;42",
    "2;91",
    "0",
)
WORDS = ("a", " ", "  ", "ab", "draft ", "━━╸", "中文", "é", "     ", "x y z")


def frame(rng: random.Random) -> str:
    """Pieces of rows at places, as Textual's compositor writes them; sometimes the same again."""
    out = []
    for y in sorted(rng.sample(range(ROWS), rng.randint(1, ROWS))):
        x, width = (0, COLUMNS) if rng.random() < 0.5 else (rng.randrange(8), rng.randint(4, 14))
        out.append(f"\x1b[{y + 1};{x + 1}H")
        while width > 0:
            word = rng.choice(WORDS)
            word, cells = (word, len(word) * 2) if word == "中文" else (word, len(word))
            if cells > width:
                word, cells = " " * width, width
            out.append(f"\x1b[{rng.choice(LOOKS)}m{word}\x1b[0m")
            width -= cells
        out.append("\r\n" if y < ROWS - 1 and rng.random() < 0.3 else "")
    return "".join(out) + f"\x1b[{rng.randint(1, ROWS)};{rng.randint(1, COLUMNS)}H"


def seen(screen: pyte.Screen) -> list[object]:
    """What an eye sees of each cell: of a blank only its ground and what is drawn over it."""
    cells: list[object] = []
    for y in range(ROWS):
        for x in range(COLUMNS):
            cell = screen.buffer[y][x]
            blank = cell.data == " " and not (cell.underscore or cell.reverse or cell.strikethrough)
            cells.append((y, x, cell.bg) if blank else (y, x, cell))
    return [*cells, (screen.cursor.y, screen.cursor.x)]


def test_any_frames_show_the_same_as_without_the_painter() -> None:
    for seed in range(60):
        rng, painter = random.Random(seed), Painter()
        plain, painted = pyte.Screen(COLUMNS, ROWS), pyte.Screen(COLUMNS, ROWS)
        straight, through = pyte.Stream(plain), pyte.Stream(painted)
        for number in range(12):
            data = frame(rng)
            straight.feed(data)
            through.feed(painter.paint(data))
            assert seen(painted) == seen(plain), (seed, number)


def test_what_is_shown_already_costs_nothing() -> None:
    painter = Painter()
    data = "\x1b[1;1H\x1b[31mone\x1b[0m\x1b[32m two\x1b[0m\x1b[2;1H"
    assert "one" in painter.paint(data)
    assert painter.paint(data) == ""
    changed = painter.paint(data.replace("two", "tWo"))
    assert "W" in changed and "one" not in changed and len(changed) < 30


def test_what_was_forgotten_is_written_again() -> None:
    painter = Painter()
    data = "\x1b[1;1H\x1b[31mone\x1b[0m"
    first = painter.paint(data)
    painter.forget()
    assert painter.paint(data) == first


def test_characters_that_join_are_left_to_the_terminal() -> None:
    painter = Painter()
    family = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"
    data = f"\x1b[1;1H\x1b[31mone\x1b[0m\x1b[1;5H\x1b[31m{family} and\x1b[0m\x1b[1;20H!\x1b[1;1H"
    for written in (painter.paint(data), painter.paint(data)):
        assert f"\x1b[1;5H\x1b[31m{family} and\x1b[0m" in written
        assert "!" in written, "what stands behind them may have moved"


def test_what_is_no_frame_is_written_as_it_is_and_forgets_the_screen() -> None:
    painter = Painter()
    data = "\x1b[1;1H\x1b[31mone\x1b[0m"
    painter.paint(data)
    assert painter.paint("\x1b[2J") == "\x1b[2J"
    assert "one" in painter.paint(data)


def test_a_frame_that_is_older_than_the_size_leaves_nothing_behind() -> None:
    """tmux and others tell of a new size when they have it; the frame before may come after."""
    painter, screen = Painter(), pyte.Screen(COLUMNS, ROWS)
    screen.reset_mode(pyte.modes.DECAWM)  # no new line at the right edge, as Textual asks for
    stream = pyte.Stream(screen)
    larger = "".join(f"\x1b[{y + 1};1H{y:X}{'中' * 30}" for y in range(ROWS + 4)) + "\x1b[1;1H"
    lines = [f"{y} new".ljust(COLUMNS) for y in range(ROWS)]
    fitting = "".join(f"\x1b[{y + 1};1H{line}" for y, line in enumerate(lines)) + "\x1b[1;1H"
    for frame in (larger, fitting):
        stream.feed(painter.paint(frame, (COLUMNS, ROWS)))
    assert screen.display == lines
