"""Themes: which there are, the one in use, trying others on, and what the terminal can show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual.app import App
from textual.filter import LineFilter, Monochrome, NoColor
from textual.scrollbar import ScrollBar
from textual.theme import Theme

from core.errors import SpecdecError
from core.settings import Settings, source_of
from tui.actions.settings import NO_CHOICE, SettingActions
from tui.choices import Offer
from tui.effects import Notice
from tui.filters import AsciiOnly, BlankEnds, TextStyles
from tui.frame import LIST_CELLS
from tui.stand_ins import spell_on_screen
from tui.terminal import Terminal
from tui.theme_files import ThemeFiles
from tui.theming import missing_variables, no_such_theme, user_themes

DARK, LIGHT, ANSI, COLORLESS = "specdec-dark", "specdec-light", "ansi-16", "monochrome"
LOOK_AGAIN_S = 1.0


class ThemeActions(SettingActions):
    """In which colours the screen is shown, if in any."""

    def __init__(
        self, settings: Settings, offer: Offer | None = None, terminal: Terminal | None = None
    ) -> None:
        super().__init__(settings, offer, terminal)
        self._ascii = AsciiOnly(enabled=self.terminal.ascii)
        spell_on_screen(self.terminal.ascii)
        self._styles: tuple[Theme, TextStyles] | None = None
        self.theme_files = ThemeFiles(Path(str(user_themes())))
        self.theme_problems = self._begin_with_theme()
        if self.terminal.ascii:
            ScrollBar.renderer = BlankEnds

    def watch_theme_files(self) -> None:
        """From now on, take over what changes in the user's folder."""
        self.set_interval(LOOK_AGAIN_S, self._look_at_theme_files)

    def action_change_theme(self) -> None:
        from tui.screens.themes import ThemesScreen

        if self.terminal.no_color:
            self.tell(Notice(NO_CHOICE))
        elif self.size.width >= LIST_CELLS:
            files = self.theme_files
            self.clear_notifications()  # they would lie over the list, which says it itself
            screen = ThemesScreen(list(files.themes.values()), self.theme, files.wrong)
            self.push_screen(screen, self._theme_chosen)

    def keep_theme(self, name: str) -> None:
        """Write the theme into `config.toml`, and say so, or why that cannot be."""
        try:
            said = self.keep_setting("theme", name)
        except SpecdecError as error:
            self.tell(Notice(error.message, "error"))
        else:
            self.divider.say(f"theme: {name}. {said}")

    # -------------------------------------------------------------- Textual's side

    def validate_theme(self, name: str) -> str:
        """Whoever sets the theme: without colours there is only one."""
        return COLORLESS if self.terminal.no_color else name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The app's own variables, for a theme that does not name them all."""
        theme = self.current_theme
        fallback = self.get_theme(ANSI if theme.ansi else DARK if theme.dark else LIGHT)
        return missing_variables(theme, fallback) if fallback else {}

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own for `NO_COLOR` leaves greys: ours takes its place."""
        filters = [
            one for one in super().get_line_filters() if not isinstance(one, Monochrome | NoColor)
        ]
        return [*filters, *(one for one in (self._text_styles(), self._ascii) if one.enabled)]

    def _text_styles(self) -> TextStyles:
        theme = self.current_theme
        if self._styles is None or self._styles[0] is not theme:
            few = self.terminal.few_colors and theme.name == COLORLESS
            self._styles = (theme, TextStyles(theme, bare=self.terminal.no_color or few))
        return self._styles[1]

    # -------------------------------------------------------------- the parts

    def _begin_with_theme(self) -> list[str]:
        """Make the themes known and use the one that is set; returns what is wrong with them."""
        _, problems = self.theme_files.look()
        self._registered_themes.clear()
        for theme in self.theme_files.themes.values():
            self.register_theme(theme)
        wanted = self.settings.theme
        if self.terminal.no_color or (
            self.terminal.few_colors and source_of(self.settings, "theme") == "default"
        ):
            wanted = COLORLESS
        if wanted not in self.available_themes:
            problems.append(no_such_theme(wanted, self.available_themes))
            wanted = DARK
        self.theme = wanted
        return problems

    def _look_at_theme_files(self) -> None:
        changed, problems = self.theme_files.look()
        if not (changed or problems):
            return
        from tui.screens.themes import ThemesScreen

        listed = [one for one in self.screen_stack if isinstance(one, ThemesScreen)]
        for problem in problems if not listed else ():
            self.tell(Notice(problem, "warning"))
        if not changed:
            return
        themes, in_use = self.theme_files.themes, self.current_theme
        for name in set(self.available_themes) - {*themes, in_use.name}:
            self.unregister_theme(name)
        for theme in themes.values():
            self.register_theme(theme)
        if themes.get(in_use.name, in_use) is not in_use:
            self.mutate_reactive(App.theme)
        for screen in listed:
            screen.take(list(themes.values()), self.theme_files.wrong)

    def _theme_chosen(self, answer: tuple[str, bool] | None) -> None:
        if answer and answer[1]:
            self.keep_theme(answer[0])
        elif answer:
            self.use_setting("theme", answer[0])
            self.divider.say(f"theme: {answer[0]}")
