"""Colours for code blocks. Pygments is imported with the first block, not with the app."""

from __future__ import annotations

from dataclasses import replace

from textual.content import Content, Span

from tui.markdown.blocks import Block

LONGEST = 20_000
"""Longer code stays plain: highlighting runs in the app's own loop."""

COLOURS = {
    "Comment": "$code-comment",
    "Keyword": "$code-keyword",
    "Operator.Word": "$code-keyword",
    "Literal.String": "$code-string",
    "Literal.Number": "$code-number",
    "Name.Function": "$code-name",
    "Name.Class": "$code-name",
    "Name.Decorator": "$code-name",
    "Name.Builtin": "$code-builtin",
    "Name.Tag": "$code-keyword",
    "Name.Attribute": "$code-name",
    "Generic.Inserted": "$code-string",
    "Generic.Deleted": "$code-keyword",
}


def highlighted(block: Block) -> Block:
    """A code block with its language's colours; any other block as it is."""
    if block.kind != "code" or not block.language or len(block.content.plain) > LONGEST:
        return block
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]

    try:
        lexer = get_lexer_by_name(block.language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return block
    code = block.content.plain
    spans: list[Span] = []
    start = 0
    for kind, text in lexer.get_tokens(code):
        if style := _style(str(kind).removeprefix("Token.")):
            spans.append(Span(start, start + len(text), style))
        start += len(text)
    if start != len(code):  # the lexer changed the text: colours would be out of place
        return block
    return replace(block, content=Content(code, spans))


def _style(kind: str) -> str:
    """The colour of a kind of token, or of the nearest kind above it."""
    while kind:
        if kind in COLOURS:
            return COLOURS[kind]
        kind = kind.rpartition(".")[0]
    return ""
