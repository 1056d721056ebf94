"""X-ray: how the tokens of a reply came."""

from __future__ import annotations

from tui.frame import Frame


class XrayActions(Frame):
    """Opens X-ray."""

    def action_xray(self) -> None:
        from tui.screens.xray import XrayScreen

        if not self.dialogue.conversation.turns:
            self.divider.say("there is no reply to look into yet")
            return
        self.push_screen(XrayScreen(self.dialogue))
