"""Whether the terminal is at the far end of a network: by SSH or mosh, also below tmux and sudo.

Nothing but the standard library, since it is asked before Textual is imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

VARIABLES = ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")
SERVERS = ("sshd", "sshd-session", "mosh-server", "dropbear", "etterminal", "etserver")
"""Programs whose descendants are at the far end. sudo and su take the variables away, not these."""
MOST_ANCESTORS = 64
TMUX_PATIENCE_S = 0.5


def is_remote(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether what is painted goes over a network.

    Inside of tmux the variables are those of the terminal that began the session, not of the one
    that looks at it now; tmux is asked, which takes over the variable from each that attaches.
    """
    if environ.get("TMUX"):
        attached = ask_tmux()
        if attached is not None:
            return attached
    return any(environ.get(name) for name in VARIABLES) or any(
        name in SERVERS for name in ancestors()
    )


def ask_tmux(command: str = "tmux") -> bool | None:
    """Whether the terminal that attached last came over SSH; None: tmux does not say."""
    import subprocess

    try:
        answer = subprocess.run(
            [command, "show-environment", VARIABLES[0]],
            capture_output=True,
            text=True,
            timeout=TMUX_PATIENCE_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.startswith(VARIABLES[0] + "=")  # a dash before the name: it has none


def ancestors() -> Iterator[str]:
    """The names of the processes above this one, the nearest first; none where /proc is not."""
    pid = os.getppid()
    for _ in range(MOST_ANCESTORS):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        before, _, after = stat.rpartition(")")
        yield before.partition("(")[2]
        pid = int(after.split()[1])
        if pid <= 0:
            return
