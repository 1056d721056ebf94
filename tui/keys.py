"""Every action of the app, once: bindings, key bar, help, palette and slash commands are made from
it. What the user's own keys make of it is in `tui.keymap`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["chat", "list", "page"]
"""Where an action's keys count: in the chat, in lists, or in texts to read."""


@dataclass(frozen=True)
class Action:
    """`id` names the action for remapping; `key` is one key or several, separated by commas; `run`
    is Textual's action string."""

    id: str
    key: str
    run: str
    label: str
    help: str
    key_text: str
    bar: int = 0
    """Place in the key bar's order of importance; 0: not shown there."""
    palette: bool = False
    bound: bool = True
    """False where a widget or Textual itself handles the key."""
    priority: bool = False
    """Counts on every screen, before what the screen itself would do with the key."""
    scope: Scope = "chat"
    in_help: bool = True
    """False where the help of another one speaks for it."""

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(key for key in self.key.split(",") if key)

    @property
    def command(self) -> str:
        """The name of the slash command that does the same; empty where there is none."""
        return self.id.replace("_", "-") if self.palette and self.scope == "chat" else ""


ACTIONS: tuple[Action, ...] = (
    Action("send", "enter", "", "send", "Send the message", "Enter", bar=1, bound=False),
    Action("newline", "ctrl+j", "", "new line", "New line in the message", "Ctrl+J", bound=False),
    Action("stop", "escape", "stop", "stop", "Stop the reply", "Esc", bar=2, palette=True),
    Action(
        "next_draft",
        "f2",
        "next_draft",
        "next draft",
        "Exchange the draft for the next in the list, also in mid-reply",
        "F2",
        bar=3,
        palette=True,
    ),
    Action(
        "drafts",
        "f3",
        "drafts",
        "drafts",
        "Choose the draft from the list",
        "F3",
        bar=4,
        palette=True,
    ),
    Action(
        "draft_1",
        "alt+1",
        "pick_draft(1)",
        "draft 1",
        "Take the first draft of the list; so Alt+2 to Alt+9 (or F3, then the number)",
        "Alt+1",
    ),
    *(
        Action(
            f"draft_{number}",
            f"alt+{number}",
            f"pick_draft({number})",
            f"draft {number}",
            f"Take draft {number} of the list",
            f"Alt+{number}",
            in_help=False,
        )
        for number in range(2, 10)
    ),
    Action(
        "xray",
        "f4",
        "xray",
        "X-ray",
        "How each token of the reply came, and what was rejected",
        "F4",
        bar=5,
        palette=True,
    ),
    Action(
        "help",
        "f1",
        "help",
        "help",
        "What the keys do where you are; keys and words",
        "F1",
        bar=7,
        palette=True,
        priority=True,
    ),
    Action("palette", "ctrl+p", "command_palette", "commands", "Command palette", "Ctrl+P", bar=6),
    Action(
        "new_chat",
        "ctrl+n",
        "new_chat",
        "new chat",
        "Begin a new chat; the models stay loaded",
        "Ctrl+N",
        bar=10,
        palette=True,
    ),
    Action(
        "regenerate",
        "ctrl+r",
        "regenerate",
        "regenerate",
        "Answer the last message again, as a new branch",
        "Ctrl+R",
        palette=True,
    ),
    Action(
        "chats",
        "f6",
        "chats",
        "chats",
        "The saved chats: search, open, rename, delete, export, import",
        "F6",
        bar=9,
        palette=True,
    ),
    Action(
        "resume",
        "f7",
        "resume",
        "continue",
        "Continue a reply that was interrupted, stopped or cut at its limit",
        "F7",
        palette=True,
    ),
    Action(
        "edit_earlier",
        "alt+up",
        "edit_earlier",
        "edit earlier",
        "Write an earlier message of yours anew, as a new branch",
        "Alt+Up",
        palette=True,
    ),
    Action(
        "edit_later",
        "alt+down",
        "edit_later",
        "edit later",
        "The next message after the earlier one",
        "Alt+Down",
    ),
    Action(
        "branch_before",
        "alt+left",
        "branch_before",
        "branch before",
        "The branch before, where a message shows 2/3",
        "Alt+Left",
        palette=True,
    ),
    Action(
        "branch_after",
        "alt+right",
        "branch_after",
        "branch after",
        "The branch after, where a message shows 2/3",
        "Alt+Right",
        palette=True,
    ),
    Action(
        "presets",
        "",
        "presets",
        "presets",
        "Models, sampling and system prompt under a name: use one, keep one",
        "",
        palette=True,
        bound=False,
    ),
    Action(
        "export",
        "",
        "export",
        "export",
        "Write this chat to a Markdown file in the folder you came from",
        "",
        palette=True,
        bound=False,
    ),
    Action(
        "copy_reply",
        "ctrl+o",
        "copy_reply",
        "copy reply",
        "Send the last reply to the terminal's clipboard",
        "Ctrl+O",
        palette=True,
    ),
    Action(
        "code",
        "alt+c",
        "code",
        "code blocks",
        "The code blocks of the chat: copy one, or save it to a file",
        "Alt+C",
        palette=True,
    ),
    Action(
        "reasoning",
        "alt+r",
        "fold_reasoning",
        "reasoning",
        "Unfold what the model thought before it answered, or fold it again",
        "Alt+R",
        palette=True,
    ),
    Action(
        "models",
        "f5",
        "models",
        "models",
        "The models on this machine and on the Hub: use, fetch, delete",
        "F5",
        bar=8,
        palette=True,
    ),
    Action(
        "downloads",
        "f8",
        "downloads",
        "downloads",
        "The downloads: pause, resume, cancel",
        "F8",
        palette=True,
    ),
    Action(
        "compare",
        "f9",
        "compare",
        "compare",
        "Compare the drafts on the message being written or the last one",
        "F9",
        bar=11,
        palette=True,
    ),
    Action("page_up", "pageup", "scroll_chat(-1)", "page up", "Scroll the chat up", "PgUp"),
    Action("page_down", "pagedown", "scroll_chat(1)", "page down", "Scroll the chat down", "PgDn"),
    Action("top", "ctrl+home", "chat_edge(-1)", "top", "To the beginning of the chat", "Ctrl+Home"),
    Action(
        "bottom",
        "ctrl+end",
        "chat_edge(1)",
        "bottom",
        "To the end of the chat, and follow the reply again",
        "Ctrl+End",
    ),
    Action(
        "settings",
        "alt+s",
        "settings",
        "settings",
        "All settings: look at them, change them, keep them in config.toml",
        "Alt+S",
        palette=True,
    ),
    Action(
        "editor",
        "ctrl+t",
        "edit_in_editor",
        "text editor",
        "Write the message in your own editor ($VISUAL or $EDITOR)",
        "Ctrl+T",
        palette=True,
    ),
    Action(
        "jump",
        "ctrl+g",
        "jump",
        "jump",
        "Go to a place on the screen by its letter",
        "Ctrl+G",
        palette=True,
        priority=True,
    ),
    Action(
        "first_run",
        "",
        "first_run",
        "pairs to begin with",
        "Pairs of a target and a draft: those here, and those of the Hub that fit this memory",
        "",
        palette=True,
        bound=False,
    ),
    Action("theme", "", "change_theme", "theme", "Choose the theme", "", palette=True, bound=False),
    Action(
        "suspend",
        "",
        "suspend_process",
        "suspend",
        "Give the terminal back to the shell; its `fg` returns here",
        "",
        palette=True,
        bound=False,
    ),
    Action(
        "redraw",
        "ctrl+l",
        "redraw",
        "redraw",
        "Paint the whole screen anew, where something else has written on it",
        "Ctrl+L",
        palette=True,
    ),
    Action(
        "engine_log",
        "f12",
        "engine_log",
        "engine log",
        "The last lines of the engine's log",
        "F12",
        palette=True,
    ),
    Action("quit", "ctrl+q", "quit", "quit", "Quit", "Ctrl+Q", bar=12, palette=True, priority=True),
)

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


def every_action() -> tuple[Action, ...]:
    """All that can be remapped, wherever it counts."""
    return (*ACTIONS, *IN_LISTS, *IN_PAGES)


def action(action_id: str) -> Action:
    return next(entry for entry in every_action() if entry.id == action_id)
