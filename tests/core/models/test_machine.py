"""What this machine has, as the system and the engine say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models.machine import devices_of, main_memory
from core.models.memory import GIB, MAIN, Device


def test_main_memory_is_read_from_the_system() -> None:
    memory = main_memory()
    assert (memory.name, memory.type) == (MAIN, "CPU")
    assert memory.free is not None and 0 < memory.free <= memory.total


def system(root: Path, group: str, **files: str) -> Path:
    """A system with 64 GiB of memory, 48 of them to be had, and a process in a control group."""
    facts = f"MemTotal: {64 * 2**20} kB\nMemAvailable: {48 * 2**20} kB\n"
    for name, text in {"proc/meminfo": facts, "proc/self/cgroup": group, **files}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_files_that_a_container_has_read_leave_its_memory_free(tmp_path: Path) -> None:
    own = "sys/fs/cgroup/memory"
    held = f"anon {GIB}\nfile {14 * GIB}\ninactive_file {5 * GIB}\nactive_file {9 * GIB}\n"
    container = {
        f"{own}.max": f"{16 * GIB}\n",
        f"{own}.current": f"{15 * GIB}\n",
        f"{own}.stat": held,
    }
    free = main_memory(system(tmp_path, "0::/\n", **container))
    assert (free.free, free.total) == (15 * GIB, 16 * GIB)
    (tmp_path / f"{own}.max").write_text("max\n")
    unlimited = main_memory(tmp_path)
    assert (unlimited.free, unlimited.total) == (48 * GIB, 64 * GIB)


def test_the_limit_of_a_job_counts_wherever_above_the_process_it_is_set(tmp_path: Path) -> None:
    job, step = "sys/fs/cgroup/system.slice/job_7", "sys/fs/cgroup/system.slice/job_7/step_0"
    stat = "inactive_file 0\nactive_file 0\n"
    limits = {
        f"{job}/memory.max": f"{8 * GIB}",
        f"{job}/memory.current": f"{3 * GIB}",
        f"{job}/memory.stat": stat,
        f"{step}/memory.max": "max",
        f"{step}/memory.current": f"{2 * GIB}",
        f"{step}/memory.stat": stat,
    }
    memory = main_memory(system(tmp_path, "0::/system.slice/job_7/step_0\n", **limits))
    assert (memory.free, memory.total) == (5 * GIB, 8 * GIB)


@pytest.mark.parametrize("group", ["/docker/4a5f", "/"])
def test_the_older_control_groups_limit_memory_too(tmp_path: Path, group: str) -> None:
    own = "sys/fs/cgroup/memory/memory"  # of a group elsewhere, nothing is seen in a container
    limits = {
        f"{own}.limit_in_bytes": f"{4 * GIB}",
        f"{own}.usage_in_bytes": f"{3 * GIB}",
        f"{own}.stat": f"inactive_file 0\ntotal_inactive_file {GIB}\ntotal_active_file {GIB}\n",
    }
    memory = main_memory(system(tmp_path, f"5:cpu:/\n4:memory:{group}\n0::/\n", **limits))
    assert (memory.free, memory.total) == (3 * GIB, 4 * GIB)


@pytest.mark.parametrize("group", ["", "nonsense", "0::", "4:memory:/../../..\n"])
def test_control_groups_that_say_nothing_limit_nothing(tmp_path: Path, group: str) -> None:
    memory = main_memory(system(tmp_path, group))
    assert (memory.free, memory.total) == (48 * GIB, 64 * GIB)


def test_devices_are_taken_from_the_engines_description() -> None:
    card = {"name": "CUDA0", "type": "GPU", "memory_free": 5, "memory_total": 9}
    listed = [
        {"name": "CPU", "type": "CPU", "memory_free": 1, "memory_total": 1},
        card,
        card | {"name": "Odd", "memory_free": "much"},
        card | {"name": "Shared", "type": "IGPU", "memory_free": 0, "memory_total": 0},
        "nonsense",
    ]
    assert devices_of({"devices": listed})[1:] == [
        Device("CUDA0", "GPU", 5, 9),
        Device("Shared", "IGPU", None, 0),
    ]
    assert [d.type for d in devices_of({"devices": "none"})] == ["CPU"]
