"""Slash commands in the composer, what they can be completed to, and messages called back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.widgets import TextArea

from tui.actions.settings import NO_CHOICE, SettingActions
from tui.choices import DraftOption

if TYPE_CHECKING:
    from tui.slash import Command, Suggestion

AT_ONCE = ("now", "draft", "chat")
"""When a setting counts that a command may give a value for this session."""


class CommandActions(SettingActions):
    """What is done with a message that is a command."""

    def commands(self) -> Sequence[Command]:
        from tui.slash import all_commands

        return all_commands()

    async def take_command(self, text: str) -> str:
        """Do what `text` says where it is a command; returns the message where it is one."""
        from tui.slash import Refuse, Run, Say, read

        match read(text, self.commands()):
            case Say(message):
                return message
            case Refuse(sentence):
                self.divider.say(sentence)
            case Run(command, argument):
                self.composer.recall.remember(text)
                before = self.composer.text
                done = await self._run(command, argument)
                if done and self.composer.text == before:
                    self.composer.clear()
        return ""

    async def _run(self, command: Command, argument: str) -> bool:
        """Whether it was done; what kept it from being done has been said then."""
        if not argument:
            return await self.run_action(command.run)
        if command.name == "draft":
            return self._use_draft(argument)
        if command.name == "theme":
            return self._use_theme(argument)
        return self._set(command, argument)

    # -------------------------------------------------------------- those with an argument

    def _use_draft(self, name: str) -> bool:
        draft = self._draft_named(name)
        if draft is None:
            lists = self.shortcuts.named("{drafts} lists them")
            self.divider.say(f"no draft on offer is called {name!r}; {lists}")
        return draft is not None and self.take_draft(draft)

    def _draft_named(self, name: str) -> DraftOption | None:
        """By its number in the list, its kind, its name, or the only one whose name has it."""
        drafts = self.dialogue.offer.drafts
        if name.isdecimal() and 0 < int(name) <= len(drafts):
            return drafts[int(name) - 1]
        wanted = name.casefold()
        for draft in drafts:
            if wanted in (draft.name.casefold(), draft.key if draft.kind != "model" else ""):
                return draft
        having = [draft for draft in drafts if wanted in draft.name.casefold()]
        return having[0] if len(having) == 1 else None

    def _set(self, command: Command, value: str) -> bool:
        from tui.preferences import EFFECT_TEXT, effect_of, said_value

        if (effect := effect_of(command.setting)) in AT_ONCE:
            return self.try_setting(command.setting, said_value(command.setting, value))
        self.divider.say(
            f"/{command.name} takes no value; /settings sets it. {EFFECT_TEXT[effect]} "
            "With // it is sent as a message."
        )
        return False

    def _use_theme(self, name: str) -> bool:
        if self.terminal.no_color:
            self.divider.say(NO_CHOICE)
            return False
        if name not in self.available_themes:
            self.divider.say(f"there is no theme {name!r}; /theme lists them")
            return False
        return self.try_setting("theme", name)

    # -------------------------------------------------------------- completions

    @on(TextArea.Changed)
    def _complete(self) -> None:
        self.completions.follow(self.composer.text)

    def completable(self, text: str) -> tuple[Sequence[Suggestion], bool]:
        if not text.startswith("/"):
            return (), False
        from tui.slash import Run, read, suggestions

        drafts = [(draft.name, draft.reason) for draft in self.dialogue.offer.drafts]
        arguments = {
            "draft": drafts,
            "draft-len": [("auto", "the governor chooses")],
            "theme": [(name, "") for name in sorted(self.available_themes)],
        }
        found = suggestions(text, self.commands(), arguments)
        exact = len(found) == 1 and found[0].text.strip() == text.strip()
        return () if exact else found, isinstance(read(text, self.commands()), Run)
