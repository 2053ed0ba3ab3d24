from __future__ import annotations

import pytest

from lading.oci.archive import ArchiveInvalid
from lading.oci.members import MEMBER_LIMIT, Members
from lading.oci.tar import Member, MemberKind


def members(*added: Member) -> Members:
    found = Members()
    for member in added:
        found.add(member)
    return found


def file(name: str, position: int = 512) -> Member:
    return Member(name, MemberKind.FILE, 10, position)


def link(name: str, target: str, kind: MemberKind = MemberKind.SYMLINK) -> Member:
    return Member(name, kind, 0, 512, target)


def test_files_are_found_by_their_plain_name() -> None:
    held = members(file("./a"), Member("b/", MemberKind.FOLDER, 0, 512), file("b/c", 1024))

    assert held.find("a") == file("./a")
    assert held.find("b/c") == file("b/c", 1024)
    assert held.find("b") is None
    assert held.find("d") is None
    assert list(held) == ["a", "b/c"]


@pytest.mark.parametrize(
    "linked",
    [
        link("one/layer.tar", "../two/layer.tar"),
        link("one/layer.tar", "./../two/./layer.tar"),
        link("one/layer.tar", "two/layer.tar", MemberKind.HARDLINK),
        link("one/layer.tar", "../x/../two/layer.tar"),
    ],
)
def test_links_inside_the_archive_are_followed(linked: Member) -> None:
    layer = file("two/layer.tar", 2048)

    assert members(linked, layer).find("one/layer.tar") == layer


def test_links_may_end_nowhere_but_not_go_round() -> None:
    held = members(link("lost", "nothing"), link("a", "b"), link("b", "a"), link("self", "self"))

    assert held.find("lost") is None
    for name in ("a", "self"):
        with pytest.raises(ArchiveInvalid, match="without end"):
            held.find(name)


@pytest.mark.parametrize(
    "hostile",
    [
        file("/etc/passwd"),
        file("../out"),
        file("a/../../out"),
        file("a\\b"),
        file("bad\udce9"),
        link("a", "/etc/passwd"),
        link("a", "../out"),
        link("d/a", "../../out"),
        link("d/a", "../out", MemberKind.HARDLINK),
        link("a", ""),
        link("a", "b\nc"),
        Member("tty", MemberKind.DEVICE, 0, 512),
        Member("pipe", MemberKind.PIPE, 0, 512),
        Member("holes", MemberKind.SPARSE, 10, 512),
        Member("odd", MemberKind.OTHER, 10, 512),
    ],
)
def test_what_no_writer_of_archives_makes_is_refused(hostile: Member) -> None:
    with pytest.raises(ArchiveInvalid, match="the member"):
        members(file("fine"), hostile)


@pytest.mark.parametrize("second", [file("a", 1024), file("./a"), link("a", "b")])
def test_one_name_twice_is_refused(second: Member) -> None:
    with pytest.raises(ArchiveInvalid, match="twice"):
        members(file("a"), second)


def test_a_folder_may_come_twice() -> None:
    folder = Member("blobs/", MemberKind.FOLDER, 0, 512)

    assert list(members(folder, folder, file("blobs/a"))) == ["blobs/a"]


def test_members_without_end_are_refused() -> None:
    held = Members()
    folder = Member("d/", MemberKind.FOLDER, 0, 512)
    for _ in range(MEMBER_LIMIT):
        held.add(folder)

    with pytest.raises(ArchiveInvalid, match="more than"):
        held.add(folder)
