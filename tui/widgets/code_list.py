"""The code blocks of the chat, a line each: its number, its language and how it begins."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Size

from tui import figures
from tui.code_blocks import CodeBlock
from tui.widgets.pick_list import PickList

NUMBER_CELLS, LANGUAGE_CELLS, LINES_CELLS, LEAST_CODE = 4, 12, 12, 8


class CodeList(PickList):
    """As high as it has rows; every one can be chosen."""

    DEFAULT_CSS = """
    CodeList { height: auto; }
    """

    def __init__(self, blocks: Sequence[CodeBlock]) -> None:
        super().__init__(id="code")
        self._blocks, self.cursor = blocks, 0

    @property
    def highlighted(self) -> CodeBlock:
        return self._blocks[self.cursor]

    def count(self) -> int:
        return len(self._blocks)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return self.count()

    def row(self, index: int, width: int) -> Sequence[Content]:
        block = self._blocks[index]
        first = next((line for line in block.code.split("\n") if line.strip()), "")
        number = Content.styled(f"{index + 1:>2}  ", "$muted")
        language = Content.styled(block.language, "$md-code")
        lines = Content.styled(figures.count(block.n_lines, "line").rjust(LINES_CELLS), "$muted")
        room = width - NUMBER_CELLS - LANGUAGE_CELLS - LINES_CELLS
        if room < LEAST_CODE:
            lines, room = Content(""), room + LINES_CELLS
        language = _fitted(language, LANGUAGE_CELLS - 1)
        code = _fitted(Content(first.strip()).expand_tabs(4), max(1, room))
        return [Content.assemble(number, language, " ", code, lines)]


def _fitted(text: Content, cells: int) -> Content:
    text = text.truncate(cells, ellipsis=True)
    return text.pad_right(cells - text.cell_length)
