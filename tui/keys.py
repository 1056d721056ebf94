"""Every action of the app, once: bindings, key bar, help screen and palette are made from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """`id` names the action for remapping; `run` is Textual's action string."""

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
    Action("help", "f1", "help", "help", "Keys and words", "F1", bar=7, palette=True),
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
        "The branch after",
        "Alt+Right",
        palette=True,
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
    Action("theme", "", "change_theme", "theme", "Choose the theme", "", palette=True, bound=False),
    Action(
        "engine_log",
        "f12",
        "engine_log",
        "engine log",
        "The last lines of the engine's log",
        "F12",
        palette=True,
    ),
    Action("quit", "ctrl+q", "quit", "quit", "Quit", "Ctrl+Q", bar=11, palette=True),
)


def action(action_id: str) -> Action:
    return next(entry for entry in ACTIONS if entry.id == action_id)
