"""The settings in a list: name, value, and where the value comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content

from tui.preferences import HEADINGS, Setting
from tui.widgets.pick_list import PickList

NAME_CELLS = 22
SOURCE_CELLS = 14
Shown = tuple[str, str]
"""A setting's value, and the word for where it comes from."""


class SettingList(PickList):
    """Rows under headings; headings cannot be chosen."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Setting | str] = []
        self._shown: Mapping[str, Shown] = {}

    def show(self, settings: Sequence[Setting], shown: Mapping[str, Shown]) -> None:
        """Take over what there is; the cursor stays with its setting where that is still there."""
        before = self.highlighted
        self._shown, self._rows = shown, []
        heading = ""
        for setting in settings:
            if title := _heading(setting.name):
                heading = title
            if heading:
                self._rows.append(heading)
                heading = ""
            self._rows.append(setting)
        at = [i for i, row in enumerate(self._rows) if before and row == before]
        self.move_to(at[0] if at else self.step(-1, 1))

    def go_to(self, name: str) -> None:
        """Put the cursor on a setting, where it is shown."""
        for at, row in enumerate(self._rows):
            if isinstance(row, Setting) and row.name == name:
                self.move_to(at)

    @property
    def highlighted(self) -> Setting | None:
        row = self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None
        return row if isinstance(row, Setting) else None

    # -------------------------------------------------------------- for the list

    def count(self) -> int:
        return len(self._rows)

    def step(self, at: int, by: int) -> int:
        rows = [i for i, row in enumerate(self._rows) if isinstance(row, Setting)]
        if not rows:
            return -1
        if at not in rows:
            return rows[0]
        return rows[max(0, min(len(rows) - 1, rows.index(at) + by))]

    def row(self, index: int, width: int) -> Sequence[Content]:
        row = self._rows[index]
        if isinstance(row, str):
            return [Content.styled(row, "bold $muted")]
        value, source = self._shown.get(row.name, ("", ""))
        room = max(4, width - NAME_CELLS - 2 - SOURCE_CELLS - 1)
        text = Content(value or "–").truncate(room, ellipsis=True)
        style = "$foreground" if source == "default" else "bold $foreground"
        overrides = source in ("environment", "command line")
        return [
            Content.assemble(
                Content(row.name)
                .truncate(NAME_CELLS, ellipsis=True)
                .pad_right(max(0, NAME_CELLS - len(row.name))),
                "  ",
                text.pad_right(max(0, room - text.cell_length)).stylize_before(style),
                (" " + source.rjust(SOURCE_CELLS), "$notice" if overrides else "$muted"),
            )
        ]


def _heading(name: str) -> str:
    return HEADINGS.get(name, "")
