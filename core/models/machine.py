"""The devices of this machine and what they have free, as far as it can be known without llama.cpp:
main memory from the system, the others from what the engine process said of itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from core.models.memory import MAIN, Device
from core.protocol import DeviceMemory


def main_memory() -> Device:
    """Main memory: what can still be had, the limit of a container included; `free` None where the
    system does not say (beside Linux)."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        facts = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        total, free = facts["MemTotal"], facts["MemAvailable"]
    except (OSError, LookupError, ValueError):
        return Device(MAIN, "CPU", None, _total())
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return Device(MAIN, "CPU", free, total)
    return Device(MAIN, "CPU", min(free, max(limit - used, 0)), min(total, limit))


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
