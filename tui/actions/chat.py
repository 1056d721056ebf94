"""The chat: messages that are sent, replies that come, and what is done with them."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.widgets import TextArea

from tui.actions.commands import CommandActions
from tui.conversation import Turn
from tui.effects import BUSY, Effect, Ended, Grew, Measured, Notice
from tui.engine import EngineEvents
from tui.messages import OfferFound, Submitted
from tui.replies import summary
from tui.sanitize import clean_text
from tui.shown import asked, being_answered, shown_messages
from tui.widgets.message_view import MessageView


class ChatActions(CommandActions):
    """What is done with messages and replies."""

    picked: int | None = None
    """The turn that is being rewritten, as a branch beside it."""

    # -------------------------------------------------------------- what the engine reports

    @on(EngineEvents)
    async def _take_events(self, message: EngineEvents) -> None:
        for item in message.items:
            if self.comparison and self.comparison.take(item):
                continue
            for effect in self.dialogue.take(item):
                await self.show_effect(effect)
        self.call_after_refresh(self.engine.shown)

    @on(OfferFound)
    async def _offer_found(self, message: OfferFound) -> None:
        if message.offer is None:
            for effect in self.dialogue.refuse(message.problem):
                await self.show_effect(effect)
        elif self.dialogue.opened:
            self.dialogue.extend(message.offer)
            self._say_what_could_draft()
        else:
            self.dialogue.open(message.offer)
        self.show_state()

    def _say_what_could_draft(self) -> None:
        """A target of one's own begins without a draft where none was named."""
        dialogue = self.dialogue
        if self.settings.draft == "auto" and dialogue.draft.kind == "none":
            n = sum(draft.usable and draft.kind == "model" for draft in dialogue.offer.drafts)
            if n:
                models = "1 model" if n == 1 else f"{n} models"
                self.hint(f"nothing is drafted yet: {{drafts}} lists {models} here that could")

    async def show_effect(self, effect: Effect) -> None:
        """Put on the screen what the dialogue says has changed."""
        match effect:
            case Grew(text):
                if view := self.chat.last_reply:
                    view.grow(text)
            case Ended(turn):
                if view := self.chat.last_reply:
                    view.finish(clean_text(turn.reply), summary(turn), turn.note)
                self.divider.unsay(self.shortcuts.named(BUSY))
                if turn.finish_reason == "error" and not (turn.reply or self.composer.text):
                    self.composer.text = turn.prompt  # nothing was answered: nothing is lost
                    turn.returned = True
                    self.composer.move_cursor(self.composer.document.end)
                self.say_unfinished()
                self.show_state()
            case Notice():
                if effect.in_chat:
                    await self.chat.add(MessageView("note", effect.text))
                else:
                    self.tell(effect)
            case Measured():
                self._record(effect)

    def _record(self, reply: Measured) -> None:
        """Keep what the draft achieved, for the list of drafts; off this thread, as it writes."""

        def record() -> None:
            from core.models.records import record_served

            record_served(reply.target, reply.drafter, reply.stats)

        self.run_worker(record, thread=True, exit_on_error=False)

    # -------------------------------------------------------------- what the user does

    def ask(self, text: str) -> None:
        """Send `text` as if it had been written in the composer."""
        self.post_message(Submitted(text))

    @on(TextArea.Changed)
    def _typed(self) -> None:
        self.engine.give_way()

    @on(Submitted)
    async def _submit(self, message: Submitted) -> None:
        given = clean_text(message.text).strip()
        text = await self.take_command(given)
        if not text:
            return
        index, turns = self.picked, self.dialogue.conversation.turns
        anew = index is not None or (turns and turns[-1].returned)
        if index is None:
            turn = self.dialogue.submit(text)
        else:
            turn = self.dialogue.submit_instead(index, text)
        if turn is None:
            self.hint(BUSY)
            return
        self.composer.clear()
        self.composer.recall.remember(given)
        if anew:
            self.leave_picking()
            await self.show_conversation(self.dialogue.conversation.turns[:-1])
        await self.chat.add(MessageView.of(asked(turn, self.dialogue.conversation.places())))
        await self.await_reply(turn)

    async def await_reply(self, turn: Turn) -> None:
        """Show the reply that will come."""
        self.standing_hint = self.divider.hint = ""
        places = self.dialogue.conversation.places()
        await self.chat.add(MessageView.of(being_answered(turn, places)))
        self.show_state()

    async def show_conversation(self, turns: Sequence[Turn]) -> None:
        """Show these turns of the conversation in place of what is shown."""
        await self.chat.show_all(shown_messages(self.dialogue.conversation, turns))
        self.show_state()

    def say_unfinished(self) -> None:
        """How the last reply goes on, where it is not at its end."""
        turns = self.dialogue.conversation.turns
        if turns and turns[-1].unfinished:
            self.hint("this reply was not finished: {resume} continues it")

    def leave_picking(self) -> None:
        """No earlier message is being rewritten any more."""
        self.picked, self.standing_hint = None, ""
        self.chat.mark(None)
        self.show_state()

    async def action_stop(self) -> None:
        for effect in self.dialogue.stop():
            await self.show_effect(effect)
        self.show_state()

    async def action_new_chat(self) -> None:
        """Leave the chat for a new one; a reply that is being written is given up."""
        self.leave_picking()
        self.dialogue.new_chat()
        await self.chat.clear()
        self.show_state()

    async def action_regenerate(self) -> None:
        busy = self.dialogue.busy
        turn = self.dialogue.regenerate()
        if turn is None:
            self.hint(BUSY if busy else "there is no message to answer yet")
            return
        self.leave_picking()
        if view := self.chat.last_reply:
            await view.remove()
        await self.await_reply(turn)

    def action_scroll_chat(self, pages: int) -> None:
        if pages < 0:
            self.chat.scroll_page_up(animate=False)
        else:
            self.chat.scroll_page_down(animate=False)

    def action_chat_edge(self, direction: int) -> None:
        if direction < 0:
            self.chat.scroll_home(animate=False)
        else:
            self.chat.follow()
