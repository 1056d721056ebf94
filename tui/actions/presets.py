"""Presets: the list of them, and what using one changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from textual import on
from textual.message import Message

from core.errors import SpecdecError
from core.settings import Settings
from tui.actions.settings import SettingActions
from tui.choices import Offer, chosen_offer
from tui.effects import BUSY, Notice
from tui.frame import LIST_CELLS
from tui.sanitize import clean_line
from tui.switching import Post

if TYPE_CHECKING:
    from tui.screens.presets import Taken

MODELS = ("target", "draft")


@dataclass
class PairFound(Message):
    """The models of a preset: what they are here, or why they cannot be used."""

    preset: str
    offer: Offer | None
    problem: str = ""


class PresetActions(SettingActions):
    """What is done with presets."""

    def action_presets(self) -> None:
        from tui.screens.presets import PresetsScreen

        if self.size.width < LIST_CELLS:
            return
        offer, draft = self.dialogue.offer, self.dialogue.draft
        in_use = replace(self.settings, target=offer.target, draft=draft.path or draft.kind)
        screen = PresetsScreen(in_use)
        self.push_screen(screen, self._preset_chosen)

    def _preset_chosen(self, taken: Taken | None) -> None:
        """For this session: the file of settings stays as it is."""
        if taken is None:
            return
        values = dict(taken.preset.values)
        models = {name: values.pop(name) for name in MODELS if name in values}
        if models and self.dialogue.busy:
            self.hint(BUSY)
            return
        try:
            for name, value in values.items():
                if value != getattr(self.settings, name):
                    self.use_setting(name, value)
        except SpecdecError as error:
            self.divider.say(error.message)
            return
        called = clean_line(taken.preset.name)
        if not models:
            self.divider.say(f"preset: {called}")
            return
        draft = self.dialogue.draft
        now = {"target": self.dialogue.offer.target, "draft": draft.path or draft.kind}
        self.in_thread(look_up_pair, called, now | models)

    @on(PairFound)
    def _pair_found(self, message: PairFound) -> None:
        offer = message.offer
        if offer is None:
            self.tell(Notice(f"{message.preset}: {message.problem}", "error"))
            return
        if offer.target != self.dialogue.offer.target:
            self.dialogue.switch(offer)
        elif offer.initial != self.dialogue.draft:  # the target stays loaded
            path = offer.initial.path
            draft = self.dialogue.offered(path) if path else offer.initial
            self.dialogue.choose_draft(draft)
        self.show_state()
        self.divider.say(f"preset: {message.preset}")


def look_up_pair(preset: str, models: dict[str, Any], settings: Settings, post: Post) -> None:
    """On a thread: post what to load for the target and the draft of a preset, given as the
    settings give them."""
    try:
        found = chosen_offer(replace(settings, **models, demo=False))
    except SpecdecError as error:
        post(PairFound(preset, None, clean_line(error.message, 400)))
        return
    post(PairFound(preset, found))
