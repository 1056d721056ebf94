"""Getting about: help for where one is, going to a place by its letter, the user's own editor."""

from __future__ import annotations

from textual.app import SuspendNotSupported
from textual.widget import Widget

from core.errors import SpecdecError
from tui.effects import Notice
from tui.frame import Frame
from tui.stand_ins import named_arrows

SAID_WITHOUT_TERMINAL = "the terminal cannot be given to an editor here; your text is kept."


NOWHERE_ELSE = "There is no other place on this screen to go to."


class PlaceActions(Frame):
    """What leads from one place to another."""

    def action_help(self) -> None:
        from tui.screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss(None)
        else:
            self.push_screen(HelpScreen(self.screen, self.shortcuts))

    def action_jump(self) -> None:
        from tui.screens.jump import JumpScreen, places

        if isinstance(self.screen, JumpScreen):
            self.screen.dismiss(None)
            return
        found = places(self.screen)
        if [place for place in found if not place.has_focus]:
            self.push_screen(JumpScreen(found), self._go_to)
        else:
            self.tell(Notice(NOWHERE_ELSE))

    def _go_to(self, place: Widget | None) -> None:
        if place is None:
            return
        action = getattr(place, "jump_action", "")
        if action:
            self.call_later(self.run_action, action)
        else:
            place.focus()

    def action_help_quit(self) -> None:
        """Ctrl+C, where no text is selected that it would copy: out of habit it is to take back
        what one writes, or to end the app, which it must not by accident."""
        if self.screen is self.composer.screen and self.composer.text:
            self.composer.take_back()
            self.divider.say(f"{named_arrows('↑')} brings your text back")
        else:
            self.tell(Notice(self.shortcuts.named("{quit} quits the app.")))

    def action_edit_in_editor(self) -> None:
        """Give the terminal to the editor; what it made of the message comes back."""
        from tui.editor import editor_command

        text = self.composer.text
        try:
            edited = self._edited(text, editor_command())
        except SpecdecError as error:
            self.divider.say(error.message)
        except SuspendNotSupported:
            self.divider.say(SAID_WITHOUT_TERMINAL)
        else:
            if edited != text:
                self.composer.replace_text(edited)
            self.composer.focus()

    def _edited(self, text: str, command: list[str]) -> str:
        from tui.editor import edit

        problem: SpecdecError | None = None
        with self.suspend():
            try:
                text = edit(text, command)
            except SpecdecError as error:  # Textual takes the terminal back only without one
                problem = error
        if problem is not None:
            raise problem
        return text
