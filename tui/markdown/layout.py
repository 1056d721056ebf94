"""Blocks to lines of a given width."""

from __future__ import annotations

from textual.content import Content, Span

from tui.markdown.blocks import STYLES, Block
from tui.stand_ins import spelled

MIN_WIDTH = 8
CODE_STYLE = "$md-code-block"
CODE_MARK = "▏ "


def layout(block: Block, width: int) -> list[Content]:
    """The lines of a block within `width` cells, prefixes included, the gap before it too."""
    inner = max(MIN_WIDTH, width - len(block.rest))
    match block.kind:
        case "code":
            lines = _code(block, inner)
        case "table":
            lines = _table(block, inner)
        case "rule":
            lines = [Content.styled("─" * inner, STYLES["marker"])]
        case "heading":
            lines = _wrap(block.content.stylize_before(STYLES["heading"]), inner)
        case _:
            lines = _wrap(block.content, inner)
    blank = [] if block.gap is None else [_prefixed(block.gap.rstrip(), Content(""))]
    return blank + [
        _prefixed(block.first if number == 0 else block.rest, line)
        for number, line in enumerate(lines)
    ]


def plain_lines(text: str, width: int) -> list[Content]:
    """Text as it is, wrapped."""
    return _wrap(Content(spelled(text)), max(MIN_WIDTH, width))


def _prefixed(prefix: str, line: Content) -> Content:
    return Content.styled(prefix, STYLES["marker"]) + line if prefix else line


def _wrap(content: Content, width: int) -> list[Content]:
    return content.wrap(width) or [Content("")]


def _code(block: Block, width: int) -> list[Content]:
    """Code keeps its line breaks; a line that is too long is folded, never cut off."""
    text = block.content.expand_tabs(4)
    lines: list[Content] = []
    for line in text.split("\n", allow_blank=True):
        lines += line.fold(width - len(CODE_MARK)) if line else [Content("")]
    mark = Content.styled(CODE_MARK, STYLES["marker"])
    return [mark + line.stylize_before(CODE_STYLE) for line in lines]


def _table(block: Block, width: int) -> list[Content]:
    columns = max((len(row) for row in block.rows), default=0)
    if not columns:
        return []
    widths = _column_widths(block, columns, width)
    lines: list[Content] = []
    for number, row in enumerate(block.rows):
        style = STYLES["heading"] if number == 0 else ""
        lines += _row(row, widths, style)
        if number == 0:
            rule = "─┼─".join("─" * cells for cells in widths)
            lines.append(Content.styled(rule, STYLES["marker"]))
    return lines


def _column_widths(block: Block, columns: int, width: int) -> list[int]:
    """Natural widths; where they do not fit, the widest columns give way first."""
    widths = [
        max((row[i].cell_length for row in block.rows if i < len(row)), default=1) or 1
        for i in range(columns)
    ]
    room = max(columns * 3, width - 3 * (columns - 1))
    while sum(widths) > room:
        widest = widths.index(max(widths))
        widths[widest] -= 1
    return widths


def _row(row: tuple[Content, ...], widths: list[int], style: str) -> list[Content]:
    cells = [
        _wrap(row[i].stylize_before(style) if style else row[i], cells)
        if i < len(row)
        else [Content("")]
        for i, cells in enumerate(widths)
    ]
    rule = Content(" │ ", [Span(0, 3, STYLES["marker"])])
    lines = []
    for y in range(max(len(cell) for cell in cells)):
        parts = [
            _pad(cell[y] if y < len(cell) else Content(""), room)
            for cell, room in zip(cells, widths, strict=True)
        ]
        lines.append(rule.join(parts))
    return lines


def _pad(cell: Content, width: int) -> Content:
    return cell.pad_right(max(0, width - cell.cell_length))
