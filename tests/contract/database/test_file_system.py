"""Which folders are on another machine's disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from lading.backends.database.file_system import bsd_mounts, linux_mounts, mounts, network_file_system

LINUX = r"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw,relatime - proc proc rw
40 22 0:40 / /home rw,relatime shared:20 master:1 - nfs4 server:/home rw,vers=4.2
41 40 254:16 / /home/fast rw,relatime - xfs /dev/vdb rw
42 22 0:44 / /mnt/my\040disk rw - fuse.sshfs me@host:/ rw
43 22 0:45 / /over rw - ext4 /dev/vdc rw
44 43 0:46 / /over rw - cifs //host/share rw
"""

MACOS = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse, protect, root data)
//me@host/share on /Volumes/the share (1) (smbfs, nodev, nosuid, mounted by me)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
"""


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("/var/lib/lading", None),
        ("/home/me/.local/share/lading", "nfs4"),
        ("/home/fast/lading", None),
        ("/homes/me", None),
        ("/mnt/my disk/lading", "fuse.sshfs"),
        ("/over/lading", "cifs"),
    ],
)
def test_linux_tells_by_the_deepest_and_latest_mount(folder: str, found: str | None) -> None:
    assert network_file_system(Path(folder), linux_mounts(LINUX)) == found


@pytest.mark.parametrize(("folder", "found"), [("/Users/me", None), ("/Volumes/the share (1)/lading", "smbfs")])
def test_macos_tells_likewise(folder: str, found: str | None) -> None:
    assert network_file_system(Path(folder), bsd_mounts(MACOS)) == found


def test_where_nobody_knows_a_folder_is_taken_for_local() -> None:
    assert network_file_system(Path("/anywhere"), iter(())) is None


def test_this_machine_tells_what_is_mounted_at_its_root(tmp_path: Path) -> None:
    found = list(mounts())

    assert "/" in {str(point) for point, _ in found}
    assert network_file_system(tmp_path, found) is None
