"""The list of images that are cut from Ubuntu's packages by chisel: zstd around lines of JSON (chisel, Manifest).

    {"kind":"package","name":"libssl3","version":"3.0.2-0ubuntu1.15","arch":"amd64",…}
    {"kind":"path","path":"/usr/lib/x86_64-linux-gnu/libssl.so.3","slices":["libssl3_libs"],…}

A slice is named after its package. Source packages, which Ubuntu's advisories speak of, are not named: a note.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from lading.inventory.evidence import EVIDENCE_LIMIT, Evidence, EvidenceRead
from lading.inventory.evidence_invalid import EvidenceInvalid, noted
from lading.inventory.evidence_json import json_object, word, words
from lading.inventory.package import Package, PackageType

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_PATH = "var/lib/chisel/manifest.wall"
_LONGEST_LINE = 100_000


@noted
def read_manifest(path: str, content: bytes) -> EvidenceRead:
    """All packages of which something is in the image, and what they own."""
    packages: list[Package] = []
    owned: dict[str, list[str]] = {}
    for line in _unpacked(content).split(b"\n"):
        if line.startswith(b'{"kind":"package"'):
            package = _package(path, _members(line))
            if package is not None:
                packages.append(package)
        elif line.startswith(b'{"kind":"path"'):
            members = _members(line)
            file = members.get("path")
            for owner in {slice_name.partition("_")[0] for slice_name in words(members.get("slices"))}:
                if isinstance(file, str):
                    owned.setdefault(owner, []).append(file.strip("/"))
    if not packages:
        raise EvidenceInvalid("it names no package")
    note = "it names no source packages, so that advisories which speak of those are not found"
    return EvidenceRead(tuple(packages), {name: tuple(files) for name, files in owned.items()}, notes=(note,))


def _unpacked(content: bytes) -> bytes:
    """Raises EvidenceInvalid."""
    unpacking = zstd.ZstdDecompressor()
    try:
        unpacked = unpacking.decompress(content, max_length=EVIDENCE_LIMIT)
    except zstd.ZstdError as error:
        raise EvidenceInvalid("it is no zstd, or a damaged one") from error
    if not unpacking.eof:
        raise EvidenceInvalid("it is cut off, or too long")
    return unpacked


def _members(line: bytes) -> Mapping[str, object]:
    if len(line) > _LONGEST_LINE:
        raise EvidenceInvalid("it has a line that is too long")
    return json_object(line)


def _package(path: str, members: Mapping[str, object]) -> Package | None:
    name, version = word(members.get("name")), word(members.get("version"))
    if not name or not version:
        return None
    return Package(PackageType.DEB, name, version, path, architecture=word(members.get("arch")))


CHISEL = Evidence("chisel", _PATH.__eq__, read_manifest, of_distribution=True)
