"""Settings: the screen that shows them, and what takes effect when one is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.errors import SpecdecError
from core.settings import absent, source_of
from tui.effects import BUSY, Notice
from tui.frame import Frame

REMOTE_STATS_PER_SECOND = 2.0
NO_CHOICE = "NO_COLOR is set: the themes differ in colours, so there is nothing to choose."


class SettingActions(Frame):
    """What is done with settings."""

    def action_settings(self) -> None:
        self.open_settings()

    def open_settings(self, name: str = "") -> None:
        """Show the settings, with the cursor on one of them."""
        from tui.screens.settings import SettingsScreen

        self.push_screen(SettingsScreen(self, name))

    def action_say_setting(self, name: str) -> None:
        """Say what is set, under the name of the slash command that sets it."""
        self._say_setting(name)

    def _say_setting(self, name: str, when: str = "") -> None:
        from tui.preferences import value_text

        text = value_text(getattr(self.settings, name))
        self.divider.say(f"{name}{when}: {text or 'none'}")

    def look_for_absent(self) -> None:
        """On a thread: say what the settings name and is not there."""
        for sentence in absent(self.settings):
            self.call_from_thread(self.tell, Notice(sentence, "warning"))

    # -------------------------------------------------------------- changing

    def keep_setting(self, name: str, value: object) -> str:
        """Write a setting into config.toml and use it; None takes it out of the file. Returns what
        that means, in a sentence. Raises SpecdecError where it cannot be."""
        from core.settings_file import write_setting
        from tui.preferences import EFFECT_TEXT, effect_of, overriding

        wanted = write_setting(name, value)
        self.changed_here.discard(name)
        if over := overriding(source_of(self.settings, name), name):
            return f"Kept in config.toml; {over} counts over it in this session."
        self._use(name, wanted)
        return EFFECT_TEXT[effect_of(name)]

    def use_setting(self, name: str, value: object) -> None:
        """Use a value in this session only. Raises SpecdecError where it is not right."""
        from core.configuration import checked

        self._use(name, checked(name, value))
        self.changed_here.add(name)

    def _use(self, name: str, value: Any) -> None:
        from tui.preferences import effect_of

        self.settings = replace(self.settings, **{name: value})
        self.dialogue.take_settings(self.settings)
        effect = effect_of(name)
        if effect == "draft" and self.dialogue.opened:
            self.dialogue.choose_draft(self.dialogue.draft)
        elif name == "theme" and value in self.available_themes and not self.terminal.no_color:
            self.theme = str(value)
        elif name == "stats_per_second":
            self.paint_regularly()
        self.show_state()

    def reload_models(self) -> str:
        """Load the models again as the settings have them; returns why not, or an empty text."""
        if self.dialogue.busy:
            return self.shortcuts.named(BUSY)
        self.dialogue.reload()
        self.show_state()
        return ""

    # -------------------------------------------------------------- painting

    def paint_regularly(self) -> None:
        """Repaint what is known of the engine as often as the settings say."""
        per_second = self.settings.stats_per_second
        if self.terminal.remote:
            per_second = min(per_second, REMOTE_STATS_PER_SECOND)
        if self.repainting is not None:
            self.repainting.stop()
        self.repainting = self.set_interval(1 / per_second, self.show_state)

    def try_setting(self, name: str, text: object) -> bool:
        """Use a value that was given in words; says what is wrong with it. False where it is."""
        try:
            self.use_setting(name, text)
        except SpecdecError as error:
            self.divider.say(error.message)
            return False
        from tui.preferences import effect_of

        later = effect_of(name) == "chat" and self.dialogue.conversation.turns
        self._say_setting(name, ", from the next chat on" if later else "")
        return True
