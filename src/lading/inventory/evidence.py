"""Evidence: files of an image that say which packages are installed, and how each kind is read.

A kind knows its files by path, some also by their first bytes; `read` makes values of a file's content. What strangers
wrote is read: no bytes make `read` raise, hang or take memory beyond a small multiple of the content. What it cannot
read it says in a note.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lading.inventory.package import OsRelease, Package

EVIDENCE_LIMIT = 64 * 1024 * 1024
"""The longest file read, in bytes, where a kind sets no limit of its own."""


@dataclass(frozen=True, slots=True)
class EvidenceRead:
    """What one file says. A file that turns out to say nothing is an empty one.

    The evidence of its packages is the file's path, or begins with it where they lie inside the file. `owned` are, by
    the name of a distribution's package, the files that it owns, without a leading slash. `notes` say what could not be
    read, each a clause without the path: `it has no name`.
    """

    packages: tuple[Package, ...] = ()
    owned: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    release: OsRelease | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One kind of evidence. `matches` is asked for every path in an image, of files and of what packages own, without
    a leading slash, so it is quick and decides by the path alone.

    `read` takes the path and the whole content. `begins` are the first bytes one of which a file must have: one that
    begins otherwise is passed over without a note. A file of more than `limit` bytes is not read, and noted unless
    nearly none of the kind says anything (`seldom`). `of_distribution` is evidence of a distribution's own packages:
    who owns it is not asked. What may be run is one of `programs` wherever it lies and whatever it is called.
    """

    name: str
    matches: Callable[[str], bool]
    read: Callable[[str, bytes], EvidenceRead]
    limit: int = EVIDENCE_LIMIT
    begins: tuple[bytes, ...] = ()
    of_distribution: bool = False
    seldom: bool = False
    programs: bool = False


def may_be_program(path: str) -> bool:
    """By its path alone, whether a program or a library may lie there: without a suffix, or with one of a library or a
    Windows program, and not among documents, settings and the like. For `matches` of evidence inside binaries."""
    name = path.rpartition("/")[2]
    return ("." not in name or _BINARY.search(name) is not None) and not is_dull(path)


def is_dull(path: str) -> bool:
    """Whether it lies where distributions keep nothing that is ever evidence: documents, headers, settings."""
    return path.startswith(_DULL)


_BINARY = re.compile(r"\.so(?:\.|$)|\.(?:exe|dll|node|bin|elf|pyd|dylib|cgi|linux|amd64|arm64|x86_64|aarch64)$|\d\.\d")
_DULL = (
    "dev/",
    "etc/",
    "proc/",
    "sys/",
    "usr/include/",
    "usr/lib/firmware/",
    "usr/lib/modules/",
    "usr/share/bash-completion/",
    "usr/share/doc/",
    "usr/share/fonts/",
    "usr/share/i18n/",
    "usr/share/icons/",
    "usr/share/info/",
    "usr/share/licenses/",
    "usr/share/lintian/",
    "usr/share/locale/",
    "usr/share/man/",
    "usr/share/mime/",
    "usr/share/terminfo/",
    "usr/share/zoneinfo/",
    "usr/src/linux",
    "var/cache/",
    "var/lib/apt/",
    "var/lib/dpkg/",
    "var/log/",
)
