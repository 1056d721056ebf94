"""A widget that is drawn line by line from styled text; widgets of text build on it.

Repainting costs what is visible, and styles are looked up once a theme.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.content import Content
from textual.geometry import Region, Size
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget


class Lines(Widget):
    """Draws what `build(width)` returns; `changed()` after the text has changed."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._built: Sequence[Content] = ()
        self._built_width = -1
        self._strips: dict[int, Strip] = {}
        self._parsed: dict[str, Style] = {}
        self._base_style: RichStyle | None = None

    def build(self, width: int) -> Sequence[Content]:
        """The lines at this width."""
        raise NotImplementedError

    def lines(self, width: int) -> Sequence[Content]:
        """The lines, built anew only where the width or the text has changed."""
        if width != self._built_width:
            self._strips.clear()
            self._built, self._built_width = self.build(width), width
        return self._built

    def changed(self) -> None:
        """Build again and repaint from the first line that differs; layout only if needed."""
        if self._built_width < 0 or not self.size.width:
            self._built_width = -1
            self.relayout()
            return
        before, self._built = self._built, self.build(self._built_width)
        first = _first_difference(before, self._built)
        for y in [y for y in self._strips if y >= first]:
            del self._strips[y]
        if len(self._built) != len(before) and self.styles.is_auto_height:
            self.relayout()
        elif first < max(len(before), len(self._built)):  # also where lines are gone
            width, height = self.size
            self.refresh(Region(0, first, width, max(1, height - first)))

    def relayout(self) -> None:
        """Ask for a layout in which the height of now counts. Textual keeps heights, and forgets
        them when a layout is asked for, but not where one is due already: what it has measured
        since the first request would stand."""
        self._box_model_cache.clear()
        self.refresh(layout=True)

    # -------------------------------------------------------------- Textual's side

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return len(self.lines(width)) if width > 0 else 0

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        lines = self.lines(width)
        if y >= len(lines):
            return Strip.blank(width, self._base)
        selection = self.text_selection
        span = selection.get_span(y) if selection else None
        if span is None and y in self._strips:
            return self._strips[y]
        line = lines[y]
        if span is not None:
            start, end = span
            style = self._parse("$screen-selection-foreground on $screen-selection-background")
            line = line.stylize(style, start, len(line) if end == -1 else end)
        strip = self._strip(line, y, width)
        if span is None:
            self._strips[y] = strip
        return strip

    def _strip(self, line: Content, y: int, width: int) -> Strip:
        base = self.visual_style
        segments: list[Segment] = []
        x = 0
        for text, style in line.render(base, end="", parse_style=self._parse):
            segments.append(Segment(text, (base + style).rich_style_with_offset(x, y)))
            x += len(text)
        return Strip(segments).adjust_cell_length(width, self._base)

    @property
    def _base(self) -> RichStyle:
        if self._base_style is None:
            self._base_style = self.rich_style
        return self._base_style

    def _parse(self, style: str | Style) -> Style:
        if isinstance(style, Style):
            return style
        if style not in self._parsed:
            self._parsed[style] = Style.parse(style, self.app.theme_variables)
        return self._parsed[style]

    def _size_updated(
        self,
        size: Size,
        virtual_size: Size,
        container_size: Size,
        layout: bool = True,  # noqa: ARG002 - the signature is Textual's
    ) -> bool:
        """Textual lays out and paints a widget a second time when its virtual size is new. These
        do not scroll, so nobody looks at it, and text that grows would be painted twice."""
        return super()._size_updated(size, virtual_size, container_size, layout=False)

    def notify_style_update(self) -> None:
        self._strips.clear()
        self._parsed.clear()
        self._base_style = None
        super().notify_style_update()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        text = "\n".join(line.plain.rstrip() for line in self._built)
        return selection.extract(text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002
        self.refresh()


def _first_difference(before: Sequence[Content], after: Sequence[Content]) -> int:
    for y, (old, new) in enumerate(zip(before, after, strict=False)):
        if old is not new and not old.is_same(new):
            return y
    return min(len(before), len(after))
