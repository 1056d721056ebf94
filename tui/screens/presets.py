"""The presets: models, sampling and a system prompt under a name; use one, keep one, delete one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import ModalScreen

from core.chats.presets import Preset, preset_of, read_presets, remove_preset, save_preset
from core.errors import SpecdecError
from core.settings import DEFAULTS, Settings
from tui.choices import model_name
from tui.preferences import value_text
from tui.sanitize import clean_line
from tui.screens.confirm import ConfirmScreen
from tui.screens.prompt import PromptScreen
from tui.widgets.key_hints import KeyHints
from tui.widgets.pick_list import PickList

EMPTY = "There is none yet: s keeps what is in use now under a name."


@dataclass(frozen=True)
class Taken:
    """What the list was closed with: use this preset."""

    preset: Preset


class PresetList(PickList):
    """Two lines each: the name, and what it holds."""

    row_height = 2

    def __init__(self) -> None:
        super().__init__(id="presets")
        self._presets: Sequence[Preset] = ()
        self._empty = EMPTY

    def show(self, presets: Sequence[Preset], name: str = "", empty: str = EMPTY) -> None:
        """Take over the presets, the cursor on the one of that name, or near where it is. `empty`:
        what is said where there are none."""
        self._presets, self._empty = presets, empty
        names = [preset.name for preset in presets]
        place = names.index(name) if name in names else max(0, self.cursor)
        self.move_to(min(place, len(names) - 1))

    @property
    def highlighted(self) -> Preset | None:
        return self._presets[self.cursor] if 0 <= self.cursor < len(self._presets) else None

    def count(self) -> int:
        return len(self._presets)

    def build(self, width: int) -> Sequence[Content]:
        if not self._presets:
            return [Content.styled(self._empty, "$muted").truncate(width, ellipsis=True)]
        return super().build(width)

    def row(self, index: int, width: int) -> Sequence[Content]:
        preset = self._presets[index]
        name = Content.styled(clean_line(preset.name), "bold")
        about = Content.styled(f"  {described(preset)}", "$muted")
        return [line.truncate(width, ellipsis=True) for line in (name, about)]


def described(preset: Preset) -> str:
    """What a preset holds beside defaults, in one line: models first, the system prompt last."""
    values = {key: value for key, value in preset.values.items() if value != DEFAULTS[key]}
    pair = [model_name(str(values.pop(key))) for key in ("target", "draft") if values.get(key)]
    system = values.pop("system", "")
    parts = [" ← ".join(pair), *(f"{key} {value_text(value)}" for key, value in values.items())]
    parts.append(f"“{system}”" if system else "")
    return clean_line(" · ".join(part for part in parts if part), 400) or "the defaults"


class PresetsScreen(ModalScreen[Taken | None]):
    """Closes with the preset to use, or None."""

    DEFAULT_CSS = """
    PresetsScreen > Container {
        width: 90;
        max-width: 100%;
        height: 60%;
        min-height: 8;
        max-height: 100%;
        background: $surface;
        border: round $primary;
        border-title-color: $foreground;
        padding: 1 1 0 1;
    }
    PresetsScreen KeyHints { padding: 0; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "close"),
        Binding("s", "keep", "keep what is in use now"),
        Binding("x,delete", "delete", "delete"),
    ]

    def __init__(self, in_use: Settings) -> None:
        """`in_use`: the settings, with the models that are loaded."""
        super().__init__()
        self._in_use, self._list, self._hints = in_use, PresetList(), KeyHints()

    def compose(self) -> ComposeResult:
        with Container() as box:
            box.border_title = "presets"
            yield self._list
            yield self._hints

    def on_mount(self) -> None:
        self._list.focus()
        self._show()

    def _show(self, name: str = "", said: str = "") -> None:
        found, problem = read_presets()
        presets = tuple(found.values())
        self._list.show(presets, name, "" if problem else EMPTY)
        self._hints.say(clean_line(problem or said, 400), "$failure" if problem else "$foreground")
        own = [("{list_choose}", "use"), ("x", "delete")] if presets else []
        self._hints.show([*own, ("s", "keep what is in use now"), ("Esc", "close")])

    @on(PickList.Picked)
    def _picked(self) -> None:
        if preset := self._list.highlighted:
            self.dismiss(Taken(preset))

    def action_keep(self) -> None:
        def keep(name: str | None) -> None:
            if name is None:
                return
            name = clean_line(name)
            try:
                save_preset(preset_of(name, self._in_use))
            except SpecdecError as error:
                self._hints.say(clean_line(error.message, 400), "$failure")
            else:
                self._show(name, "It is kept.")

        before = self._list.highlighted
        prompt = PromptScreen("name of the preset", clean_line(before.name) if before else "")
        self.app.push_screen(prompt, keep)

    def action_delete(self) -> None:
        if preset := self._list.highlighted:
            question = Content.styled(f"Delete {clean_line(preset.name)}?", "bold")
            lines = [question, Content(""), Content.styled(described(preset), "$muted")]
            decided = partial(self._decided, preset.name)
            self.app.push_screen(ConfirmScreen("delete", lines), decided)

    def _decided(self, name: str, yes: bool | None) -> None:
        if not yes:
            return
        try:
            remove_preset(name)
        except SpecdecError as error:
            self._hints.say(clean_line(error.message, 400), "$failure")
        else:
            self._show(said=f"{name} is deleted.")
