"""A package as rpm's database keeps it: a header without its magic (rpm's Format of the RPM file, Header).

    entries: u32   length: u32   entries × (tag u32, type u32, offset u32, count u32)   data of that length

All numbers are big-endian; offsets count from the start of the data.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from lading.inventory.package import Package, PackageType
from lading.inventory.rpm_invalid import RpmDatabaseInvalid

_MOST_ENTRIES = 0xFFFF
_MOST_FILES = 1_000_000
_MOST_LETTERS = 64 * 1024 * 1024
"""How long the names of a package's files may be together: a long folder may stand for each of many short names."""
_LONGEST = 500
_COUNTS = struct.Struct(">II")
_ENTRY = struct.Struct(">IIII")


class _Tag(IntEnum):
    NAME = 1000
    VERSION = 1001
    RELEASE = 1002
    EPOCH = 1003
    VENDOR = 1011
    LICENSE = 1014
    ARCHITECTURE = 1022
    OLD_FILE_NAMES = 1027
    SOURCE_RPM = 1044
    FOLDER_INDEXES = 1116
    BASE_NAMES = 1117
    FOLDER_NAMES = 1118


class _Type(IntEnum):
    INT32 = 4
    STRING = 6
    STRINGS = 8
    TRANSLATED = 9


_DISTRIBUTIONS = re.compile(
    "alma|amazon|azure|centos|fedora|mageia|mariner|microsoft|openeuler|oracle|photon|red ?hat|rocky|suse|vmware",
    re.IGNORECASE,
)
"""What the vendors are called that make a distribution."""

_TAGS = frozenset(int(tag) for tag in _Tag)
_TEXTS = frozenset({int(_Type.STRING), int(_Type.STRINGS), int(_Type.TRANSLATED)})


@dataclass(frozen=True, slots=True)
class RpmHeader:
    """What is read of one package. `package` is None for a key that signs packages, which rpm keeps beside them."""

    package: Package | None
    files: tuple[str, ...]


def read_header(blob: bytes, evidence: str) -> RpmHeader:
    """Raises RpmDatabaseInvalid."""
    entries = _entries(blob)
    data = memoryview(blob)[_COUNTS.size + _ENTRY.size * _COUNTS.unpack_from(blob)[0] :]
    try:
        return _header(entries, data, evidence)
    except struct.error:
        raise RpmDatabaseInvalid("has a number outside of its header") from None


def _entries(blob: bytes) -> Mapping[int, tuple[int, int, int]]:
    """Type, offset and count by tag; of a tag given twice the first counts, the signed one."""
    if len(blob) < _COUNTS.size:
        raise RpmDatabaseInvalid("has a header that is cut off")
    count, length = _COUNTS.unpack_from(blob)
    if count > _MOST_ENTRIES or _COUNTS.size + _ENTRY.size * count + length > len(blob):
        raise RpmDatabaseInvalid("has a header that is longer than its record")
    entries: dict[int, tuple[int, int, int]] = {}
    index = memoryview(blob)[_COUNTS.size : _COUNTS.size + _ENTRY.size * count]
    for tag, kind, offset, number in _ENTRY.iter_unpack(index):
        if tag in _TAGS and tag not in entries:
            entries[tag] = kind, offset, number
    return entries


def _header(entries: Mapping[int, tuple[int, int, int]], data: memoryview, evidence: str) -> RpmHeader:
    name, version, release = (_text(entries, data, tag) for tag in (_Tag.NAME, _Tag.VERSION, _Tag.RELEASE))
    if not name or not version:
        raise RpmDatabaseInvalid("has a package without a name or a version")
    if name == "gpg-pubkey":
        return RpmHeader(None, ())
    epoch = _numbers(entries, data, _Tag.EPOCH)[:1]
    package = rpm_package(
        evidence,
        name,
        f"{version}-{release}" if release else version,
        epoch=epoch[0] if epoch else 0,
        architecture=_text(entries, data, _Tag.ARCHITECTURE),
        source_rpm=_text(entries, data, _Tag.SOURCE_RPM),
        license_words=_text(entries, data, _Tag.LICENSE),
    )
    vendor = _text(entries, data, _Tag.VENDOR)
    by_vendor = bool(vendor) and _DISTRIBUTIONS.search(vendor) is None
    return RpmHeader(replace(package, by_vendor=by_vendor), _files(entries, data))


def rpm_package(
    evidence: str, name: str, version: str, *, epoch: int, architecture: str, source_rpm: str, license_words: str = ""
) -> Package:
    """`version` is with its release. An epoch of 0 is none, as rpm compares them; a source package has its own's."""
    source, source_version = _source(source_rpm)
    before = f"{epoch}:" if epoch else ""
    return Package(
        PackageType.RPM,
        name,
        before + version,
        evidence,
        architecture=architecture,
        source_name="" if source == name else source,
        source_version="" if source_version in {"", version} else before + source_version,
        licenses=(license_words,) if license_words else (),
    )


def _source(source_rpm: str) -> tuple[str, str]:
    """NAME-VERSION-RELEASE.src.rpm; neither version nor release holds a dash. Empty where it is not written so."""
    parts = source_rpm.removesuffix(".rpm").removesuffix(".src").removesuffix(".nosrc").rsplit("-", 2)
    return (parts[0], f"{parts[1]}-{parts[2]}") if len(parts) == 3 else ("", "")


def _files(entries: Mapping[int, tuple[int, int, int]], data: memoryview) -> tuple[str, ...]:
    """Without a leading slash. Before rpm 4 whole names were kept."""
    folders = _strings(entries, data, _Tag.FOLDER_NAMES)
    indexes = _numbers(entries, data, _Tag.FOLDER_INDEXES)
    names = _strings(entries, data, _Tag.BASE_NAMES)
    if len(indexes) != len(names) or max(indexes, default=-1) >= len(folders):
        raise RpmDatabaseInvalid("has a package whose list of files is garbled")
    if not names:
        return tuple(each.lstrip("/") for each in _strings(entries, data, _Tag.OLD_FILE_NAMES))
    stripped = [folder.lstrip("/") for folder in folders]
    if sum(len(stripped[index]) for index in indexes) > _MOST_LETTERS:
        raise RpmDatabaseInvalid("has a package whose files have too long names")
    return tuple(stripped[index] + name for index, name in zip(indexes, names, strict=True))


def _text(entries: Mapping[int, tuple[int, int, int]], data: memoryview, tag: _Tag) -> str:
    kind, offset, count = entries.get(tag, (0, 0, 0))
    if kind not in _TEXTS or not count:
        return ""
    return bytes(data[offset : offset + _LONGEST]).partition(b"\0")[0].decode("utf-8", "replace")


def _strings(entries: Mapping[int, tuple[int, int, int]], data: memoryview, tag: _Tag) -> list[str]:
    kind, offset, count = entries.get(tag, (0, 0, 0))
    if kind not in _TEXTS or not count:
        return []
    if count > _MOST_FILES:
        raise RpmDatabaseInvalid(f"has a package of more than {_MOST_FILES} files")
    strings = bytes(data[offset:]).split(b"\0", count)
    if len(strings) <= count:
        raise RpmDatabaseInvalid("has a list of names that is cut off")
    return [each.decode("utf-8", "replace") for each in strings[:count]]


def _numbers(entries: Mapping[int, tuple[int, int, int]], data: memoryview, tag: _Tag) -> tuple[int, ...]:
    kind, offset, count = entries.get(tag, (0, 0, 0))
    if kind != _Type.INT32 or not count:
        return ()
    if offset + 4 * count > len(data):
        raise RpmDatabaseInvalid("has a list of numbers that is cut off")
    return struct.unpack_from(f">{count}I", data, offset)
