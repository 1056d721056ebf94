"""The chats on disk: the list of them, opening one, and what there is to say of saving."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.command import Provider

from core.errors import SpecdecError
from tui.actions.branches import BranchActions
from tui.conversation import Conversation
from tui.effects import Notice
from tui.frame import LIST_CELLS, Frame
from tui.keeping import InterruptedFound, Kept
from tui.messages import FromThread
from tui.sanitize import clean_line

if TYPE_CHECKING:
    from tui.screens.chats import Open

INTERRUPTED = "a reply was interrupted: {chats}, Enter opens it"


def _in_palette() -> type[Provider]:
    from tui.chats_in_palette import ChatsInPalette

    return ChatsInPalette


class SavedChatActions(BranchActions):
    """What is done with the chats on disk."""

    COMMANDS = Frame.COMMANDS | {_in_palette}

    def open_saved(self, chat: int) -> None:
        """Go on with a saved chat, where it ended."""
        from tui.screens.chats import Open

        self._chosen(Open(chat))

    def action_chats(self) -> None:
        from tui.screens.chats import ChatsScreen

        if self.size.width >= LIST_CELLS:
            keeper, open_now = self.keeper, self.dialogue.conversation.id
            chats = ChatsScreen(keeper.store, open_now, self.action_new_chat, keeper.trouble)
            self.push_screen(chats, self._chosen)

    def _chosen(self, chosen: Open | None) -> None:
        if chosen is not None:
            work = partial(self._fetch, chosen.chat, chosen.message)
            self.run_worker(work, thread=True, exit_on_error=False)

    def _fetch(self, chat: int, message: int | None) -> None:
        """On a thread: the whole of a chat."""
        try:
            conversation = Conversation.of(*self.keeper.store().load(chat))
        except SpecdecError as error:
            notice = Notice(clean_line(error.message, 400), "error")
            self.post_message(FromThread(partial(self.tell, notice)))
            return
        self.post_message(FromThread(partial(self._open, conversation, message)))

    @on(FromThread)
    async def _take_from_thread(self, message: FromThread) -> None:
        result = message.take()
        if hasattr(result, "__await__"):
            await result

    async def _open(self, conversation: Conversation, message: int | None) -> None:
        """Go on with a chat from the disk, at a message of it or at its end."""
        self.leave_picking()
        self.composer.focus()
        open_now = self.dialogue.conversation
        is_open = conversation.id == open_now.id
        if is_open and self.dialogue.busy:
            if message is not None:  # what is being written stays where it is
                self.chat.go_to(message)
            return
        if is_open and message is None and conversation.kept == open_now.kept:
            self.action_chat_edge(1)  # it is open as it is, with its figures
            self.say_unfinished()
            return
        if message is not None:
            conversation.show_message(message)
        self.dialogue.open_chat(conversation)
        await self.show_conversation(conversation.turns)
        if message is not None:
            self.chat.go_to(message)
        else:
            self.say_unfinished()

    def action_export(self) -> None:
        """Write this chat to a Markdown file in the folder where the app was started."""
        if not self.dialogue.conversation.kept:
            self.divider.say("there is nothing to export yet")
            return
        from tui.saved_chats import exported

        def work(conversation: Conversation) -> None:
            chat, messages = conversation.record(), dict(conversation.kept)
            sentence, well = exported(chat, messages, "markdown")
            notice = Notice(clean_line(sentence, 400), "information" if well else "error")
            self.post_message(FromThread(partial(self.tell, notice)))

        self.run_worker(partial(work, self.dialogue.conversation), thread=True, exit_on_error=False)

    # -------------------------------------------------------------- what the keeper says

    @on(Kept)
    def _kept(self, message: Kept) -> None:
        self.tell(Notice(clean_line(message.text, 400), "warning"))

    @on(InterruptedFound)
    def _interrupted_found(self) -> None:
        if not self.dialogue.conversation.turns:
            self.standing_hint = self.shortcuts.named(INTERRUPTED)
            self.show_state()
