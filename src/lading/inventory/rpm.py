"""rpm's package database in its three forms, and the list of images that are put together without rpm.

    rpmdb.sqlite            since 2020; opened by whom the cataloger is given, as no input or output happens here
    Packages.db             SUSE's
    Packages                before 2020
    container-manifest-2    of Azure Linux: a line of ten fields, parted by tabs, for each package

The first that is there counts where one folder has several; the others are left over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.package import Package
from lading.inventory.rpm_bdb import bdb_headers
from lading.inventory.rpm_header import read_header, rpm_package
from lading.inventory.rpm_invalid import RpmDatabaseInvalid
from lading.inventory.rpm_ndb import ndb_headers

RpmDatabase = Callable[[bytes], Iterable[bytes]]
"""Takes a database's bytes and gives the header of every package in it. Raises RpmDatabaseInvalid.

Of an SQLite database that is the column `blob` of the table `Packages`, in the order of `hnum`.
"""

RPM_FOLDERS = ("var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/")
RPM_NAMES = ("rpmdb.sqlite", "Packages.db", "Packages")
_MANIFEST = "var/lib/rpmmanifest/container-manifest-2"
_LIMIT = 128 * 1024 * 1024
_MOST_BROKEN = 100
"""So many headers that cannot be read mean that the database is none."""


def rpm_evidence(read_sqlite: RpmDatabase) -> tuple[Evidence, ...]:
    """The kinds, with what opens an SQLite database."""
    readers = {"rpmdb.sqlite": read_sqlite, "Packages.db": ndb_headers, "Packages": bdb_headers}
    databases = tuple(
        _database(frozenset(folder + name for folder in RPM_FOLDERS), reader) for name, reader in readers.items()
    )
    journals = frozenset(f"{folder}rpmdb.sqlite-wal" for folder in RPM_FOLDERS)
    return (
        *databases,
        Evidence("changes of rpm", journals.__contains__, _read_journal, limit=_LIMIT, of_distribution=True),
        Evidence("rpm without its program", _MANIFEST.__eq__, _read_manifest, of_distribution=True),
    )


def _database(paths: frozenset[str], headers: RpmDatabase) -> Evidence:
    def read(path: str, content: bytes) -> EvidenceRead:
        return _read(path, headers, content)

    return Evidence("rpm", paths.__contains__, read, limit=_LIMIT, of_distribution=True)


def _read(path: str, headers: RpmDatabase, content: bytes) -> EvidenceRead:
    packages: list[Package] = []
    owned: dict[str, list[str]] = {}
    notes: list[str] = []
    broken = 0
    try:
        for blob in headers(content):
            try:
                header = read_header(blob, path)
            except RpmDatabaseInvalid:
                broken += 1
                if broken > _MOST_BROKEN:
                    break
                continue
            if header.package is not None:
                packages.append(header.package)
                owned.setdefault(header.package.name, []).extend(header.files)
    except RpmDatabaseInvalid as invalid:
        notes.append(f"it {invalid.rule}")
    if broken:
        notes.append(f"{broken} of its packages cannot be read")
    return EvidenceRead(tuple(packages), {name: tuple(files) for name, files in owned.items()}, notes=tuple(notes))


def _read_journal(_path: str, content: bytes) -> EvidenceRead:
    """rpm leaves it empty where it was let come to an end."""
    return EvidenceRead(notes=("it holds changes to the database, which are not read",) * bool(content))


def _read_manifest(path: str, content: bytes) -> EvidenceRead:
    """NAME, VERSION-RELEASE, INSTALLTIME, BUILDTIME, VENDOR, EPOCH, SIZE, ARCH, EPOCHNUM, SOURCERPM."""
    packages: list[Package] = []
    broken = 0
    for line in content.decode("utf-8", "replace").splitlines():
        fields = line.split("\t")
        if len(fields) == 10 and fields[0] and fields[1] and len(line) <= 2000:
            packages.append(_listed(path, fields))
        elif line:
            broken += 1
    return EvidenceRead(tuple(packages), notes=(f"{broken} of its lines cannot be read",) * bool(broken))


def _listed(path: str, fields: list[str]) -> Package:
    written = fields[8]
    epoch = int(written) if written.isascii() and written.isdigit() and len(written) < 10 else 0
    return rpm_package(path, fields[0], fields[1], epoch=epoch, architecture=fields[7], source_rpm=fields[9])
