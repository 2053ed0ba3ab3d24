"""Whether a folder is on another machine's disk: what the system says is mounted where.

SQLite's WAL needs memory shared by all its processes and locks that hold, and a network file system gives neither
(sqlite.org/wal.html, "all processes using a database must be on the same host computer").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

NETWORK = frozenset(
    {
        "9p", "acfs", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.ceph", "fuse.davfs2",
        "fuse.glusterfs", "fuse.juicefs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre",
        "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "smb3", "smbfs", "webdav",
    }
)  # fmt: skip
"""Types of file systems, as the system names them, that keep their files on another machine or share them with one."""

_LINUX_MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")
_BSD_LINE = re.compile(r"\S+ on (?P<point>.+) \((?P<type>[^,)]+)[^)]*\)")

Mount = tuple[PurePosixPath, str]
"""Where something is mounted, and the type of its file system."""


def network_file_system(folder: Path, mounts: Iterable[Mount]) -> str | None:
    """The type of the network file system that `folder` is on; None for a local disk, or where nobody knows."""
    place = PurePosixPath(folder.resolve())
    depth, found = -1, ""
    for point, kind in mounts:
        if place.is_relative_to(point) and len(point.parts) >= depth:  # a later mount covers an earlier one
            depth, found = len(point.parts), kind
    return found if found in NETWORK else None


def linux_mounts(text: str) -> Iterator[Mount]:
    """From /proc/self/mountinfo (proc(5)): the fifth field is the mount point, the type comes after a lone dash."""
    for line in text.splitlines():
        fields, _, rest = line.partition(" - ")
        point = _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 8)), fields.split(" ")[4])
        yield PurePosixPath(point), rest.partition(" ")[0]


def bsd_mounts(text: str) -> Iterator[Mount]:
    """From the output of mount(8) on macOS: `/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled)`."""
    for line in text.splitlines():
        if found := _BSD_LINE.fullmatch(line):
            yield PurePosixPath(found["point"]), found["type"]


def mounts() -> Iterator[Mount]:
    """What is mounted on this machine; nothing where the system does not tell."""
    try:
        if _LINUX_MOUNTS.exists():
            return linux_mounts(_LINUX_MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
        return bsd_mounts(_mount_output())
    except OSError:
        return iter(())


def _mount_output() -> str:
    import subprocess  # noqa: PLC0415  two milliseconds of every command, which only macOS needs

    return subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=False).stdout
