"""rpm's own database, filled by rpm with packages that rpmbuild made: what we read is what rpm says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lading.backends.inventories.rpm_sqlite import header_blobs
from lading.inventory.evidence_kinds import evidence_kinds
from lading.inventory.overlay import image_inventory
from lading.inventory.package import Package
from tests.fakes.layers import layer
from tests.fakes.rpm_databases import bdb_database
from tests.peers import programs

pytestmark = pytest.mark.peer("rpm", "rpmbuild")

KINDS = evidence_kinds(header_blobs)
SPEC = """\
Name: suite
Version: 2.0
Release: 3.el9
Epoch: 1
Summary: Of tests
License: MIT and BSD
BuildArch: noarch
%description
Of tests.
%package tool
Version: 7
Summary: Of tests
%description tool
Of tests.
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/usr/share/doc/suite
echo x > %{buildroot}/usr/bin/suite-tool
for number in $(seq 300); do echo x > %{buildroot}/usr/share/suite-$number.jar; done
%files
/usr/share/*.jar
%files tool
/usr/bin/suite-tool
"""
FORMAT = "%{NAME}\\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\t%{LICENSE}\\n"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rpmdb.sqlite."""
    folder = tmp_path_factory.mktemp("rpm")
    spec = folder / "suite.spec"
    spec.write_text(SPEC)
    programs.run("rpmbuild", "-bb", "--define", f"_topdir {folder}/build", str(spec), timeout=300)
    built = sorted(str(path) for path in (folder / "build").rglob("*.rpm"))
    programs.run("rpm", "--dbpath", str(folder / "db"), "-i", "--justdb", "--nodeps", *built, timeout=60)
    return folder / "db"


def by_rpm(database: Path, backend: str, query: str) -> list[str]:
    argv = ["rpm", "--dbpath", str(database), "--define", f"_db_backend {backend}", "-qa", "--qf", query]
    return sorted(subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines())


def as_rpm_says(package: Package) -> str:
    """Of an epoch that is not there rpm says 0."""
    version = package.version if ":" in package.version else f"0:{package.version}"
    source = package.source_version or package.version
    source_rpm = f"{package.source_name or package.name}-{source.rpartition(':')[2]}.src.rpm"
    return "\t".join((package.name, version, package.architecture, source_rpm, *package.licenses))


def test_packages_and_files_are_those_that_rpm_tells(database: Path) -> None:
    found = layer({"var/lib/rpm/rpmdb.sqlite": (database / "rpmdb.sqlite").read_bytes()}, KINDS)

    packages = found.packages["var/lib/rpm/rpmdb.sqlite"]
    owned = found.owned["var/lib/rpm/rpmdb.sqlite"]
    assert sorted(map(as_rpm_says, packages)) == by_rpm(database, "sqlite", FORMAT)
    assert sorted(f"{name} /{file}" for name, files in owned.items() for file in files) == by_rpm(
        database, "sqlite", "[%{=NAME} %{FILENAMES}\\n]"
    )
    assert image_inventory([found]).notes == ()


def test_a_database_of_before_2020_is_read_as_rpm_reads_it(database: Path, tmp_path: Path) -> None:
    headers = header_blobs((database / "rpmdb.sqlite").read_bytes())
    (tmp_path / "Packages").write_bytes(bdb_database(headers, page=4096))

    found = layer({"var/lib/rpm/Packages": (tmp_path / "Packages").read_bytes()}, KINDS)

    read = sorted(map(as_rpm_says, found.packages["var/lib/rpm/Packages"]))
    assert read == by_rpm(tmp_path, "bdb_ro", FORMAT)
    assert len(read) == 2
