from __future__ import annotations

import io
import tarfile
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.tar import BLOCK, EXTENSION_LIMIT, Member, MemberKind, PassingTar, TarInvalid, read_members


def members_of(raw: bytes) -> list[Member]:
    found: list[Member] = []
    reading = read_members(found.append)
    wanted = next(reading)
    while True:
        position, length = wanted
        try:
            wanted = reading.send(raw[position : position + length])
        except StopIteration:
            return found


def tar_of(*members: tarfile.TarInfo, format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002 - tarfile's word
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=format) as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return raw.getvalue()


def file(name: str, size: int = 5) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


names = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=150).filter(
    lambda name: not name.endswith("/")
)


@given(
    st.lists(st.tuples(names, st.integers(0, 1200)), max_size=4),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_what_the_standard_library_writes_is_found(written: list[tuple[str, int]], form: int) -> None:
    raw = tar_of(*(file(name, size) for name, size in written), format=form)

    found = members_of(raw)

    assert [(member.name, member.size) for member in found] == written
    assert all(raw[m.position : m.position + m.size] == b"x" * m.size for m in found)


def test_every_kind_of_member_is_told() -> None:
    raw = tar_of(
        file("a"),
        special("folder", tarfile.DIRTYPE),
        special("soft", tarfile.SYMTYPE, "a"),
        special("hard", tarfile.LNKTYPE, "a"),
        special("tty", tarfile.CHRTYPE),
        special("disk", tarfile.BLKTYPE),
        special("pipe", tarfile.FIFOTYPE),
        special("odd", b"Z"),
    )

    assert [(member.kind, member.link) for member in members_of(raw)] == [
        (MemberKind.FILE, ""),
        (MemberKind.FOLDER, ""),
        (MemberKind.SYMLINK, "a"),
        (MemberKind.HARDLINK, "a"),
        (MemberKind.DEVICE, ""),
        (MemberKind.DEVICE, ""),
        (MemberKind.PIPE, ""),
        (MemberKind.OTHER, ""),
    ]


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_sizes_beyond_eight_gib_are_read(form: Literal[1, 2]) -> None:
    header = file("large", 9 * 1024**3).tobuf(form)
    found: list[Member] = []
    reading = read_members(found.append)
    wanted = next(reading)
    while not found:
        wanted = reading.send(header[wanted[0] : sum(wanted)])

    assert found[0].size == 9 * 1024**3
    assert wanted == (len(header) + 9 * 1024**3, BLOCK)


def test_old_tars_without_magic_are_read() -> None:
    header = bytearray(file("old").tobuf(tarfile.USTAR_FORMAT))
    header[257:265] = bytes(8)
    raw = checksummed(header) + b"x" * BLOCK + bytes(2 * BLOCK)

    assert [member.name for member in members_of(raw)] == ["old"]


def test_the_map_of_a_sparse_file_is_passed_over() -> None:
    header = bytearray(file("holes", 7).tobuf(tarfile.GNU_FORMAT))
    header[156:157], header[482] = b"S", 1
    more, last = bytearray(BLOCK), bytearray(BLOCK)
    more[504] = 1
    raw = checksummed(header) + bytes(more + last) + b"x" * BLOCK + tar_of(file("next"))

    found = members_of(raw)

    assert [(member.name, member.kind) for member in found] == [
        ("holes", MemberKind.SPARSE),
        ("next", MemberKind.FILE),
    ]
    assert found[0].position == 3 * BLOCK


def checksummed(header: bytearray) -> bytes:
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def broken(change: slice, value: bytes) -> bytes:
    header = bytearray(file("a").tobuf(tarfile.USTAR_FORMAT))
    header[change] = value
    return checksummed(header) + b"x" * BLOCK + bytes(2 * BLOCK)


WHOLE = tar_of(file("a", 600), file("b"))
SIZE = slice(124, 136)


@pytest.mark.parametrize(
    ("raw", "position"),
    [
        (b"", 0),
        (b"x", 0),
        (b"not a tar at all " * 100, 0),
        (WHOLE[:100], 0),
        (WHOLE[:512], 1536),
        (WHOLE[:1535], 1536),
        (WHOLE[:1600], 1536),
        (WHOLE[:2560], 2560),
        (b"\0" * 511, 0),
        (b"y" + WHOLE[1:], 0),
        (WHOLE[:1536] + b"y" + WHOLE[1537:], 1536),
        (broken(SIZE, b"\xff" * 12), 0),
        (broken(SIZE, b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7), 0),
        (broken(SIZE, b"0000000000-1"), 0),
        (broken(SIZE, b"00000000008\0"), 0),
        (WHOLE[:148] + b"garbage!" + WHOLE[156:], 0),
    ],
)
def test_a_damaged_or_cut_tar_is_refused_where_it_breaks(raw: bytes, position: int) -> None:
    with pytest.raises(TarInvalid) as refused:
        members_of(raw)

    assert refused.value.position == position
    assert str(refused.value)


def pax(records: bytes, size: int | None = None) -> bytes:
    header = tarfile.TarInfo("x")
    header.type, header.size = b"x", len(records) if size is None else size
    return header.tobuf(tarfile.USTAR_FORMAT) + records.ljust(-(-len(records) // BLOCK) * BLOCK, b"\0") + WHOLE


@pytest.mark.parametrize(
    "raw",
    [
        pax(b"garbage"),
        pax(b"99 path=x\n"),
        pax(b"0 path=x\n"),
        pax(b"9 path=x\t"),
        pax(b"8 pathx\n "),
        pax(b"10 size=-5\n"),
        pax(b"10 size=1e\n"),
        pax(b"30 size=99999999999999999999999\n"),
        pax(b"x", EXTENSION_LIMIT + 1),
        pax(b"9 path=x\n")[:520],
    ],
)
def test_garbled_extended_headers_are_refused(raw: bytes) -> None:
    with pytest.raises(TarInvalid):
        members_of(raw)


def test_extended_headers_of_very_many_records_cost_their_bytes_and_are_not_kept() -> None:
    many = pax(b"".join(b"16 key%07d=x\n" % number for number in range(EXTENSION_LIMIT // 16))).removesuffix(WHOLE)
    named = pax(b"13 path=name\n").removesuffix(WHOLE)

    (member,) = members_of(many * 20 + named + tar_of(file("other")))

    assert member.name == "name"


def test_a_global_header_names_nothing() -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = b"g", 12
    raw = header.tobuf(tarfile.USTAR_FORMAT) + b"12 path=bad\n".ljust(BLOCK, b"\0") + WHOLE

    assert [member.name for member in members_of(raw)] == ["a", "b"]


def test_names_that_are_not_utf_8_are_kept() -> None:
    raw = tar_of(special("caf\udce9", tarfile.DIRTYPE), format=tarfile.GNU_FORMAT)

    assert members_of(raw)[0].name.rstrip("/").encode("utf-8", "surrogateescape") == b"caf\xe9"


@given(st.lists(st.integers(1, 900), max_size=20), st.booleans())
def test_a_passing_tar_is_read_in_any_pieces(cuts: list[int], long_name: bool) -> None:
    raw = tar_of(file("n" * (200 if long_name else 3), 600), special("d", tarfile.DIRTYPE), file("b", 512)) + b"after"
    found: list[Member] = []
    passing = PassingTar(found.append)

    position = 0
    for length in [*cuts, len(raw)]:
        passing.update(memoryview(raw)[position : position + length])
        position += length
    passing.finish()

    assert found == members_of(raw)


@pytest.mark.parametrize("length", [0, 1, 512, 1536, 1600, 2560])
def test_a_passing_tar_that_ends_early_is_refused(length: int) -> None:
    found: list[Member] = []
    passing = PassingTar(found.append)
    passing.update(memoryview(WHOLE)[:length])

    with pytest.raises(TarInvalid):
        passing.finish()


@given(st.binary(max_size=40), st.integers(0, len(WHOLE) - 1))
def test_any_damage_is_read_or_refused(noise: bytes, place: int) -> None:
    raw = WHOLE[:place] + noise + WHOLE[place + len(noise) :]

    try:
        found = members_of(raw)
    except TarInvalid:
        return

    assert all(member.size >= 0 and member.position % BLOCK == 0 for member in found)
