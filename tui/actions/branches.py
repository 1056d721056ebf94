"""Earlier messages: written anew as branches, walked between, and replies that go on."""

from __future__ import annotations

from tui.actions.chat import ChatActions
from tui.effects import BUSY
from tui.sanitize import clean_text
from tui.shown import being_answered

NO_FORK = "there is no other branch on this side"
COMPLETE = "the last reply is at its end"
NO_REPLY = "there is no reply to continue yet"
NOTHING_SENT = "you have sent no message yet"


class BranchActions(ChatActions):
    """What is done with the branches of the conversation that is open."""

    set_aside = ""
    """What was in the composer before an earlier message took its place."""

    async def action_resume(self) -> None:
        """Continue the last reply where it was broken off; one without a word begins anew."""
        turns = self.dialogue.conversation.turns
        if self.dialogue.busy:
            self.hint(BUSY)
            return
        if turns and not turns[-1].reply:
            await self.action_regenerate()
            return
        turn, view = self.dialogue.resume(), self.chat.last_reply
        if turn is None or view is None:
            self.divider.say(COMPLETE if turns else NO_REPLY)
            return
        self.leave_picking()
        self.divider.hint = ""
        view.message = being_answered(turn, self.dialogue.conversation.places())
        view.changed()
        self.chat.follow()
        self.show_state()

    # -------------------------------------------------------------- an earlier message

    def action_edit_earlier(self) -> None:
        self._pick(-1)

    def action_edit_later(self) -> None:
        self._pick(1)

    def _pick(self, step: int) -> None:
        """Put the user's message `step` away from the one picked into the composer."""
        turns = self.dialogue.conversation.turns
        if self.dialogue.busy or not turns:
            self.hint(BUSY if self.dialogue.busy else NOTHING_SENT)
            return
        if self.picked is None:
            if step > 0:
                return
            self.set_aside = self.composer.text
        index = (len(turns) if self.picked is None else self.picked) + step
        if index >= len(turns):
            self._put_back()
            return
        self.picked = index = max(0, index)
        self.composer.text = clean_text(turns[index].prompt)
        self.composer.move_cursor(self.composer.document.end)
        self.chat.go_to(turns[index].prompt_id)
        self._say_what_is_picked()

    def _say_what_is_picked(self) -> None:
        n_turns = len(self.dialogue.conversation.turns)
        place = f"message {(self.picked or 0) + 1} of {n_turns}"
        keys = self.shortcuts.named("{send}: new branch · {stop}: leave")
        self.standing_hint = f"{place} · {keys}"
        self.divider.hint = ""
        self.show_state()

    def _put_back(self) -> None:
        self.chat.follow()
        self.leave_picking()

    def leave_picking(self) -> None:
        """However one leaves, what was being written before is there again; and what was made of
        the earlier message can be called back."""
        if self.picked is not None:
            turns, text = self.dialogue.conversation.turns, self.composer.text
            picked = turns[self.picked].prompt if self.picked < len(turns) else ""
            if text not in ("", clean_text(picked)):
                self.composer.recall.remember(text)
            self.composer.text, self.set_aside = self.set_aside, ""
            self.composer.move_cursor(self.composer.document.end)
        super().leave_picking()

    async def action_stop(self) -> None:
        """Esc leaves an earlier message first; the reply goes on until it is pressed again."""
        if self.picked is not None:
            self._put_back()
        else:
            await super().action_stop()

    # -------------------------------------------------------------- branches

    async def action_branch_before(self) -> None:
        await self._walk(-1)

    async def action_branch_after(self) -> None:
        await self._walk(1)

    async def _walk(self, step: int) -> None:
        """Show the branch beside the message picked, or else beside the last one that has any."""
        conversation = self.dialogue.conversation
        if self.dialogue.busy:
            self.hint(BUSY)
            return
        at = None if self.picked is None else conversation.turns[self.picked].prompt_id
        shown = conversation.walk(step, at)
        if shown is None:
            self.divider.say(NO_FORK)
            return
        self.keeper.save(conversation.record(), [], True)
        await self.show_conversation(conversation.turns)
        if self.picked is not None:
            self.composer.text = clean_text(conversation.turns[self.picked].prompt)
            self.composer.move_cursor(self.composer.document.end)
            self._say_what_is_picked()
        if self.picked is not None or shown != conversation.turns[-1].reply_id:
            self.chat.go_to(shown)
