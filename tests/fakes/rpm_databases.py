"""rpm's databases, written as rpm writes them: headers, and the three files that hold them."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Sequence
from contextlib import closing

INT32, STRING, STRINGS = 4, 6, 8
NAME, VERSION, RELEASE, EPOCH, LICENSE, ARCHITECTURE = 1000, 1001, 1002, 1003, 1014, 1022
OLD_FILE_NAMES, SOURCE_RPM, FOLDER_INDEXES, BASE_NAMES, FOLDER_NAMES = 1027, 1044, 1116, 1117, 1118

Entry = tuple[int, int, int, bytes]
"""Tag, type, count and content."""


def header(entries: Sequence[Entry]) -> bytes:
    """A header of these entries."""
    index, data = b"", b""
    for tag, kind, count, content in entries:
        data += b"\0" * (-len(data) % 4)
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += content
    return struct.pack(">II", len(entries), len(data)) + index + data


def package_header(
    name: str, version: str, release: str, *, epoch: int | None = None, source: str = "", files: Sequence[str] = ()
) -> bytes:
    """The header of a package of x86_64 under the MIT license."""
    entries = [text(NAME, name), text(VERSION, version), text(RELEASE, release), text(ARCHITECTURE, "x86_64")]
    entries += [text(LICENSE, "MIT"), text(SOURCE_RPM, source)]
    if epoch is not None:
        entries.append(numbers(EPOCH, [epoch]))
    if files:
        folders = sorted({file.rpartition("/")[0] + "/" for file in files})
        entries += [
            texts(FOLDER_NAMES, folders),
            texts(BASE_NAMES, [file.rpartition("/")[2] for file in files]),
            numbers(FOLDER_INDEXES, [folders.index(file.rpartition("/")[0] + "/") for file in files]),
        ]
    return header(entries)


def text(tag: int, value: str) -> Entry:
    return tag, STRING, 1, value.encode() + b"\0"


def texts(tag: int, values: Sequence[str]) -> Entry:
    return tag, STRINGS, len(values), b"".join(value.encode() + b"\0" for value in values)


def numbers(tag: int, values: Sequence[int]) -> Entry:
    return tag, INT32, len(values), struct.pack(f">{len(values)}I", *values)


def sqlite_database(headers: Sequence[bytes]) -> bytes:
    """rpmdb.sqlite."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(each,) for each in headers])
        database.commit()
        return database.serialize()


def ndb_database(headers: Sequence[bytes]) -> bytes:
    """Packages.db: a page of slots, the third of them free as after a removal, and the packages in blocks of 16."""
    slots = [struct.pack("<4sIII", b"Slot", 0, 0, 0)]
    blobs = b""
    for number, each in enumerate(headers, 1):
        block = 256 + len(blobs) // 16
        blob = struct.pack("<4sIII", b"BlbS", number, 7, len(each)) + each
        blob += b"\0" * (-len(blob) % 16)
        slots.append(struct.pack("<4sIII", b"Slot", number, block, len(blob) // 16))
        blobs += blob
    slots += [struct.pack("<4sIII", b"Slot", 0, 0, 0)] * (254 - len(slots))
    first = struct.pack("<4sIII", b"RpmP", 0, 7, 1) + struct.pack("<4I", len(headers) + 1, 0, 0, 0)
    return first + b"".join(slots) + blobs


def bdb_database(headers: Sequence[bytes], *, order: str = "<", page: int = 512) -> bytes:
    """Packages: one bucket, a chain of hash pages, one for each package; long ones on overflow pages between them."""
    pages = [b""]
    for number, each in enumerate(headers, 1):
        key = b"\1" + struct.pack(order + "I", number)
        if len(each) < page // 2:
            value, behind = b"\1" + each, []
        else:
            value = b"\3\0\0\0" + struct.pack(order + "II", len(pages) + 1, len(each))
            behind = _overflow(order, len(pages) + 1, each, page)
        following = 0 if number == len(headers) else len(pages) + 1 + len(behind)
        offsets = struct.pack(order + "HH", page - len(key), page - len(key) - len(value))
        top = _page_header(order, len(pages), following, 2, page - len(key) - len(value), 13) + offsets
        pages += [top + b"\0" * (page - len(top) - len(key) - len(value)) + value + key, *behind]
    first = bytearray(page)
    struct.pack_into(order + "IIIIBB", first, 8, 0, 0x061561, 9, page, 0, 8)
    struct.pack_into(order + "I", first, 32, len(pages) - 1)
    struct.pack_into(order + "III", first, 96, 1, 0, 0)  # where the first bucket is
    return bytes(first) + b"".join(pages)


def _overflow(order: str, first: int, content: bytes, page: int) -> list[bytes]:
    room = page - 26
    parts = [content[start : start + room] for start in range(0, len(content), room)]
    following = [*range(first + 1, first + len(parts)), 0]
    return [
        _page_header(order, first + number, following[number], 1, len(part), 7) + part.ljust(room, b"\0")
        for number, part in enumerate(parts)
    ]


def _page_header(order: str, number: int, following: int, entries: int, free: int, kind: int) -> bytes:
    return b"\0" * 8 + struct.pack(order + "IIIHHBB", number, 0, following, entries, free, 0, kind)
