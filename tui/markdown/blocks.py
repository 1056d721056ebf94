"""Markdown source to blocks: flat, immutable pieces that know their prefix and their text.

Nesting (lists, quotes) becomes a prefix of the lines, so that laying out is one loop. Links are
text with their address; nothing here can be clicked or opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

from textual.content import Content, Span

from tui.sanitize import clean_stream
from tui.stand_ins import spelled

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Kind = Literal["text", "heading", "code", "table", "rule"]
BULLETS = ("•", "◦", "▪")
NOTHING = Content("")
STYLES = {
    "strong": "bold",
    "em": "italic",
    "s": "strike",
    "code": "$md-code",
    "link": "underline",
    "address": "$muted",
    "heading": "bold $md-heading",
    "marker": "$md-marker",
}


@dataclass(frozen=True)
class Block:
    """One piece of a document. `first` prefixes its first line, `rest` the others."""

    kind: Kind
    content: Content = NOTHING
    first: str = ""
    rest: str = ""
    gap: str | None = None
    """The prefix of the blank line before this block; None: no blank line."""
    rows: tuple[tuple[Content, ...], ...] = ()
    """Of a table: its cells; the first row is the head."""
    language: str = ""


@dataclass(frozen=True)
class Parsed:
    """The blocks of a source, and where its last top-level block begins.

    All before `open_line` (counted in lines of the source) will not change when text is appended.
    """

    blocks: tuple[Block, ...]
    open_blocks: int
    open_line: int


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # 20 ms that the first frame need not wait for

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def parse(source: str) -> Parsed:
    """The blocks of `source`; `open_blocks` of them belong to its last top-level element."""
    tokens = _parser().parse(source)
    reader = _Reader(tokens)
    reader.read()
    return Parsed(tuple(reader.blocks), len(reader.blocks) - reader.last_top, reader.last_line)


class _Reader:
    """Walks the flat token list once, keeping the prefixes of the containers that are open."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.blocks: list[Block] = []
        self.last_top = 0
        self.last_line = 0
        self._first: list[str] = []
        self._rest: list[str] = []
        self._lists: list[_List] = []
        self._heading = False
        self._at = 0
        self._rows: list[list[Content]] = []

    def read(self) -> None:
        for at, token in enumerate(self.tokens):
            self._at = at
            if token.level == 0 and token.map and token.nesting >= 0:
                self.last_top, self.last_line = len(self.blocks), token.map[0]
            self._take(token)

    def _take(self, token: Token) -> None:
        match token.type:
            case "inline" if self._rows:
                self._rows[-1].append(inline(token))
            case "inline":
                kind: Kind = "heading" if self._heading else "text"
                self._add(Block(kind, inline(token)))
            case "heading_open" | "heading_close":
                self._heading = token.nesting > 0
            case "fence" | "code_block":
                language = token.info.split()[0] if token.info.split() else ""
                self._add(
                    Block("code", Content(spelled(token.content.rstrip("\n"))), language=language)
                )
            case "hr":
                self._add(Block("rule"))
            case "tr_open":
                self._rows.append([])
            case "table_close":
                self._add(Block("table", rows=tuple(tuple(row) for row in self._rows)))
                self._rows = []
            case _:
                self._container(token)

    def _container(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                start = token.attrs.get("start", 1)
                number = int(start) if token.type.startswith("ordered") else None
                self._lists.append(_List(number, self._tight(token), len(self._lists)))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "list_item_open":
                marker = self._lists[-1].next_marker()
                self._first.append(marker)
                self._rest.append(" " * len(marker))
            case "list_item_close" | "blockquote_close":
                self._first.pop()
                self._rest.pop()
            case "blockquote_open":
                self._first.append("▎ ")
                self._rest.append("▎ ")

    def _tight(self, opening: Token) -> bool:
        """Whether the list that starts here has no blank lines: its paragraphs are hidden."""
        for token in self.tokens[self._at :]:
            if token.type == "paragraph_open" and token.level == opening.level + 2:
                return token.hidden
        return True

    def _add(self, block: Block) -> None:
        first, rest = "".join(self._first), "".join(self._rest)
        gap = _common_start(self.blocks[-1].rest, rest) if self._gap_before() else None
        self.blocks.append(replace(block, first=first, rest=rest, gap=gap))
        self._first = self._rest.copy()
        for open_list in self._lists:
            open_list.begun = True

    def _gap_before(self) -> bool:
        """Blocks are set apart by a blank line, except inside of lists written without any."""
        if not self.blocks:
            return False
        begun = [open_list for open_list in self._lists if open_list.begun]
        return not (begun and begun[-1].tight)


def _common_start(one: str, other: str) -> str:
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    return one[:same]


@dataclass
class _List:
    number: int | None
    tight: bool
    depth: int
    begun: bool = False

    def next_marker(self) -> str:
        if self.number is None:
            return BULLETS[self.depth % len(BULLETS)] + " "
        self.number += 1
        return f"{self.number - 1}. "


def inline(token: Token) -> Content:
    """The text of an inline token with its emphasis as spans; never markup."""
    parts: list[str] = []
    spans: list[Span] = []
    opened: list[tuple[str, int]] = []
    length = 0

    def put(text: str, style: str = "") -> None:
        nonlocal length
        parts.append(text)
        if style:
            spans.append(Span(length, length + len(text), style))
        length += len(text)

    address = ""
    for child in token.children or ():
        name = child.type.removesuffix("_open").removesuffix("_close")
        if child.nesting > 0:
            opened.append((name, length))
            address = str(child.attrs.get("href", "")) if name == "link" else address
        elif child.nesting < 0 and opened:
            opened_name, start = opened.pop()
            spans.append(Span(start, length, STYLES.get(opened_name, "")))
            if name == "link" and address and address not in "".join(parts):
                put(f" ({address})", STYLES["address"])
        elif child.type == "softbreak":
            put(" ")
        elif child.type == "hardbreak":
            put("\n")
        else:
            text = clean_stream(child.content)  # `&#x202e;` has only now become what it stands for
            put(spelled(text), STYLES["code"] if child.type == "code_inline" else "")
    return Content("".join(parts), [span for span in spans if span.style and span.end > span.start])
