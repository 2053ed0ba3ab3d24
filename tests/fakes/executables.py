"""Small programs of each format: no code, only what says where their parts lie."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Literal

BASE = 0x400000
"""Where a program's only segment is loaded: its first byte at this address."""


def elf(
    sections: Mapping[str, bytes], *, wide: bool = True, big_endian: bool = False, table: bool = True, data: bytes = b""
) -> bytes:
    """An ELF file with these sections, then `data`; all of it one writable segment. Without a `table` nothing names the
    sections, as after a thorough strip."""
    order = ">" if big_endian else "<"
    head, segment = (64, 56) if wide else (52, 32)
    body, records, position = bytearray(), [(b"\0" * 40, 0, 0)], head + segment
    for name, content in sections.items():
        padding = -(position + len(body)) % 16
        body += b"\0" * padding
        records.append((name.encode(), position + len(body), len(content)))
        body += content
    body += data
    names = b"\0" + b"".join(name + b"\0" for name, _, _ in records[1:]) + b".shstrtab\0"
    records.append((b".shstrtab", position + len(body), len(names)))
    body += names
    sections_at = position + len(body) if table else 0
    size = position + len(body)
    form = order + ("QQIHHHHHH" if wide else "IIIHHHHHH")
    counts = (head, segment, 1, 64 if wide else 40, len(records) if table else 0, len(records) - 1 if table else 0)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 2 if big_endian else 1, 1]) + b"\0" * 9
    entry = struct.pack(order + ("HHIQ" if wide else "HHII"), 2, 62, 1, 0)
    header = ident + entry + struct.pack(form, head, sections_at, 0, *counts)
    program = (
        struct.pack(order + "IIQQQQQQ", 1, 6, 0, BASE, BASE, size, size, 16)
        if wide
        else struct.pack(order + "IIIIIIII", 1, 0, BASE, BASE, size, size, 6, 16)
    )
    return header + program + bytes(body) + (_elf_table(records, names, order, wide) if table else b"")


def _elf_table(records: list[tuple[bytes, int, int]], names: bytes, order: str, wide: bool) -> bytes:
    form = order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII")
    rows = [struct.pack(form, *[0] * 10)]
    rows += [
        struct.pack(form, names.index(name + b"\0"), 1, 3, BASE + start, start, size, 0, 0, 16, 0)
        for name, start, size in records[1:]
    ]
    return b"".join(rows)


def windows_program(sections: Mapping[str, bytes]) -> bytes:
    """A 64-bit PE file; `.data` is writable."""
    head = 0x80
    table = head + 24 + 240
    position = (table + 40 * len(sections) + 15) // 16 * 16
    rows, body = [], bytearray()
    for name, content in sections.items():
        start = position + len(body)
        access = 0xC0000040 if name == ".data" else 0x40000040
        rows.append(struct.pack("<8sIIII12xI", name.encode(), len(content), start, len(content), start, access))
        body += content + b"\0" * (-len(content) % 16)
    dos = (b"MZ" + b"\0" * 58 + struct.pack("<I", head)).ljust(head, b"\0")
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, 240, 0x22)
    optional = (struct.pack("<H22xQ", 0x20B, BASE)).ljust(240, b"\0")
    return (dos + coff + optional + b"".join(rows)).ljust(position, b"\0") + bytes(body)


def mac_program(sections: Mapping[str, bytes]) -> bytes:
    """A 64-bit Mach-O file with one writable segment."""
    command_size = 72 + 80 * len(sections)
    position = (32 + 16 + command_size + 15) // 16 * 16
    rows, body = [], bytearray()
    for name, content in sections.items():
        start = position + len(body)
        rows.append(struct.pack("<16s16sQQI28x", name.encode(), b"__DATA", BASE + start, len(content), start))
        body += content + b"\0" * (-len(content) % 16)
    size = position + len(body)
    header = struct.pack("<IIIIIIII", 0xFEEDFACF, 0x0100000C, 0, 2, 2, 16 + command_size, 0, 0)
    segment = struct.pack("<II16sQQQQIIII", 0x19, command_size, b"__DATA", BASE, size, 0, size, 3, 3, len(sections), 0)
    other = struct.pack("<IIII", 0x2A, 16, 0, 0)
    return (header + other + segment + b"".join(rows)).ljust(position, b"\0") + bytes(body)


def universal(program: bytes) -> bytes:
    """A Mach-O file for several processors, of which this program is for the first."""
    return struct.pack(">IIIIIII", 0xCAFEBABE, 2, 0, 0, 4096, len(program), 12).ljust(4096, b"\0") + program


def go_build_information(compiler: str, *lines: str) -> bytes:
    """What Go 1.18 and later write: the strings follow their header."""
    text = b"\x30" * 16 + "".join(f"{line}\n" for line in lines).encode() + b"\xf9" * 16 if lines else b""
    return b"\xff Go buildinf:\x08\x02".ljust(32, b"\0") + _counted(compiler.encode()) + _counted(text)


def _counted(text: bytes) -> bytes:
    length, count = len(text), bytearray()
    while length >= 0x80:
        count.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([*count, length]) + text


def go_pointers(compiler: str, *lines: str, address: int, size: int = 8, big_endian: bool = False) -> bytes:
    """What Go before 1.18 wrote: addresses of the strings' headers, then those and the strings. `address` is where the
    whole is loaded."""
    order: Literal["big", "little"] = "big" if big_endian else "little"
    strings = [compiler.encode(), b"\x30" * 16 + "".join(f"{line}\n" for line in lines).encode() + b"\xf9" * 16]
    heads = [address + 32, address + 32 + 2 * size]
    starts = [address + 32 + 4 * size, address + 32 + 4 * size + len(strings[0])]
    header = b"\xff Go buildinf:" + bytes([size, 1 if big_endian else 0])
    header += b"".join(number.to_bytes(size, order) for number in heads)
    header = header.ljust(32, b"\0")
    for start, string in zip(starts, strings, strict=True):
        header += start.to_bytes(size, order) + len(string).to_bytes(size, order)
    return header + b"".join(strings)
