"""The model browser: what is on this machine and what the Hub has, in one list with a filter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from core.settings import Settings
from tui import figures, model_shelf
from tui.browser import Browser, Local, Remote, RemoteChoice, rows
from tui.defects import SaysDefects
from tui.dialogue import Dialogue
from tui.downloads import Item, Request, summary
from tui.effects import BUSY
from tui.fetching import Fetcher
from tui.messages import FromThread
from tui.model_shelf import Shelf, same_file
from tui.sanitize import clean_line
from tui.screens.confirm import ConfirmScreen
from tui.widgets.key_hints import Hint, KeyHints, shortcuts_of
from tui.widgets.model_details import UNUSABLE, ModelDetails
from tui.widgets.model_list import ModelList
from tui.widgets.pick_list import PickList

if TYPE_CHECKING:
    from core.models.removal import Removal

LOOK_AGAIN_S = 0.2
FETCH_FIRST = "Fetch it with {list_choose}; when it is here it can be the target."
Role = Literal["target", "draft"]


@dataclass(frozen=True)
class Use:
    """What the browser was closed with: take the model at `path` as this."""

    role: Role
    path: str


class ModelsScreen(SaysDefects, ModalScreen[Use | None]):
    """Closes with the model to use, or None. Downloads that it starts go on without it."""

    CSS = """
    ModelsScreen.page { background: $background; align: left top; }
    """
    DEFAULT_CSS = """
    ModelsScreen {
        & #page { width: 100%; height: 100%; }
        & #filter { height: 1; background: $panel; padding: 0 1; }
        & #filter Static { width: 8; color: $muted; }
        & #filter Input { width: 1fr; background: $panel; padding: 0; }
        & #filter Input:focus { background-tint: $foreground 0%; }
        & #body { height: 1fr; padding-top: 1; }
        & ModelList { padding: 0 1; }
        &.-wide #body { layout: horizontal; }
        &.-wide ModelList { width: 1fr; }
        &.-wide ModelDetails { width: 57; height: 100%; border-left: solid $faint; }
        &.-narrow #body { layout: vertical; }
        &.-narrow ModelDetails { height: 8; border-top: solid $faint; }
        &.-short ModelDetails { display: none; }
        &.-short #body { padding-top: 0; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back"),
        Binding("f5", "dismiss(None)", "close", id="models"),
        Binding("f8", "app.downloads", "downloads", id="downloads"),
        Binding("slash", "filter", "filter"),
        Binding("down,up", "to_list", show=False),
        Binding("t", "use('target')", "use as target"),
        Binding("d", "use('draft')", "use as draft"),
        Binding("x,delete", "delete", "delete"),
    ]

    def __init__(
        self, settings: Settings, dialogue: Dialogue, fetcher: Fetcher, browser: Browser
    ) -> None:
        super().__init__(classes="page")
        self._dialogue, self._fetcher, self._browser = dialogue, fetcher, browser
        self._shelf = Shelf.beside(self._target, settings.models_dirs)
        self._list, self._details = ModelList(self._role), ModelDetails()
        self._hints = KeyHints()
        self._filter = Input(
            browser.words, placeholder="filter; Enter searches the Hub for it", compact=True
        )
        self._items: tuple[Item, ...] = ()
        self._asking_use = False

    def compose(self) -> ComposeResult:
        with Container(id="page"):
            with Horizontal(id="filter"):
                yield Static("models", markup=False)
                yield self._filter
            with Container(id="body"):
                yield self._list
                yield self._details
            yield self._hints

    def on_mount(self) -> None:
        self._list.focus()
        self._look_here()
        self._show()
        self.set_interval(LOOK_AGAIN_S, self._follow_downloads)

    # -------------------------------------------------------------- painting

    def _show(self) -> None:
        """Paint what is known."""
        self._items = self._fetcher.downloads.items
        self._list.show(rows(self._browser), {item.key: item for item in self._items})
        self._show_row()

    def _show_row(self) -> None:
        row = self._list.highlighted
        item = self._fetcher.downloads.get(row.key) if row else None
        self._details.show(row, item, self._role(row.key) if isinstance(row, Local) else "")
        self._hints.show(self._hints_for(row))

    def _hints_for(self, row: object) -> list[Hint]:
        if self._asking_use and isinstance(row, Local):
            return [("t", "as target"), ("d", "as draft"), ("Esc", "back")]
        if self.focused is self._filter:
            return [("Enter", "search the Hub"), ("↓", "to the list"), self._back]
        ends: list[Hint] = [("/", "filter"), ("{downloads}", "downloads"), self._back]
        match row:
            case Local():
                uses: list[Hint] = [("{list_choose}", "use"), ("t", "as target"), ("d", "as draft")]
                return [*uses, ("x", "delete"), *ends]
            case Remote():
                return [("{list_choose}", "close its files" if row.opened else "its files"), *ends]
            case RemoteChoice():
                return [("{list_choose}", "fetch"), ("d", "fetch as draft if it fits"), *ends]
        return ends

    @property
    def _back(self) -> Hint:
        filtering = self._filter.value or self.focused is self._filter
        return "Esc", "back" if filtering else "close"

    def _named(self, sentence: str) -> str:
        return shortcuts_of(self.app).named(sentence)

    def _say(self, text: str, style: str = "$notice") -> None:
        self._hints.say(clean_line(text, 400), style)

    def _follow_downloads(self) -> None:
        """Paint the downloads where they have moved; look here again where one has arrived."""
        items = self._fetcher.downloads.items
        if items == self._items:
            return
        arrived = [i.key for i in items if i.status == "done"]
        if arrived != [i.key for i in self._items if i.status == "done"]:
            self._look_here()
        running = summary(self._fetcher.downloads)
        if running or self._hints.said.startswith("fetching"):
            self._hints.say(running)
        self._show()

    @property
    def _target(self) -> str:
        state, offer = self._dialogue.state, self._dialogue.offer
        return state.target.path if state.target else offer.target

    def _role(self, path: str) -> str:
        drafter = self._dialogue.state.drafter
        if same_file(path, self._target):
            return "target"
        draft = drafter.model.path if drafter and drafter.model else ""
        return "draft" if same_file(path, draft) else ""

    # -------------------------------------------------------------- looking things up

    def _in_thread(self, look: Callable[[Callable[[], bool]], Callable[[], None]]) -> None:
        """Run `look(cancelled)` on a thread, and what it returns here, unless this was closed."""

        def work() -> None:
            worker = get_current_worker()
            take = look(lambda: worker.is_cancelled)
            if not worker.is_cancelled:
                self.post_message(FromThread(take))

        self.run_worker(work, thread=True, exit_on_error=False)

    @on(FromThread)
    def _take_answer(self, message: FromThread) -> None:
        message.take()
        self._show()

    def _look_here(self) -> None:
        def look(_: object) -> Callable[[], None]:
            models = self._shelf.models()
            return lambda: setattr(self._browser, "local", models)

        self._in_thread(look)

    @on(Input.Changed)
    def _filtered(self) -> None:
        self._browser.words = self._filter.value
        self._show()

    @on(Input.Submitted)
    def _search(self) -> None:
        words = self._browser.begin_search()

        def look(cancelled: Callable[[], bool]) -> Callable[[], None]:
            stale = lambda: cancelled() or words != self._browser.searched  # noqa: E731
            found, sentence = model_shelf.search(words, stale)
            return lambda: self._browser.end_search(words, found, sentence)

        self._in_thread(look)
        self._list.focus()
        self._show()

    def _open(self, row: Remote) -> None:
        repo = row.repository.id

        def look(cancelled: Callable[[], bool]) -> Callable[[], None]:
            answer, sentence = model_shelf.open_repository(repo, cancelled)
            return lambda: self._browser.end_opening(repo, answer, sentence)

        if self._browser.toggle(repo):
            self._in_thread(look)
        self._show()

    # -------------------------------------------------------------- keys

    @on(PickList.Moved)
    def _moved(self) -> None:
        self._leave_menu()
        self._show_row()

    def _leave_menu(self) -> None:
        if self._asking_use:
            self._asking_use = False
            self._hints.say("")

    def on_descendant_focus(self) -> None:
        self._show_row()

    def action_filter(self) -> None:
        self._filter.focus()

    def action_to_list(self) -> None:
        self._list.focus()

    def action_back(self) -> None:
        """One step back: from the menu to the list, from what fits the filter to all models, from
        these to the chat."""
        filtering = self._filter.value or self.focused is self._filter
        if self._asking_use or filtering:
            if not self._asking_use:
                self._filter.value = ""
            self._leave_menu()
            self._list.focus()
            self._show_row()
        else:
            self.dismiss(None)

    @on(PickList.Picked)
    def _picked(self) -> None:
        match row := self._list.highlighted:
            case Local() if self._asking_use:
                self.action_use("target")
            case Local():
                self._asking_use = True
                self._say(f"Use {row.model.name} as the target or as the draft?", "$foreground")
                self._show_row()
            case Remote():
                self._open(row)
            case RemoteChoice():
                self._fetch(row, "")

    def action_use(self, role: Role) -> None:
        self._leave_menu()
        match row := self._list.highlighted:
            case Local():
                self._use(row, role)
            case RemoteChoice() if role == "draft":
                self._fetch(row, self._target)
            case RemoteChoice():
                self._say(self._named(FETCH_FIRST))
        self._show_row()

    def _use(self, row: Local, role: Role) -> None:
        model, path = row.model, str(row.model.path.absolute())
        if model.error or model.kind != "language":
            self._say(model.error or UNUSABLE)
        elif self._role(row.key):
            self._say(f"It is in use as the {self._role(row.key)} already.")
        elif role == "draft":
            self._use_as_draft(path)
        elif self._dialogue.busy:
            self._say(self._named(BUSY))
        else:
            self.dismiss(Use("target", path))

    def _use_as_draft(self, path: str) -> None:
        target = self._target

        def look(_: object) -> Callable[[], None]:
            why_not = model_shelf.why_not_draft(Path(path), Path(target))

            def take() -> None:
                if why_not:
                    self._say(why_not, "$failure")
                elif self.is_active:
                    self.dismiss(Use("draft", path))
                else:  # Textual would close the screen that was opened over this one meanwhile
                    self._say("It fits; d takes it as the draft.")

            return take

        self._in_thread(look)

    def _fetch(self, row: RemoteChoice, draft_for: str) -> None:
        if row.choice.missing:
            self._say(row.choice.missing, "$failure")
        elif row.here:
            self._say("It is on this machine already.")
        elif self._fetcher.fetch(Request(row.repository.id, row.choice, draft_for)):
            queued = self._named("in the queue; {downloads} shows it")
            what = "checking whether it fits the target" if draft_for else queued
            self._hints.say(f"{clean_line(row.choice.name)}: {what}")
        else:
            self._say(self._named("It is in the queue already; {downloads} shows it."))
        self._show()

    # -------------------------------------------------------------- deleting

    def action_delete(self) -> None:
        row = self._list.highlighted
        if not isinstance(row, Local):
            return
        if role := self._role(row.key):
            self._say(f"It is in use as the {role}; choose another {role} first.")
            return

        def look(_: object) -> Callable[[], None]:
            removal, sentence = self._shelf.plan_removal(row.model)
            return lambda: self._confirm(row, removal) if removal else self._say(sentence)

        self._in_thread(look)

    def _confirm(self, row: Local, removal: Removal) -> None:
        freed = figures.size(removal.freed_bytes)
        question = f"Delete {clean_line(removal.name)}? That frees {freed}."
        lines = [Content.styled(question, "bold"), Content("")]
        lines += [Content.styled(clean_line(str(path), 300), "$muted") for path in removal.paths]
        if removal.note:
            lines += [Content(""), Content.styled(removal.note, "$notice")]

        def decided(yes: bool | None) -> None:
            if yes:
                self._remove(row, removal)

        self.app.push_screen(ConfirmScreen("delete", lines), decided)

    def _remove(self, row: Local, removal: Removal) -> None:
        def look(_: object) -> Callable[[], None]:
            problem = model_shelf.remove(removal)

            def take() -> None:
                if problem:
                    self._say(problem, "$failure")
                    return
                self._browser.forget(row.key)
                self._dialogue.forget(row.key)
                freed = figures.size(removal.freed_bytes)
                self._say(f"Deleted {removal.name}: {freed} are free again.", "$accepted")

            return take

        self._in_thread(look)
