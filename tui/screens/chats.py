"""The chats on disk: search them, open one, rename, delete and bring back, export and import."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from core.chats.exports import Format
from core.chats.search import Hit
from core.chats.store import Store
from tui import saved_chats
from tui.defects import SaysDefects
from tui.messages import FromThread
from tui.sanitize import clean_line
from tui.saved_chats import Answer, Row
from tui.screens.prompt import PromptScreen
from tui.widgets.chat_list import ChatList
from tui.widgets.key_hints import Hint, KeyHints
from tui.widgets.pick_list import PickList

TYPE, GO = "type to search all messages", "/ to search all messages"
NO_KEY = "Letters are keys here: / goes to the search."


@dataclass(frozen=True)
class Open:
    """What the list was closed with: open this chat, at a message where one was found."""

    chat: int
    message: int | None = None


class ChatsScreen(SaysDefects, ModalScreen[Open | None]):
    """Closes with the chat to open, or None.

    One types to search, as most come to find something; the arrow keys move through what is found
    meanwhile. Letters are keys only in the list, where Tab leads: none is pressed by chance.
    """

    DEFAULT_CSS = """
    ChatsScreen {
        background: $background;
        align: left top;
        & #page { width: 100%; height: 100%; }
        & #filter { height: 1; background: $panel; padding: 0 1; }
        & #filter Static { width: 8; color: $muted; }
        & #filter Input { width: 1fr; background: $panel; padding: 0; }
        & #filter Input:focus { background-tint: $foreground 0%; }
        & ChatList { padding: 1 1 0 1; }
        &.-short ChatList { padding: 0 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back"),
        Binding("f6", "dismiss(None)", "close", id="chats"),
        Binding("slash", "search", "search"),
        Binding("tab,shift+tab", "other", "to the list and its keys, or back to the search"),
        Binding("down", "go('move', 1)", "next row"),
        Binding("up", "go('move', -1)", "row before"),
        Binding("pagedown", "go('page', 1)", "a page down"),
        Binding("pageup", "go('page', -1)", "a page up"),
        Binding("r", "rename", "rename"),
        Binding("x,delete", "delete", "delete"),
        Binding("u", "undo", "undo"),
        Binding("e", "export('markdown')", "export"),
        Binding("E", "export('json')", "export as JSON"),
        Binding("i", "import", "import"),
    ]

    def __init__(
        self,
        store: Callable[[], Store],
        current: int,
        leave: Callable[[], Awaitable[None]],
        trouble: Callable[[], str] = str,
    ) -> None:
        """`current`: the chat that is open, which `leave` closes, beginning a new one; `trouble`
        says why nothing is saved, if that is so."""
        super().__init__()
        self._store, self._current, self._trouble = store, current, trouble
        self._leave = leave
        self._n_looks = 0
        self._list, self._hints = ChatList(), KeyHints()
        self._search = Input(placeholder=TYPE, compact=True)

    def compose(self) -> ComposeResult:
        with Container(id="page"):
            with Horizontal(id="filter"):
                yield Static("chats", markup=False)
                yield self._search
            yield self._list
            yield self._hints

    def on_mount(self) -> None:
        self._search.focus()
        self._look(self._current)
        self._show_hints()

    # -------------------------------------------------------------- the disk

    def _in_thread(self, work: Callable[[], Callable[[], None]], group: str = "change") -> None:
        """Run `work()` on a thread, and what it returns here."""

        def run() -> None:
            self.post_message(FromThread(work()))

        self.run_worker(run, thread=True, exit_on_error=False, group=group)

    @on(FromThread)
    def _take(self, message: FromThread) -> None:
        message.take()

    def _look(self, at: int | None = None) -> None:
        """Show what there is, the cursor on chat `at`."""
        words = self._search.value
        self._n_looks += 1
        look = self._n_looks

        def show(found: Sequence[Row], answer: Answer) -> None:
            if look == self._n_looks:  # else somebody has typed on, or changed something
                searched = bool(words.strip())
                self._list.show(found, self._current, searched, at, answered=answer[1])
                self._say(answer)

        def work() -> Callable[[], None]:
            return partial(show, *saved_chats.rows(self._store, words, self._trouble))

        self._in_thread(work, group="look")

    def _change(self, work: Callable[[], Answer], at: int | None = None) -> None:
        """Do something to a chat, and show what there is then."""

        def run() -> Callable[[], None]:
            answer = work()

            def take() -> None:
                self._hints.say("")
                self._say(answer)
                self._look(at)

            return take

        self._in_thread(run)

    def _say(self, answer: Answer) -> None:
        sentence, well = answer
        if sentence:
            self._hints.say(clean_line(sentence, 400), "$foreground" if well else "$failure")

    # -------------------------------------------------------------- keys

    def _show_hints(self) -> None:
        searching = self.focused is self._search
        self._search.placeholder = TYPE if searching else GO
        enter = "Enter" if searching else "{list_choose}"
        row: list[Hint] = [(enter, "open")] if self._list.highlighted else []
        if searching:
            hints: list[Hint] = [*row, ("↑ ↓", "move"), ("Tab", "rename, delete, export …")]
        elif row:
            own: list[Hint] = [("r", "rename"), ("x", "delete"), ("/", "search"), ("e", "export")]
            hints = [*row, *own, ("E", "as JSON"), ("u", "undo"), ("i", "import")]
        else:
            hints = [("/", "search"), ("u", "undo"), ("i", "import")]
        self._hints.show([*hints, ("Esc", self._where_back())])

    def _where_back(self) -> str:
        return "all chats" if self._search.value else "close"

    @on(PickList.Moved)
    def _moved(self) -> None:
        self._show_hints()

    def on_descendant_focus(self) -> None:
        if self._hints.said == NO_KEY:
            self._hints.say("")
        self._show_hints()

    def on_key(self, event: events.Key) -> None:
        """Who types in the list has taken it for the search."""
        if event.is_printable and event.key not in self.active_bindings:
            self._hints.say(NO_KEY)

    @on(Input.Changed)
    def _searched(self) -> None:
        self._list.cursor = -1
        self._look(None if self._search.value.strip() else self._current)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._picked()

    def action_other(self) -> None:
        (self._list if self.focused is self._search else self._search).focus()

    def action_go(self, how: str, by: int) -> None:
        """Move in the list, from the search too."""
        if how == "page":
            self._list.action_page(by)
        else:
            self._list.action_move(by)

    def action_search(self) -> None:
        self._search.focus()

    def action_back(self) -> None:
        """One step back: from what was found to all chats, from these to the chat."""
        if self._search.value:
            self._search.value = ""
            self._search.focus()
        else:
            self.dismiss(None)

    @on(PickList.Picked)
    def _picked(self) -> None:
        match self._list.highlighted:
            case Hit() as hit:
                self.dismiss(Open(hit.chat, hit.message))
            case row if row is not None:
                self.dismiss(Open(row.id))

    def _chosen(self) -> tuple[int, str] | None:
        """The chat under the cursor, and its title."""
        row = self._list.highlighted
        if row is None:
            return None
        return (row.chat if isinstance(row, Hit) else row.id), row.title

    def action_rename(self) -> None:
        if (chosen := self._chosen()) is None:
            return
        chat, title = chosen

        def rename(new: str | None) -> None:
            if new is not None:
                self._change(partial(saved_chats.renamed, self._store, chat, new), chat)

        self.app.push_screen(PromptScreen("rename", clean_line(title)), rename)

    async def action_delete(self) -> None:
        if (chosen := self._chosen()) is None:
            return
        if chosen[0] == self._current:  # what is said in it later would bring it back
            await self._leave()
            self._current = 0
        self._change(partial(saved_chats.deleted, self._store, *chosen))

    def action_undo(self) -> None:
        self._bring(lambda: saved_chats.brought_back(self._store))

    def action_import(self) -> None:
        self._ask_for_path()

    def _ask_for_path(self, before: str = "", problem: str = "") -> None:
        """Of a chat to import; again where there is a problem with the one given before."""

        def take_in(given: str | None) -> None:
            if given and given.strip():
                again = partial(self._ask_for_path, given)
                self._bring(lambda: saved_chats.imported(self._store, given), again)

        prompt = PromptScreen("import", before, "path of a chat exported as JSON", problem)
        self.app.push_screen(prompt, take_in)

    def _bring(
        self,
        work: Callable[[], tuple[int | None, Answer]],
        refused: Callable[[str], None] | None = None,
    ) -> None:
        """Do what puts a chat on the list, and go to it. `refused` takes the sentence where it
        could not be done."""

        def run() -> Callable[[], None]:
            chat, answer = work()

            def take() -> None:
                self._hints.say("")
                if chat is None and refused and self.is_current:
                    refused(clean_line(answer[0], 400))
                    return
                self._say(answer)
                if chat is not None:
                    self._look(chat)

            return take

        self._in_thread(run)

    def action_export(self, form: Format) -> None:
        if (chosen := self._chosen()) is not None:
            self._change(partial(saved_chats.saved_as, self._store, chosen[0], form), chosen[0])
