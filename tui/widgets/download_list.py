"""The downloads, two lines each: which model, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui import figures
from tui.downloads import ENDED, Item, standing
from tui.sanitize import clean_line
from tui.widgets.key_hints import shortcuts_of
from tui.widgets.pick_list import PickList

BAR_CELLS = 16
EMPTY = "Nothing was fetched yet: {models} shows what the Hub has."


class DownloadList(PickList):
    """Every item is a row; all can be chosen."""

    row_height = 2

    def __init__(self) -> None:
        super().__init__(id="downloads")
        self._items: tuple[Item, ...] = ()

    def show(self, items: tuple[Item, ...]) -> None:
        """Take over the items, the cursor staying on its own."""
        if items == self._items:  # else each look at an empty list would be followed by another
            return
        key = self.highlighted.key if self.highlighted else ""
        self._items = items
        keys = [item.key for item in items]
        self.move_to(keys.index(key) if key in keys else self.step(self.cursor, 0))

    @property
    def highlighted(self) -> Item | None:
        return self._items[self.cursor] if 0 <= self.cursor < len(self._items) else None

    def count(self) -> int:
        return len(self._items)

    def build(self, width: int) -> Sequence[Content]:
        if not self._items:
            nothing = Content.styled(shortcuts_of(self.app).named(EMPTY), "$muted")
            return nothing.wrap(max(1, width))
        return super().build(width)

    def row(self, index: int, width: int) -> Sequence[Content]:
        item = self._items[index]
        own = clean_line(item.request.choice.name.rpartition("/")[2])
        name = Content.assemble((own, "bold"), (f"  {item.request.repo}", "$muted"))
        style = {"done": "$accepted", "failed": "$failure", "running": "$primary"}
        text = Content.styled(clean_line(standing(item), 400), style.get(item.status, "$muted"))
        if item.status not in (*ENDED, "checking"):
            filled = figures.bar(item.share or 0, BAR_CELLS)
            rest = "─" * (BAR_CELLS - len(filled))
            text = Content.assemble((filled, "$primary"), (rest, "$faint"), "  ", text)
        return [line.truncate(width, ellipsis=True) for line in (name, text)]
