"""One TOML file a theme; `tui.theming` reads them. Users put their own in the config folder."""
