"""What leaves the chat: replies and code blocks, to the clipboard or to a file; and what of a reply
is folded away."""

from __future__ import annotations

from core.models.untrusted import shown
from core.reasoning import answer
from tui.clipboard import notice, osc52
from tui.effects import Notice
from tui.frame import LIST_CELLS, Frame
from tui.sanitize import clean_text


class CopyActions(Frame):
    """What is taken out of replies."""

    def copy_to_clipboard(self, text: str) -> None:
        """As Textual does for what is selected, and through tmux and screen."""
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(osc52(text))

    def _send(self, what: str, text: str) -> None:
        self.copy_to_clipboard(text)
        self.tell(Notice(notice(what, text)))

    def action_copy_reply(self) -> None:
        text = clean_text(answer(self.dialogue.conversation.last_reply))
        if text:
            self._send("The reply was", text)
        else:
            self.divider.say("there is no reply to copy yet")

    def action_code(self) -> None:
        from tui.code_blocks import newest
        from tui.screens.code import CodeScreen, Taken

        def taken(done: Taken | None) -> None:
            if done and done.path:
                self.tell(Notice(f"The code was saved to {shown(done.path, 200)}."))
            elif done:
                self._send("The code was", done.block.code)

        if self.size.width < LIST_CELLS:
            return
        blocks = newest(turn.reply for turn in reversed(self.dialogue.conversation.turns))
        if blocks:
            self.push_screen(CodeScreen(blocks), taken)
        else:
            self.divider.say("there is no code block in this chat yet")

    def action_fold_reasoning(self) -> None:
        if not self.chat.fold_reasoning():
            self.divider.say("no reply here has any reasoning")
