"""The keys that all lists have, and those that all texts to read have. Part of the registry, which
is `tui.keys`."""

from __future__ import annotations

from tui.action import Action

IN_LISTS: tuple[Action, ...] = (
    Action("list_down", "down,j", "move(1)", "down", "Next row", "↓ j", scope="list"),
    Action("list_up", "up,k", "move(-1)", "up", "Row before", "↑ k", scope="list"),
    Action(
        "list_page_down",
        "pagedown,ctrl+d",
        "page(1)",
        "page down",
        "A page down",
        "PgDn Ctrl+D",
        scope="list",
    ),
    Action(
        "list_page_up",
        "pageup,ctrl+u",
        "page(-1)",
        "page up",
        "A page up",
        "PgUp Ctrl+U",
        scope="list",
    ),
    Action("list_first", "home,g", "move(-1000000)", "first", "First row", "Home g", scope="list"),
    Action("list_last", "end,G", "move(1000000)", "last", "Last row", "End G", scope="list"),
    Action("list_choose", "enter", "choose", "choose", "Choose the row", "Enter", scope="list"),
)

IN_PAGES: tuple[Action, ...] = (
    Action("page_line_down", "down,j", "line(1)", "down", "A line down", "↓ j", scope="page"),
    Action("page_line_up", "up,k", "line(-1)", "up", "A line up", "↑ k", scope="page"),
    Action(
        "page_forward",
        "pagedown,ctrl+d,space",
        "page(1)",
        "page down",
        "A page down",
        "PgDn Ctrl+D Space",
        scope="page",
    ),
    Action(
        "page_back",
        "pageup,ctrl+u",
        "page(-1)",
        "page up",
        "A page up",
        "PgUp Ctrl+U",
        scope="page",
    ),
    Action("page_top", "home,g", "edge(-1)", "top", "To the beginning", "Home g", scope="page"),
    Action("page_end", "end,G", "edge(1)", "end", "To the end", "End G", scope="page"),
)
