"""Whether a file lies on another machine, by what the kernel says of the mounts."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs"}
_ESCAPED = re.compile(r"\\([0-7]{3})")


def is_network(path: Path) -> bool:
    """False where that is not known."""
    try:
        return kind_of(str(path.resolve()), MOUNTS.read_text("utf-8", "replace")) in NETWORK
    except OSError:
        return False


def kind_of(path: str, mounts: str) -> str:
    """The type of the file system that holds `path`, from lines as in proc(5)'s `mountinfo`."""
    longest, kind = -1, ""
    for line in mounts.splitlines():
        own, _, rest = line.partition(" - ")
        fields = own.split()
        if len(fields) < 5 or not rest:
            continue
        point = _ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= longest:  # a later mount hides an earlier one
            longest, kind = len(point), rest.split()[0]
    return kind.removeprefix("fuse.") if kind != "fuse.sshfs" else "nfs"
