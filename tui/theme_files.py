"""The themes there are, ours and those in the user's folder, which may change while the app runs.

A file that is wrong after it was right keeps the theme that it last held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from textual.theme import Theme

from core.errors import SpecdecError
from tui.theming import load_themes, own_themes, read_theme

Stamp = tuple[int, int]
"""When a file was changed, in nanoseconds, and its size: what tells two versions apart."""


class ThemeFiles:
    """All themes by name; `look` reads again what has changed in the user's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own, self._problems = load_themes([own_themes()])
        self._users: dict[Path, Theme] = {}
        self._stamps: dict[Path, Stamp] = {}
        self._wrong: dict[Path, str] = {}

    @property
    def wrong(self) -> Sequence[str]:
        """What is wrong now, a sentence for each file that cannot be used."""
        return list(self._wrong.values())

    @property
    def themes(self) -> Mapping[str, Theme]:
        """By name, ours first; a user's theme takes the place of ours of the same name."""
        found = {theme.name: theme for theme in self._own}
        return found | {theme.name: theme for theme in self._users.values()}

    def look(self) -> tuple[bool, list[str]]:
        """Whether a file is new, changed or gone, and a sentence for each that cannot be used."""
        stamps = self._stamps_now()
        problems, self._problems = self._problems, []
        if stamps == self._stamps:
            return False, problems
        before, self._stamps = self._stamps, stamps
        self._users = {file: theme for file, theme in self._users.items() if file in stamps}
        self._wrong = {file: said for file, said in self._wrong.items() if file in stamps}
        for file in [file for file, stamp in stamps.items() if before.get(file) != stamp]:
            self._wrong.pop(file, None)
            try:
                self._users[file] = read_theme(file)
            except SpecdecError as error:
                stays = "; its last good version stays." if file in self._users else "."
                self._wrong[file] = error.message.removesuffix(".") + stays
                problems.append(self._wrong[file])
        return True, problems

    def _stamps_now(self) -> dict[Path, Stamp]:
        found: dict[Path, Stamp] = {}
        try:
            for file in sorted(self._folder.iterdir()):
                if file.name.endswith(".toml"):
                    state = file.stat()
                    found[file] = (state.st_mtime_ns, state.st_size)
        except OSError:  # no folder, or a file that went away between the two calls
            return found
        return found
