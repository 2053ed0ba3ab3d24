"""Headers of tar files, read strictly (POSIX ustar and pax; GNU's long names, large numbers and sparse files).

Only what says where members lie is read: name, kind, size, link. Where the formats leave room, a member is what the
runtimes take it for, which are written in Go (archive/tar): a tar that means one thing here and another there would
hide what is in it. The reader is a conversation, so that the same rules
serve a file that can be read anywhere and a stream that passes once: it asks for bytes by position, always further on.

The standard library's reader is not used on what strangers send: it takes headers of any length into memory, and
lets negative sizes lead it backwards (CVE-2025-8194).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from lading.errors import ContentCorrupt

BLOCK = 512
EXTENSION_LIMIT = 1024 * 1024
"""The longest extended header taken, in bytes; real ones have some hundred."""

SIZE_LIMIT = 2**63 - BLOCK


class TarInvalid(ContentCorrupt):
    """Bytes that are no whole tar; `position` is where, in bytes from the start."""

    code = "archive_invalid"

    def __init__(self, position: int, rule: str) -> None:
        super().__init__(position, rule)
        self.position, self.rule = position, rule

    def __str__(self) -> str:
        return f"the tar is not valid at byte {self.position}: {self.rule}"


class MemberKind(Enum):
    """What a member of a tar is."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symbolic link"
    HARDLINK = "hard link"
    SPARSE = "sparse file"
    DEVICE = "device"
    PIPE = "pipe"
    OTHER = "member of an unknown kind"


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its `size` bytes begin at `position`. `link` is what a link points to, as it is written. `executable`
    is whether anybody may run it; a mode that cannot be read does not say no.

    Names are text where they are UTF-8; other bytes stand as lone surrogates, which nothing but a file name may hold.
    """

    name: str
    kind: MemberKind
    size: int
    position: int
    link: str = ""
    executable: bool = False


Reading = Generator[tuple[int, int], bytes, int]
"""Asks for (position, length) and is sent the bytes, fewer only at the end of the file; returns where it stopped."""


def read_members(found: Callable[[Member], None]) -> Reading:
    """Calls `found` with every member in order. Raises TarInvalid; a tar without its end mark was cut off."""
    position = 0
    extension: dict[str, str] = {}
    while True:
        block = yield position, BLOCK
        header = _header(block, position)
        if header is None:
            return position + BLOCK
        position += BLOCK
        data = _blocks(header.size)
        if header.flag in _EXTENDING:
            raw = yield position, _extension_size(header, position)
            extension = _further(extension, header, raw, position)
            position += data
            continue
        member = _member(header, extension, position)
        if header.flag == b"S":
            position = yield from _skip_sparse_map(block, position)
        found(replace(member, position=position))
        position += _blocks(member.size)
        extension = {}


@dataclass(frozen=True, slots=True)
class _Header:
    name: str
    flag: bytes
    size: int
    link: str
    executable: bool


_EXTENDING = (b"x", b"g", b"L", b"K")
_KINDS: Mapping[bytes, MemberKind] = {
    b"0": MemberKind.FILE,
    b"\0": MemberKind.FILE,
    b"7": MemberKind.FILE,
    b"1": MemberKind.HARDLINK,
    b"2": MemberKind.SYMLINK,
    b"3": MemberKind.DEVICE,
    b"4": MemberKind.DEVICE,
    b"5": MemberKind.FOLDER,
    b"6": MemberKind.PIPE,
    b"S": MemberKind.SPARSE,
}
_WITHOUT_DATA = frozenset(
    {MemberKind.HARDLINK, MemberKind.SYMLINK, MemberKind.DEVICE, MemberKind.FOLDER, MemberKind.PIPE}
)


def _header(block: bytes, position: int) -> _Header | None:
    """None at the end mark, a block of zeros."""
    if len(block) < BLOCK:
        empty = not block and not position
        raise TarInvalid(position, "it is empty" if empty else "it ends without its end mark; part of it is missing")
    if not any(block):
        return None
    written = _number(block[148:156], position)
    if written != sum(block) - sum(block[148:156]) + 8 * ord(" "):
        raise TarInvalid(position, "this is no header: its checksum is wrong")
    name = _text(block[:100])
    prefix_end = 476 if block[508:512] == b"tar\0" else 500  # star has times behind a shorter prefix
    if block[257:263] == b"ustar\0" and (prefix := _text(block[345:prefix_end])):
        name = f"{prefix}/{name}"
    return _Header(
        name, block[156:157], _number(block[124:136], position), _text(block[157:257]), _executable(block[100:108])
    )


def _member(header: _Header, extension: Mapping[str, str], position: int) -> Member:
    kind = _KINDS.get(header.flag, MemberKind.OTHER)
    name = extension.get(_LONG_NAME) or extension.get("path") or header.name
    link = extension.get(_LONG_LINK) or extension.get("linkpath") or header.link
    if header.flag == b"\0" and name.endswith("/"):
        kind = MemberKind.FOLDER  # how tars before POSIX write folders
    if _SPARSE in extension:
        kind, name = MemberKind.SPARSE, extension[_SPARSE] or name
    size = _decimal(extension["size"], position) if extension.get("size") else header.size
    return Member(name, kind, 0 if kind in _WITHOUT_DATA else size, position, link, header.executable)


def _executable(mode: bytes) -> bool:
    digits = mode.strip(b" \0")
    return not digits.isdigit() or b"8" in digits or b"9" in digits or bool(int(digits, 8) & 0o111)


def _skip_sparse_map(block: bytes, position: int) -> Reading:
    """GNU's map of a sparse file goes on in further blocks before the data; the last byte used says whether."""
    more = block[482]
    while more:
        block = yield position, BLOCK
        if len(block) < BLOCK:
            raise TarInvalid(position, "it ends within a header")
        more, position = block[504], position + BLOCK
    return position


def _extension_size(header: _Header, position: int) -> int:
    if header.size > EXTENSION_LIMIT:
        raise TarInvalid(position, f"an extended header has {header.size} bytes; {EXTENSION_LIMIT} are allowed")
    return header.size


def _further(known: Mapping[str, str], header: _Header, raw: bytes, position: int) -> dict[str, str]:
    """What is known of the next member, with another extended header before it. POSIX's takes the place of one before
    it, GNU's names stand beside it and go before its own; a global one, which speaks of times and comments, ends all.
    """
    if len(raw) < header.size:
        raise TarInvalid(position, "it ends within a header")
    if header.flag == b"g":
        return {}
    if header.flag == b"x":
        long = {name: known[name] for name in (_LONG_NAME, _LONG_LINK) if name in known}
        return _pax_records(raw, position) | long
    return {**known, _LONG_NAME if header.flag == b"L" else _LONG_LINK: _text(raw)}


_READ = frozenset({"path", "linkpath", "size"})
_LONG_NAME, _LONG_LINK = "L", "K"
_SPARSE = "GNU.sparse."
_SPARSE_NAME = "GNU.sparse.name"
"""The name of a sparse file: before its content its map stands under another one (GNU tar, PAX format)."""


def _pax_records(raw: bytes, position: int) -> dict[str, str]:
    """`length key=value\\n` again and again, the length counting itself (POSIX pax, Extended Header).

    Only what is read is kept, each field once: a tar may have extended headers without end before a member.
    """
    records: dict[str, str] = {}
    start = 0
    while start < len(raw):
        digits, space, _ = raw[start : start + 12].partition(b" ")
        end = start + (int(digits) if space and digits.isdigit() else 0)
        record = raw[start + len(digits) + 1 : end]
        key, equals, value = record.partition(b"=")
        if not equals or not record.endswith(b"\n") or end > len(raw):
            raise TarInvalid(position, "an extended header is garbled")
        name = _decoded(key)
        if name in _READ:
            records[name] = _decoded(value[:-1])
        elif name.startswith(_SPARSE):
            records[_SPARSE] = _decoded(value[:-1]) if name == _SPARSE_NAME else records.get(_SPARSE, "")
        start = end
    return records


def _number(field: bytes, position: int) -> int:
    """Octal digits, or with the highest bit set GNU's big-endian number."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ~(0x80 << (8 * (len(field) - 1)))
        if field[0] & 0x40:
            raise TarInvalid(position, "a size is negative")
        return _bounded(value, position)
    digits = field.strip(b" \0") or b"0"
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        raise TarInvalid(position, "this is no header: a number is garbled")
    return int(digits, 8)


def _decimal(text: str, position: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise TarInvalid(position, "a size is garbled")
    return _bounded(int(text), position)


def _bounded(value: int, position: int) -> int:
    if value > SIZE_LIMIT:
        raise TarInvalid(position, "a size is too large")
    return value


def _blocks(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _text(field: bytes) -> str:
    return _decoded(field.partition(b"\0")[0])


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


class Passing:
    """A reading of what passes once, in pieces of any size. What follows its end is not looked at."""

    def __init__(self, reading: Reading) -> None:
        self._reading: Reading | None = reading
        self._wanted = next(reading)
        self._gathered = bytearray()
        self._position = 0

    def update(self, piece: memoryview) -> None:
        """The next bytes. Raises what the reading raises, a tar's TarInvalid at the first header that is wrong."""
        end = self._position + len(piece)
        while self._reading is not None:
            start = self._wanted[0] + len(self._gathered)
            if start >= end:
                break
            taken = piece[start - self._position :][: self._wanted[1] - len(self._gathered)]
            self._gathered += taken
            if len(self._gathered) < self._wanted[1]:
                break
            self._answer()
        self._position = end

    def finish(self) -> None:
        """Nothing more comes. Raises what the reading raises, a tar's TarInvalid where the tar is not over."""
        while self._reading is not None:
            self._answer()

    def _answer(self) -> None:
        assert self._reading is not None
        gathered, self._gathered = bytes(self._gathered), bytearray()
        try:
            self._wanted = self._reading.send(gathered)
        except StopIteration:
            self._reading = None


class PassingTar(Passing):
    """Checks a tar while it passes once."""

    def __init__(self, found: Callable[[Member], None]) -> None:
        super().__init__(read_members(found))
