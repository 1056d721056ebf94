"""The settings: each with its value, where that comes from and what it means; changes are written
into `config.toml` and count as soon as they can."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from core.configuration import checked
from core.errors import SpecdecError
from core.settings import config_path, read_toml, source_of
from tui.preferences import (
    EFFECT_TEXT,
    Setting,
    describe,
    given_value,
    next_choice,
    source_text,
    value_text,
)
from tui.sanitize import clean_line
from tui.screens.reading import Page
from tui.widgets.key_hints import Hint, KeyHints
from tui.widgets.pick_list import PickList
from tui.widgets.setting_list import SettingList, Shown

if TYPE_CHECKING:
    from tui.actions.settings import SettingActions


class SettingsScreen(ModalScreen[None]):
    """Shows and changes settings until it is closed."""

    CSS = """
    SettingsScreen.page { background: $background; align: left top; }
    """
    DEFAULT_CSS = """
    SettingsScreen {
        & #page { width: 100%; height: 100%; }
        & #filter, & #edit { height: 1; background: $panel; padding: 0 1; }
        & #filter Static { width: 10; color: $muted; }
        & #edit { display: none; }
        & #edit Static { width: auto; padding-right: 1; color: $primary; }
        & #filter Input, & #edit Input { width: 1fr; background: $panel; padding: 0; }
        & #filter Input:focus, & #edit Input:focus { background-tint: $foreground 0%; }
        &.-editing #edit { display: block; }
        & #body { height: 1fr; padding-top: 1; }
        & SettingList { padding: 0 1; }
        & #about { padding: 0 1; border-top: solid $faint; height: 8; }
        &.-wide #body { layout: horizontal; }
        &.-wide SettingList { width: 1fr; }
        &.-wide #about { width: 48; height: 100%; border-top: none; border-left: solid $faint; }
        &.-narrow #body { layout: vertical; }
        &.-short #about { display: none; }
        &.-short #body { padding-top: 0; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "One step back"),
        Binding("alt+s", "dismiss(None)", "Close the settings", id="settings"),
        Binding("slash", "filter", "Filter the list"),
        Binding("down,up", "to_list", show=False),
        Binding("right,space,plus", "change(1)", "On or off, next choice"),
        Binding("left,minus", "change(-1)", "On or off, choice before"),
        Binding("d,delete", "reset", "Take it out of config.toml: the default counts"),
        Binding("r", "reload", "Load the models again with what was changed"),
    ]

    def __init__(self, owner: SettingActions, name: str = "") -> None:
        super().__init__(classes="page")
        self._owner, self._first = owner, name
        themes = sorted(owner.available_themes)
        self._settings = describe({"theme": themes})
        self._list, self._about, self._hints = SettingList(), Container(id="about"), KeyHints()
        self._filter = Input(placeholder="filter", compact=True)
        self._input = Input(compact=True, select_on_focus=False)
        self._label = Static(markup=False)
        self._edited: Setting | None = None
        self._wants_reload = False
        self._file: Collection[str] = ()
        """What config.toml sets."""

    def compose(self) -> ComposeResult:
        with Container(id="page"):
            with Horizontal(id="filter"):
                yield Static("settings", markup=False)
                yield self._filter
            with Container(id="body"):
                yield self._list
                yield self._about
            with Horizontal(id="edit"):
                yield self._label
                yield self._input
            yield self._hints

    def on_mount(self) -> None:
        self._list.focus()
        self._show()
        self._list.go_to(self._first)

    # -------------------------------------------------------------- painting

    def _show(self) -> None:
        try:
            self._file = read_toml(config_path())
        except SpecdecError:  # it is said when something is to be written
            self._file = {}
        words = self._filter.value.casefold().split()
        found = [
            setting
            for setting in self._settings
            if all(word in f"{setting.name} {setting.help}".casefold() for word in words)
        ]
        self._list.show(found, {setting.name: self._shown(setting) for setting in found})
        self._show_row()

    def _shown(self, setting: Setting) -> Shown:
        value = value_text(getattr(self._owner.settings, setting.name))
        return clean_line(value, 200), self._source(setting)

    def _source(self, setting: Setting) -> str:
        if setting.name in self._owner.changed_here:
            return "session"
        return source_of(self._owner.settings, setting.name, self._file)

    def _show_row(self) -> None:
        setting = self._list.highlighted
        self._about.remove_children()
        if setting is not None:
            self._about.mount(Page(self._explain(setting)))
        self._hints.show(self._hints_for(setting))

    def _explain(self, setting: Setting) -> list[Content]:
        value, source = self._shown(setting)
        lines = [
            Content.styled(setting.name, "bold"),
            Content(setting.help),
            Content.styled(source_text(source, setting.name), "$muted"),
            Content.styled(EFFECT_TEXT[setting.effect], "$muted"),
        ]
        if value != setting.default:
            lines.append(Content.styled(f"Default: {setting.default or 'not set'}", "$muted"))
        if setting.kind == "choice":
            lines.append(Content.styled("One of " + ", ".join(setting.choices), "$muted"))
        return lines

    def _hints_for(self, setting: Setting | None) -> list[Hint]:
        if self._edited is not None:
            return [("Enter", "keep"), ("Esc", "leave it as it was")]
        if self.focused is self._filter:
            return [("↓", "to the list"), ("Esc", self._where_back())]
        change: list[Hint] = []
        if setting is not None:
            words = {"switch": "on, off", "choice": "next", "text": "edit"}
            change = [("{list_choose}", words[setting.kind]), ("d", "default")]
        reload: list[Hint] = [("r", "load the models again")] if self._wants_reload else []
        return [*change, *reload, ("/", "filter"), ("Esc", self._where_back())]

    def _where_back(self) -> str:
        if self._filter.value:
            return "all settings"
        return "back" if self.focused is self._filter else "close"

    def _say(self, text: str, style: str = "$foreground") -> None:
        self._hints.say(clean_line(text, 400), style)

    # -------------------------------------------------------------- changing

    def _keep(self, setting: Setting, value: object) -> bool:
        """Write it down and use it; says what that means, or what is wrong."""
        source = self._source(setting)
        try:
            said = self._owner.keep_setting(setting.name, value)
        except SpecdecError as error:
            self._say(error.message, "$failure")
            return False
        counts = said == EFFECT_TEXT[setting.effect]  # which stands beside the list already
        self._wants_reload |= counts and setting.effect == "reload"
        done = self._written(setting, value, source) if counts else f"{setting.name}: {said}"
        self._say(done + (" r loads the models again." if self._wants_reload else ""))
        self._show()
        return True

    def _written(self, setting: Setting, value: object, source: str) -> str:
        """`source`: where the value before came from."""
        if value is None and source == "file":
            return f"{setting.name} is not in config.toml any more; the default counts."
        if value is None:
            return f"{setting.name}: the default counts."
        return f"{setting.name} = {value_text(value)} is in config.toml now."

    def action_change(self, by: int) -> None:
        setting = self._list.highlighted
        if setting is not None and setting.kind != "text":
            present = value_text(getattr(self._owner.settings, setting.name))
            self._keep(setting, given_value(setting, next_choice(setting, present, by)))

    def action_reset(self) -> None:
        if setting := self._list.highlighted:
            self._keep(setting, None)

    def action_reload(self) -> None:
        if not self._wants_reload:
            self._say("nothing was changed that needs the models to be loaded again")
        elif problem := self._owner.reload_models():
            self._say(problem, "$notice")
        else:
            self._wants_reload = False
            self._say("the models are being loaded again; the chat stays")
            self._show_row()

    @on(PickList.Picked)
    def _picked(self) -> None:
        setting = self._list.highlighted
        if setting is not None and setting.kind == "text":
            self._begin(setting)
        else:
            self.action_change(1)

    # -------------------------------------------------------------- editing a text

    def _begin(self, setting: Setting) -> None:
        self._edited = setting
        self._label.update(f"{setting.name} =")
        self._input.value = value_text(getattr(self._owner.settings, setting.name))
        self.add_class("-editing")
        self._input.cursor_position = len(self._input.value)
        self._input.focus()
        self._show_row()

    def _end(self) -> None:
        self._edited = None
        self.remove_class("-editing")
        self._list.focus()
        self._show_row()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if event.input is self._filter:
            self._show()
        elif self._edited is not None:
            self._say(self._wrong(self._edited, event.value), "$failure")

    @staticmethod
    def _wrong(setting: Setting, text: str) -> str:
        value = given_value(setting, text)
        try:
            if value is not None:
                checked(setting.name, value)
        except SpecdecError as error:
            return error.message
        return ""

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.input is self._filter:
            self._list.focus()
        elif self._edited and self._keep(self._edited, given_value(self._edited, event.value)):
            self._end()

    # -------------------------------------------------------------- moving

    @on(PickList.Moved)
    def _moved(self) -> None:
        self._show_row()

    def on_descendant_focus(self) -> None:
        self._show_row()

    def action_filter(self) -> None:
        self._filter.focus()

    def action_to_list(self) -> None:
        if self._edited is None:
            self._list.focus()

    def action_back(self) -> None:
        """One step back: from editing to the list, from what fits the filter to all settings, from
        these to the chat."""
        if self._edited is not None:
            self._end()
            self._hints.say("")
        elif self._filter.value or self.focused is self._filter:
            self._filter.value = ""
            self._list.focus()
        else:
            self.dismiss(None)
