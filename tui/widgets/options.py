"""Textual's list of options under the keys that all lists here have."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from tui.keys_in_lists import IN_LISTS

RUNS = {
    "list_down": "cursor_down",
    "list_up": "cursor_up",
    "list_page_down": "page_down",
    "list_page_up": "page_up",
    "list_first": "first",
    "list_last": "last",
    "list_choose": "select",
}
"""What Textual's list calls that which our lists do."""


class Options(OptionList, inherit_bindings=False):
    """Arrow keys or j and k move, Enter chooses."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(entry.key, RUNS[entry.id], entry.label, id=entry.id, show=False)
        for entry in IN_LISTS
    ]
