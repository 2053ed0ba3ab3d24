"""The members of an image archive: every name checked once, every link followed inside the archive only.

Docker's older archives share layers by links between their folders, so links are followed; but nothing may lead out,
and whatever no writer of image archives makes (devices, pipes, one name twice) is refused with the whole archive.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from lading.oci.archive import ArchiveInvalid, check_member, shown_member
from lading.oci.tar import Member, MemberKind

MEMBER_LIMIT = 100_000
_LINK_LIMIT = 8


class Members:
    """Filled by `read_members`, then asked for files by name."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._count = 0

    def add(self, member: Member) -> None:
        """The next member. Raises ArchiveInvalid."""
        self._count += 1
        if self._count > MEMBER_LIMIT:
            raise ArchiveInvalid("the tar", f"has more than {MEMBER_LIMIT} members")
        name = check_member(member.name)
        if member.kind in {MemberKind.DEVICE, MemberKind.PIPE, MemberKind.SPARSE, MemberKind.OTHER}:
            raise ArchiveInvalid(shown_member(name), f"is a {member.kind.value}")
        if member.kind is MemberKind.FOLDER:
            return
        if name in self._members:
            raise ArchiveInvalid(shown_member(name), "is there twice")
        if member.kind is not MemberKind.FILE:
            _target(name, member)
        self._members[name] = member

    def find(self, name: str) -> Member | None:
        """The file of this name, or the file that links of this name end at; None where there is none.

        Raises ArchiveInvalid where links go round in circles.
        """
        for _ in range(_LINK_LIMIT):
            member = self._members.get(name)
            if member is None or member.kind is MemberKind.FILE:
                return member
            name = _target(name, member)
        raise ArchiveInvalid(shown_member(name), "is a link to a link to a link without end")

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)


def _target(name: str, member: Member) -> str:
    """A symbolic link is relative to its folder, a hard link to the archive. Raises ArchiveInvalid."""
    if not member.link or member.link.startswith("/") or "\\" in member.link or not member.link.isprintable():
        raise ArchiveInvalid(shown_member(name), "is a link that leads out of the archive")
    folder = posixpath.dirname(name) if member.kind is MemberKind.SYMLINK else ""
    target = posixpath.normpath(posixpath.join(folder, member.link))
    if target == ".." or target.startswith("../"):
        raise ArchiveInvalid(shown_member(name), "is a link that leads out of the archive")
    return target
