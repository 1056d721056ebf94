"""Which file system holds a path, by the kernel's list of mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.chats import database, filesystem
from core.chats.filesystem import is_network, kind_of

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /home rw,relatime shared:2 - nfs4 server:/export rw
31 30 0:26 / /home/ann/my\\040disk rw - xfs /dev/sdb1 rw
32 22 0:27 / /mnt/far rw - fuse.sshfs someone@far:/ rw
33 22 0:28 / /home2 rw - ext4 /dev/sdc1 rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/x", "ext4"),
        ("/home/ann/.local/share", "nfs4"),
        ("/home/ann/my disk/chats.db", "xfs"),
        ("/home2/ann", "ext4"),
        ("/mnt/far/chats.db", "nfs"),
    ],
)
def test_the_innermost_mount_counts(path: str, kind: str) -> None:
    assert kind_of(path, MOUNTS) == kind


def test_without_a_list_of_mounts_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "MOUNTS", tmp_path / "none")
    assert not is_network(tmp_path)


@pytest.mark.parametrize(("network", "mode"), [(True, "truncate"), (False, "wal")])
def test_a_network_file_system_gets_no_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: bool, mode: str
) -> None:
    monkeypatch.setattr(database, "is_network", lambda _path: network)
    connection, _ = database.open_database(tmp_path / "chats.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == (mode,)
    connection.close()
