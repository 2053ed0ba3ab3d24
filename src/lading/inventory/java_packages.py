"""Java's libraries: what the archives say that hold them (JAR file specification; Maven Archiver).

Maven writes `META-INF/maven/GROUP/ARTIFACT/pom.properties`, also for every library that was packed into one. Where
there is none, the archive is one library: its file name tells artifact and version, the manifest what the name does
not; the manifest, or a list of projects known not to use Maven, tells the group. Without a group a package cannot be
looked up, and is only listed.

Archives stand in archives: libraries in an application (war, Spring Boot's jar), applications in an enterprise's (ear).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.evidence_invalid import EvidenceInvalid
from lading.inventory.java_names import Library, library_of, pom_library
from lading.inventory.package import Package, PackageType
from lading.inventory.zip_archive import Entry, ZipArchive

ARCHIVE_LIMIT = 256 * 1024 * 1024
"""The longest archive read, in bytes."""

DEPTH_LIMIT = 2
"""How deep archives within an archive are opened: libraries, in an application, in an enterprise's."""

NESTED_LIMIT = 64 * 1024 * 1024
"""The longest archive within an archive, in bytes uncompressed."""


def is_java_archive(path: str) -> bool:
    """Whether a path is called as Java's archives are."""
    return path.endswith(_SUFFIXES)


def read_java_archive(path: str, content: bytes) -> EvidenceRead:
    """The libraries in an archive and in those within it, each once in each; as far as it can be read."""
    opened = _Opened(_BYTES_ALLOWED + len(content) * _TIMES_ALLOWED)
    try:
        opened.open(path, content, depth=0)
    except EvidenceInvalid as invalid:
        opened.notes[invalid.rule] = None
    return EvidenceRead(tuple(opened.packages), notes=tuple(opened.notes))


_SUFFIXES = (".jar", ".war", ".ear", ".par", ".hpi", ".jpi")
EVIDENCE = (Evidence("Java archive", is_java_archive, read_java_archive, ARCHIVE_LIMIT, (b"PK", b"#!")),)

_POM = re.compile(rb"META-INF/maven/([^/]+)/([^/]+)/pom\.properties")
_NESTED = (b".jar", b".war", b".ear", b".par")
_MANIFEST = b"META-INF/MANIFEST.MF"
_TELLING = (*_NESTED, b"/pom.properties", _MANIFEST)
_BYTES_ALLOWED = 128 * 1024 * 1024
_TIMES_ALLOWED = 4
"""Archives within are compressed already, and are uncompressed once for every archive they stand in."""
_SHOWN_LENGTH = 400
_POM_LIMIT = 64 * 1024
_MANIFEST_LIMIT = 256 * 1024


@dataclass(slots=True)
class _Listed:
    """The entries of one archive that say something."""

    poms: list[tuple[bytes, bytes, Entry]] = field(default_factory=list)
    nested: list[Entry] = field(default_factory=list)
    manifest: Entry | None = None

    def fill(self, archive: ZipArchive, most: int) -> int:
        """Looks at all entries and returns how many there are. Raises EvidenceInvalid at more than `most`."""
        for entry in archive.entries(_TELLING, most):
            if entry.name == _MANIFEST:
                self.manifest = entry
            elif pom := _POM.fullmatch(entry.name):
                self.poms.append((pom[1], pom[2], entry))
            elif entry.name.endswith(_NESTED):
                self.nested.append(entry)
        return archive.seen


@dataclass(slots=True)
class _Opened:
    """What was found so far in one file of the image, and how much more may be done for it.

    One allowance for the file, whatever it nests: archives that share their bytes make a small file large without end.
    """

    bytes_left: int
    entries_left: int = 1_000_000
    libraries_left: int = 50_000
    packages: dict[Package, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    def open(self, path: str, content: bytes, depth: int) -> None:
        archive = ZipArchive(content)
        listed = _Listed()
        self.entries_left -= listed.fill(archive, self.entries_left)
        self._libraries(path, archive, listed)
        for entry in listed.nested:
            if depth == DEPTH_LIMIT:
                self.notes["archives are nested too deeply in it"] = None
                return
            try:
                self.open(f"{path}!/{_shown(entry.name)}", self._read(archive, entry, NESTED_LIMIT), depth + 1)
            except EvidenceInvalid as invalid:
                self.notes[f"in an archive within it: {invalid.rule}"] = None

    def _libraries(self, path: str, archive: ZipArchive, listed: _Listed) -> None:
        found = [
            pom_library(group, artifact, self._read(archive, entry, _POM_LIMIT, cut=True))
            for group, artifact, entry in listed.poms
        ]
        manifest = self._read(archive, listed.manifest, _MANIFEST_LIMIT, cut=True) if listed.manifest else b""
        own = library_of(path.rpartition("/")[2], manifest, [library for library in found if library])
        for library in (*found, own):
            if library is not None:
                self.libraries_left -= 1
                if self.libraries_left <= 0:
                    raise EvidenceInvalid("it names too many libraries")
                self.packages[_package(library, path)] = None

    def _read(self, archive: ZipArchive, entry: Entry, longest: int, *, cut: bool = False) -> bytes:
        """An entry; raises EvidenceInvalid where it is longer, unless its beginning will do."""
        allowed = min(longest, self.bytes_left)
        content = archive.read(entry, allowed + 1)
        self.bytes_left -= min(allowed, len(content))
        if self.bytes_left <= 0 or (len(content) > allowed and not cut):
            raise EvidenceInvalid("it is too long uncompressed")
        return content[:allowed]


def _package(library: Library, path: str) -> Package:
    return Package(PackageType.MAVEN, library.artifact, library.version, path, namespace=library.group)


def _shown(name: bytes) -> str:
    """An entry's name as part of a path that is shown."""
    text = name[-_SHOWN_LENGTH:].decode("utf-8", "replace")
    return text if text.isprintable() else "".join(mark if mark.isprintable() else "\ufffd" for mark in text)
