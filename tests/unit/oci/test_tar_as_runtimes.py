"""What the formats leave open: members are those that Go's archive/tar finds, with which the runtimes unpack layers.

The expected names are what umoci left on the disk.
"""

from __future__ import annotations

import pytest

from lading.oci.tar import Member, MemberKind, PassingTar

_USTAR, _GNU = b"ustar\x0000", b"ustar  \0"


def member(
    name: bytes,
    content: bytes = b"",
    flag: bytes = b"0",
    *,
    prefix: bytes = b"",
    magic: bytes = _USTAR,
    end: bytes = b"",
) -> bytes:
    block = bytearray(512)
    fields = {0: name, 100: b"0000644", 124: b"%011o" % len(content), 156: flag, 257: magic, 345: prefix, 508: end}
    for position, field in fields.items():
        block[position : position + len(field)] = field
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content + b"\0" * (-len(content) % 512)


def pax(**fields: str) -> bytes:
    return member(b"pax", b"".join(_record(name.replace("__", "."), value) for name, value in fields.items()), b"x")


def _record(name: str, value: str) -> bytes:
    rest = f" {name}={value}\n".encode()
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length += 1
    return str(length).encode() + rest


def found(tar: bytes) -> list[tuple[str, MemberKind]]:
    members: list[Member] = []
    reading = PassingTar(members.append)
    reading.update(memoryview(tar + bytes(1024)))
    reading.finish()
    return [(each.name, each.kind) for each in members]


REAL = member(b"real", b"x")
LONG = member(b"././@LongLink", b"real\0", b"L", magic=_GNU)


@pytest.mark.parametrize(
    "tar",
    [
        pytest.param(pax(path="") + REAL, id="an empty path is none"),
        pytest.param(pax(size="") + REAL, id="an empty size is none"),
        pytest.param(pax(path="fake") + pax(mtime="1") + REAL, id="the second header replaces the first"),
        pytest.param(LONG + pax(path="fake") + member(b"other", b"x"), id="GNU's name, then POSIX's"),
        pytest.param(pax(path="fake") + LONG + member(b"other", b"x"), id="POSIX's name, then GNU's"),
        pytest.param(pax(path="fake") + member(b"g", b"12 comment=\n", b"g") + REAL, id="a global one between"),
    ],
)
def test_the_name_is_the_runtimes(tar: bytes) -> None:
    assert found(tar) == [("real", MemberKind.FILE)]


def test_a_file_may_be_called_like_a_folder_and_keeps_its_content() -> None:
    hidden = member(b".wh.app")

    assert found(member(b"real/", hidden) + REAL) == [("real/", MemberKind.FILE), ("real", MemberKind.FILE)]


def test_before_posix_a_slash_made_a_folder() -> None:
    assert found(member(b"real/", flag=b"\0", magic=b"")) == [("real/", MemberKind.FOLDER)]


def test_stars_prefix_is_shorter() -> None:
    assert found(member(b"l", b"x", prefix=b"a" * 131 + b"00000000000", end=b"tar\0")) == [
        ("a" * 131 + "/l", MemberKind.FILE)
    ]


def test_a_sparse_file_has_its_own_name() -> None:
    header = pax(GNU__sparse__major="1", GNU__sparse__minor="0", GNU__sparse__name="real", GNU__sparse__realsize="1")

    assert found(header + member(b"GNUSparseFile.0/x", b"1\n0\n1\n" + bytes(506) + b"x")) == [
        ("real", MemberKind.SPARSE)
    ]
