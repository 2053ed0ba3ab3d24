"""Zips entry by entry: as the standard library writes them, and as nobody should."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from tempfile import TemporaryFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.backends.advisories.found import Found, Measure, SourceBroken
from lading.backends.advisories.record_files import RECORD_LIMIT
from lading.backends.advisories.zip_source import ZipSource
from tests.fakes.advisory_files import zip_with

FILES = [("a/PYSEC-1.json", b"one" * 1000), ("PYSEC-2.json", b""), ("read.md", b"no"), ("PYSEC-3.yaml", b"three")]


def found(content: bytes, measure: Measure | None = None) -> list[Found]:
    with TemporaryFile() as file:
        file.write(content)
        file.flush()
        return list(ZipSource(file, measure).files())


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_files_come_as_they_were_put_in(method: int) -> None:
    files = found(zip_with(FILES, method))

    assert [(file.path, file.content) for file in files] == [each for each in FILES if each[0] != "read.md"]


def test_more_entries_than_the_old_form_counts_are_read() -> None:
    directory = b"".join(central(b"X-%d.json" % number, 0) for number in range(70_000))

    assert len(found(LOCAL + ended_widely(directory, 70_000, len(LOCAL)))) == 70_000


def test_wide_entries_and_comments_are_read() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as dump:
        with dump.open("X-1.json", "w", force_zip64=True) as file:
            file.write(b"wide")
        dump.comment = b"PK\5\6 is only said here" * 100

    assert [(file.path, file.content) for file in found(written.getvalue())] == [("X-1.json", b"wide")]


def test_what_unpacks_to_too_much_is_left_packed() -> None:
    bomb = zip_with([("X-1.json", bytes(RECORD_LIMIT + 1)), ("X-2.json", b"fine")])

    assert [(file.path, file.content) for file in found(bomb)] == [("X-1.json", None), ("X-2.json", b"fine")]


def test_what_cannot_be_unpacked_is_told_apart() -> None:
    whole = zip_with([("X-1.json", b"text " * 100)])
    position = whole.index(zlib.compress(b"text " * 100)[2:6])
    damaged = whole[:position] + b"\xff\xff\xff\xff" + whole[position + 4 :]

    assert [file.content for file in found(damaged)] == [None]


def central(name: bytes, position: int, packed: int = 4) -> bytes:
    sizes = (0, packed, 4, len(name), 0, 0, 0, 0, 0, position)
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, *sizes) + name


def ended(directory: bytes, count: int, position: int, size: int | None = None) -> bytes:
    length = len(directory) if size is None else size
    return directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count & 0xFFFF, count & 0xFFFF, length, position, 0)


def ended_widely(directory: bytes, count: int, position: int) -> bytes:
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory), position)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, position + len(directory), 1)
    return directory + end + locator + ended(b"", 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


LOCAL = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 4, 4, 8, 0) + b"X-1.json" + b"text"


def test_entries_that_share_one_content_count_each() -> None:
    directory = central(b"X-1.json", 0) * 3

    assert len(found(LOCAL + ended(directory, 3, len(LOCAL)))) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"PK",
        b"PK" + bytes(100),
        LOCAL,
        ended(b"", 1, 0),
        ended(b"", 1, 0, 10_000),
        LOCAL + ended(central(b"X-1.json", 0), 2, len(LOCAL)),
        LOCAL + ended(central(b"X-1.json", 7), 1, len(LOCAL)),
        LOCAL + ended(central(b"X-1.json", 0xFFFFFFF0), 1, len(LOCAL)),
        LOCAL + ended(central(b"X-1.json", 0xFFFFFFFF), 1, len(LOCAL)),
        ended(b"", 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        ended_widely(b"", 2**63, 0),
        ended_widely(b"", 1, 2**64 - 1),
    ],
    ids=range(12),
)
def test_a_broken_zip_is_refused(content: bytes) -> None:
    with pytest.raises(SourceBroken):
        found(content)


def test_a_zip_of_too_many_entries_or_bytes_is_refused_whatever_they_are() -> None:
    many = zip_with([(f"{number}.md", b"") for number in range(6)])
    with pytest.raises(SourceBroken, match="5 entries"):
        found(many, Measure(files=5))
    with pytest.raises(SourceBroken, match="999 bytes"):
        found(zip_with(FILES), Measure(size=999))


@settings(max_examples=60)
@given(st.data())
def test_a_zip_with_any_byte_wrong_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(zip_with(FILES))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found(bytes(whole))
    except SourceBroken:
        return
