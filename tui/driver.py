"""Textual's driver for a terminal, with a memory of what the terminal shows."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any

from textual._ansi_sequences import SYNC_END, SYNC_START
from textual.drivers.linux_driver import LinuxDriver

from tui.painter import Painter


class PaintingDriver(LinuxDriver):
    """Writes what differs; a frame in which nothing differs is not begun."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._painter = Painter()
        self._begun = self._sync = False
        self._shown_size: os.terminal_size | None = None

    def start_application_mode(self) -> None:
        """Also after a suspension, when others have written on the screen."""
        self.forget()
        super().start_application_mode()  # type: ignore[no-untyped-call]  # it is Textual's
        resized = signal.getsignal(signal.SIGWINCH)

        def forget_first(number: int, stack: FrameType | None) -> None:
            self.forget()
            if callable(resized):
                resized(number, stack)

        signal.signal(signal.SIGWINCH, forget_first)

    def resume_application_mode(self) -> None:
        """Also after a stop that left no time to leave the terminal (SIGSTOP, as a scheduler sends
        it). A second thread that reads keys would take every other one from the first, and let the
        app hang at its end, when the first one waits for a key that the second has taken."""
        if self._key_thread is not None and self._key_thread.is_alive():
            self.suspend_application_mode()
        super().resume_application_mode()

    def forget(self) -> None:
        """The terminal may show anything: what is painted next is written in full."""
        self._painter.forget()

    def write(self, data: str) -> None:
        if data == SYNC_START:
            self._sync = True
        elif data == SYNC_END:
            if self._begun:
                super().write(data)
            self._sync = self._begun = False
        elif data.startswith("\x1b[") and data.endswith("H"):
            self._write_frame(data)
        else:
            super().write(data)

    def _write_frame(self, data: str) -> None:
        if (size := self._size_now()) != self._shown_size:
            self._shown_size = size
            self.forget()
        if painted := self._painter.paint(data, size):
            if self._sync and not self._begun:
                super().write(SYNC_START)
                self._begun = True
            super().write(painted)

    def _size_now(self) -> os.terminal_size | None:
        """Asked for each frame: one that comes after a change of size is not told so in time."""
        try:
            return os.get_terminal_size(self.fileno)
        except OSError:
            return None
