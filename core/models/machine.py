"""The devices of this machine and what they have free, as far as it can be known without llama.cpp:
main memory from the system, the others from what the engine process said of itself.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from core.models.memory import MAIN, Device
from core.protocol import DeviceMemory


def main_memory(root: Path = Path("/")) -> Device:
    """Main memory: what can still be had, the limits of a container or a job included; `free` None
    where the system does not say (beside Linux). `root`: where /proc and /sys are."""
    try:
        facts = _numbers(root / "proc/meminfo")
        total, free = facts["MemTotal:"] * 1024, facts["MemAvailable:"] * 1024
    except (OSError, LookupError, ValueError):
        return Device(MAIN, "CPU", None, _total())
    for group in _control_groups(root):
        with contextlib.suppress(OSError, LookupError, ValueError):
            limit, left = _limit_of(group)
            total, free = min(total, limit), min(free, left)
    return Device(MAIN, "CPU", free, total)


def _control_groups(root: Path) -> list[Path]:
    """Folders of the control groups that this process is in, and of those around them; of a group
    that is not seen from in here, as in a container, those around it alone."""
    folders = []
    with contextlib.suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, group = line.split(":", 2)
            if controllers in ("", "memory"):
                top = root / "sys/fs/cgroup" / controllers
                own = PurePosixPath(group.lstrip("/"))
                folders += [top / folder for folder in (own, *own.parents)]
    return folders


def _limit_of(group: Path) -> tuple[int, int]:
    """The bytes that a control group may have, and those of them that it can still get: what it
    holds of files makes room when room is wanted. Raises where the group has no limit."""
    facts = _numbers(group / "memory.stat")
    if (group / "memory.max").exists():
        limit, used = (_number(group / f"memory.{name}") for name in ("max", "current"))
        files = facts["inactive_file"] + facts["active_file"]
    else:  # version 1, whose figures of the group alone are less than with those below it
        limit, used = (_number(group / f"memory.{n}_in_bytes") for n in ("limit", "usage"))
        files = facts["total_inactive_file"] + facts["total_active_file"]
    return limit, max(limit - max(used - files, 0), 0)


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))


def _numbers(path: Path) -> dict[str, int]:
    """From lines of a name and a number each."""
    lines = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return {words[0]: int(words[1]) for words in lines}


def main_memory_held() -> list[DeviceMemory]:
    """What this process holds of main memory, mapped files included; nothing where the system does
    not say (beside Linux)."""
    try:
        n_pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        used = n_pages * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError, IndexError):
        return []
    return [DeviceMemory(name="CPU", used=used, total=main_memory().total)]


def devices_of(description: Mapping[str, object]) -> list[Device]:
    """The devices in what `python -m core.worker --describe` prints, with main memory as it is
    now. Entries that are not understood are left out."""
    devices = [main_memory()]
    listed = description.get("devices")
    for entry in listed if isinstance(listed, list) else []:
        match entry:
            case {
                "name": str(name),
                "type": "GPU" | "IGPU" as kind,
                "memory_free": int(free),
                "memory_total": int(total),
            }:
                # A device that reports no memory at all shares main memory.
                known = total > 0
                devices.append(Device(name, str(kind), free if known else None, total))
    return devices


def _total() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0
