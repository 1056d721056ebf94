"""The subcommands of `specdec-tui`, one file each. A command takes settings, returns exit code."""
