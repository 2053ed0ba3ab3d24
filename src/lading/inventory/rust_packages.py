"""Crates that a Rust program was built from, where cargo-auditable wrote them into it: section `.dep-v0`, a document in
JSON compressed by zlib (cargo-auditable, PARSING.md)."""

from __future__ import annotations

import zlib

from lading.inventory.evidence import EvidenceRead
from lading.inventory.evidence_invalid import EvidenceInvalid
from lading.inventory.evidence_json import items, json_object, members, word
from lading.inventory.executable import Executable
from lading.inventory.package import Package, PackageType

SECTIONS = frozenset({".dep-v0"})

CRATES_LIMIT = 8 * 1024 * 1024
"""The longest document read, in bytes uncompressed: real ones have some dozens of thousands."""


def read_crates(path: str, program: Executable) -> EvidenceRead:
    """The crates of a Rust program without those that only built it; nothing where it names none.

    Raises EvidenceInvalid.
    """
    section = next(iter(program.sections[name] for name in SECTIONS if name in program.sections), None)
    if section is None:
        return EvidenceRead()
    document = json_object(_uncompressed(program.part(section, CRATES_LIMIT)))
    crates = (members(crate) for crate in items(document.get("packages")))
    named = [(word(crate.get("name")), word(crate.get("version"))) for crate in crates if crate.get("kind") != "build"]
    return EvidenceRead(
        tuple(Package(PackageType.CARGO, name, version, path) for name, version in dict.fromkeys(named) if name)
    )


def _uncompressed(compressed: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        document = stream.decompress(compressed, CRATES_LIMIT)
    except zlib.error as error:
        raise EvidenceInvalid("its list of crates is damaged") from error
    if not stream.eof:
        raise EvidenceInvalid("its list of crates is cut off, or too long")
    return document
