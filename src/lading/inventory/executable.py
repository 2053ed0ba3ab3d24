"""Programs and libraries as files: where their sections and segments lie (ELF: System V gABI; PE: Microsoft PE/COFF;
Mach-O: mach-o/loader.h). Only what says that is read, never the code, so a program costs the same whatever its size.

Sizes and places are what a stranger wrote: `part` cuts them to the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

ELF = b"\x7fELF"
PE = b"MZ"
MACH_O = b"\xcf\xfa\xed\xfe"
MACH_O_UNIVERSAL = b"\xca\xfe\xba\xbe"
"""Also how Java's classes begin; those name a version where this has a small count."""

BEGINNINGS = (ELF, PE, MACH_O, MACH_O_UNIVERSAL)


@dataclass(frozen=True, slots=True)
class Part:
    """A section, or a segment that is loaded at `address`: `size` bytes at `position` of the file."""

    name: str
    position: int
    size: int
    address: int = 0
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Executable:
    """A program or library. `sections` are those asked for by name; `segments` all that is loaded.

    `named` is whether it has names of sections at all: if it has and one is not there, it was never written.
    """

    content: bytes
    sections: dict[str, Part]
    segments: tuple[Part, ...]
    named: bool

    def part(self, part: Part, longest: int) -> bytes:
        """The bytes of a part, at most `longest`, and none beyond the file's end."""
        return self.content[part.position : part.position + max(0, min(part.size, longest))]

    def at(self, address: int, length: int) -> bytes:
        """`length` bytes as they are loaded at `address`; none where nothing is loaded there, or not so much."""
        for segment in self.segments:
            offset = address - segment.address
            if offset >= 0 and 0 <= length <= segment.size - offset:
                return self.content[segment.position + offset : segment.position + offset + length]
        return b""


def read_executable(content: bytes, wanted: frozenset[str]) -> Executable | None:
    """The program with its sections called one of `wanted`; None where it is no whole program of a known format."""
    try:
        return _read(content, wanted)
    except (struct.error, OverflowError):
        return None


_PARTS_LIMIT = 1_000
"""The most segments, and sections of formats without a table of names: real programs have some dozens."""

_ELF_SECTIONS_LIMIT = 200_000
_NAMES_LIMIT = 4 * 1024 * 1024
_SAME_NAMES = 16


def _read(content: bytes, wanted: frozenset[str]) -> Executable | None:
    if content[:4] == ELF:
        return _elf(content, wanted)
    if content[:2] == PE:
        return _pe(content, wanted)
    if content[:4] == MACH_O_UNIVERSAL:
        return _universal(content, wanted)
    return _mach_o(content, wanted) if content[:4] == MACH_O else None


@dataclass(frozen=True, slots=True)
class _ElfShape:
    """How the numbers of an ELF file of one class and byte order are laid out.

    `header`: places of the segments and sections, then sizes and counts of both, then which section holds the names.
    `section`: name, type, address, position, size, link. `segment`: type, flags, position, address, size; the flags are
    last where the class is 32-bit.
    """

    header: struct.Struct
    section: struct.Struct
    segment: struct.Struct


def _elf_shapes(order: str) -> dict[int, _ElfShape]:
    return {
        1: _ElfShape(
            struct.Struct(order + "28xII6xHHHHH"), struct.Struct(order + "II4xIIII"), struct.Struct(order + "III4xI4xI")
        ),
        2: _ElfShape(
            struct.Struct(order + "32xQQ6xHHHHH"), struct.Struct(order + "II8xQQQI"), struct.Struct(order + "IIQQ8xQ")
        ),
    }


_ELF_SHAPES = {1: _elf_shapes("<"), 2: _elf_shapes(">")}
_SECTIONS_ARE_MANY = 0xFFFF
_LOADED = 1
_WRITABLE = 2
_SECTION_WITHOUT_BYTES = 8


def _elf(content: bytes, wanted: frozenset[str]) -> Executable | None:
    if len(content) < 6 or content[4] not in {1, 2} or content[5] not in {1, 2}:
        return None
    wide = content[4] == 2
    shape = _ELF_SHAPES[content[5]][content[4]]
    segments_at, sections_at, segment_size, segments, section_size, sections, names = shape.header.unpack_from(content)
    positions = range(segments_at, segments_at + segment_size * min(segments, _PARTS_LIMIT), max(1, segment_size))
    loaded = tuple(_elf_segments(content, shape, positions, wide))
    found: dict[str, Part] | None = None
    if sections_at and section_size >= shape.section.size:
        found = _elf_sections(content, shape, (sections_at, section_size, sections, names), wanted)
    return Executable(content, found or {}, loaded, found is not None)


def _elf_segments(content: bytes, shape: _ElfShape, positions: range, wide: bool) -> Iterator[Part]:
    for position in positions:
        fields = shape.segment.unpack_from(content, position)
        kind, flags, start, address, size = fields if wide else (fields[0], fields[4], *fields[1:4])
        if kind == _LOADED:
            yield Part("", start, size, address, bool(flags & _WRITABLE))


def _elf_sections(
    content: bytes, shape: _ElfShape, table: tuple[int, int, int, int], wanted: frozenset[str]
) -> dict[str, Part] | None:
    """The wanted sections; None where the file has no table of them, or one that lies outside it."""
    position, step, count, names_index = table
    if position + step > len(content):
        return None
    first = shape.section.unpack_from(content, position)
    count = count or first[4]
    names_index = first[5] if names_index == _SECTIONS_ARE_MANY else names_index
    if names_index >= count or position + count * step > len(content) or count > _ELF_SECTIONS_LIMIT:
        return None
    _, _, _, names_at, names_size, _ = shape.section.unpack_from(content, position + names_index * step)
    names = content[names_at : names_at + min(names_size, _NAMES_LIMIT)]
    starts = {start: name for name in wanted for start in _starts(names, name)}
    return dict(_sections_called(content, shape, range(position, position + count * step, step), starts))


def _starts(names: bytes, name: str) -> Iterator[int]:
    """Where `name` stands among the names, also as the end of another. In most files it does not, and then no section
    is looked at."""
    found = -1
    for _ in range(_SAME_NAMES):
        found = names.find(name.encode() + b"\0", found + 1)
        if found < 0:
            return
        yield found


def _sections_called(
    content: bytes, shape: _ElfShape, positions: range, starts: dict[int, str]
) -> Iterator[tuple[str, Part]]:
    if not starts:
        return
    for position in positions:
        name, kind, address, start, size, _ = shape.section.unpack_from(content, position)
        if name in starts and kind != _SECTION_WITHOUT_BYTES:
            yield starts[name], Part(starts[name], start, size, address)


_PE_SECTION = struct.Struct("<8sIIII12xI")
_PE_WRITABLE = 0x80000000


def _pe(content: bytes, wanted: frozenset[str]) -> Executable | None:
    (start,) = struct.unpack_from("<I", content, 0x3C)
    if content[start : start + 4] != b"PE\0\0":
        return None
    count, optional_size = struct.unpack_from("<H12xH", content, start + 6)
    (magic,) = struct.unpack_from("<H", content, start + 24)
    wide = magic == 0x20B
    (base,) = struct.unpack_from("<Q" if wide else "<I", content, start + (48 if wide else 52))
    table = start + 24 + optional_size
    parts = []
    for index in range(min(count, _PARTS_LIMIT)):
        name, _, address, size, position, flags = _PE_SECTION.unpack_from(content, table + index * _PE_SECTION.size)
        called = name.rstrip(b"\0").decode("latin-1")
        parts.append(Part(called, position, size, base + address, bool(flags & _PE_WRITABLE)))
    sections = {part.name: part for part in parts if part.name in wanted}
    return Executable(content, sections, tuple(parts), named=False)


_MACH_COMMAND = struct.Struct("<II")
_MACH_SEGMENT = struct.Struct("<8x16sQQQQ4xII4x")
_MACH_SECTION = struct.Struct("<16s16sQQI28x")
_MACH_SEGMENT_KIND = 0x19
_MACH_WRITABLE = 2


def _mach_o(content: bytes, wanted: frozenset[str]) -> Executable:
    (commands,) = struct.unpack_from("<I", content, 16)
    position = 32
    segments: list[Part] = []
    sections: dict[str, Part] = {}
    for _ in range(min(commands, _PARTS_LIMIT)):
        kind, size = _MACH_COMMAND.unpack_from(content, position)
        if kind == _MACH_SEGMENT_KIND:
            name, address, _, start, length, access, count = _MACH_SEGMENT.unpack_from(content, position)
            writable = bool(access & _MACH_WRITABLE)
            segments.append(Part(name.rstrip(b"\0").decode("latin-1"), start, length, address, writable))
            sections |= _mach_sections(content, position + _MACH_SEGMENT.size, min(count, _PARTS_LIMIT), wanted)
        position += max(size, _MACH_COMMAND.size)
    return Executable(content, sections, tuple(segments), named=True)


def _mach_sections(content: bytes, position: int, count: int, wanted: frozenset[str]) -> dict[str, Part]:
    sections = {}
    for index in range(count):
        name, _, address, size, start = _MACH_SECTION.unpack_from(content, position + index * _MACH_SECTION.size)
        called = name.rstrip(b"\0").decode("latin-1")
        if called in wanted:
            sections[called] = Part(called, start, size, address)
    return sections


_UNIVERSAL_LIMIT = 20


def _universal(content: bytes, wanted: frozenset[str]) -> Executable | None:
    """The first program of several that are one for each processor: they are built from the same packages."""
    count, start, size = struct.unpack_from(">4xI8xII", content)
    if not 0 < count < _UNIVERSAL_LIMIT or content[start : start + 4] != MACH_O:
        return None
    return _mach_o(content[start : start + size], wanted)
