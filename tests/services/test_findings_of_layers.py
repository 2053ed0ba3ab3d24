"""Our own scanner from the layers' bytes on: real children read them, and what they find meets the advisories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.backends.inventories.reader import InventoryReader
from lading.engine.cancel import Cancellation
from lading.main.inventory_child import COMMAND
from lading.services.clocks import Clocks
from lading.services.findings.scanner import ScanResult, ScanStatus
from lading.services.scans.osv_scanner import OsvScanner
from tests.fakes.advisories import BUILT, MemoryAdvisories, affecting, record
from tests.fakes.root_images import Pack, as_it_is, packed_by_gzip, packed_by_zstd, tar_of
from tests.fakes.viewed_images import ViewedImage, kept

DISTRIBUTED = "usr/lib/python3/dist-packages/Jinja2-2.10.egg-info/PKG-INFO"
INSTALLED = "usr/local/lib/python3.11/site-packages/jinja2-2.10.dist-info/METADATA"
METADATA = b"Metadata-Version: 2.1\nName: Jinja2\nVersion: 2.10\n"
STATUS = b"""\
Package: python3-jinja2
Status: install ok installed
Version: 2.10-2+deb12u1
Source: jinja2
Architecture: all
"""
BASE = tar_of(
    {
        "etc/os-release": b"ID=debian\nVERSION_ID=12\n",
        "var/lib/dpkg/status": STATUS,
        "var/lib/dpkg/info/python3-jinja2.list": f"/.\n/{DISTRIBUTED}\n".encode(),
        DISTRIBUTED: METADATA,
    }
)
PIP = tar_of({INSTALLED: METADATA})
GONE = tar_of({str(Path(INSTALLED).parent.parent / ".wh.jinja2-2.10.dist-info"): b""})
RECORDS = (
    record("PYSEC-2099-1", affecting("PyPI", "jinja2", "introduced 0", "fixed 2.10.1"), aliases=["CVE-2099-0001"]),
    record(
        "DEBIAN-CVE-2099-0001",
        affecting("Debian:12", "jinja2", "introduced 0", "fixed 2.10-2+deb12u1"),
        upstream=["CVE-2099-0001"],
    ),
)


@pytest.fixture
def scanner(tmp_path: Path) -> Iterator[OsvScanner]:
    reader = InventoryReader(tmp_path / "inventory.db", COMMAND, children=2)
    try:
        yield OsvScanner(reader, MemoryAdvisories(*RECORDS).opened, Clocks(lambda: BUILT, lambda: 0.0), "1.0")
    finally:
        reader.close()


def scanned(scanner: OsvScanner, *layers: bytes, pack: Pack = as_it_is) -> ScanResult:
    return scanner.scan(ViewedImage(*(kept(layer, pack) for layer in layers)), lambda _: None, Cancellation())


@pytest.mark.parametrize("pack", [as_it_is, packed_by_gzip, packed_by_zstd])
def test_the_copy_of_pip_is_found_and_that_of_the_distribution_is_not(scanner: OsvScanner, pack: Pack) -> None:
    result = scanned(scanner, BASE, PIP, pack=pack)

    assert [(one.id, one.path, one.fixed_version) for one in result.findings] == [
        ("CVE-2099-0001", INSTALLED, "2.10.1")
    ]
    assert (result.status, result.coverage.packages, result.coverage.owned) == (ScanStatus.OK, 3, 1)


def test_what_a_later_layer_removes_is_found_no_more(scanner: OsvScanner) -> None:
    result = scanned(scanner, BASE, PIP, GONE)

    assert result.findings == ()
    assert (result.status, result.coverage.packages, result.coverage.matched) == (ScanStatus.OK, 2, 1)
