"""What a real Debian and real pip installed, held against what dpkg-query and pip say of the same files."""

from __future__ import annotations

import json
import re
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.content_store.compression import packer
from lading.backends.inventories.reader import InventoryReader
from lading.engine.cancel import Cancellation
from lading.inventory.layer import ImageInventory, Installed
from lading.inventory.package import PackageType
from lading.main.inventory_child import COMMAND
from lading.oci.digest import Digest
from lading.services.clocks import Clocks
from lading.services.content.stores import Compression
from lading.services.scans.osv_scanner import OsvScanner
from tests.fakes.advisories import BUILT, MemoryAdvisories, affecting, record
from tests.fakes.root_images import tar_of
from tests.fakes.viewed_images import KeptLayer, ViewedImage, filed_as, kept
from tests.peers import programs
from tests.peers.command import Lading

pytestmark = [pytest.mark.peer("debootstrap", "dpkg-query")]

OLD = ("jinja2==2.10", "urllib3==1.24.2", "markupsafe==2.0.1")
"""Releases with known advisories, beside the distribution's own of the same names."""

KNOWN = (
    record("PYSEC-2019-217", affecting("PyPI", "jinja2", "introduced 0", "fixed 2.10.1"), aliases=["CVE-2019-10906"]),
    record("PYSEC-2020-148", affecting("PyPI", "urllib3", "introduced 0", "fixed 1.25.9"), aliases=["CVE-2020-26137"]),
    record("PYSEC-2099-1", affecting("PyPI", "jinja2", "introduced 3.0", "fixed 9.0"), aliases=["CVE-2099-0001"]),
    record("PYSEC-2099-2", affecting("PyPI", "urllib3", "introduced 1.26", "fixed 9.0"), aliases=["CVE-2099-0002"]),
    record("DEBIAN-CVE-2099-0001", affecting("Debian:12", "jinja2", "introduced 0", "fixed 3.1.0-1")),
)
"""Two of what pip put there, two that would mean the distribution's own, were these not its to judge."""

SITE = "usr/local/lib/python3.11/dist-packages"
DISTRIBUTIONS = "usr/lib/python3/dist-packages"


@dataclass(frozen=True)
class Layers:
    """A Debian, what pip put over it, and the same files in a folder for the programs that are asked."""

    tar: Path
    debian: KeptLayer
    pip: KeptLayer
    root: Path

    def image(self, *more: KeptLayer) -> ViewedImage:
        """All, one over the other."""
        return ViewedImage(self.debian, self.pip, *more)


def plain(tar: Path) -> KeptLayer:
    """A layer that is not compressed, so its digest as it is kept is its diffID."""
    digest = Digest.of(tar.read_bytes())
    return filed_as(tar, digest, digest)


def compressed(tar: Path, compression: Compression) -> bytes:
    """As our own archives are."""
    packing = packer(compression)
    content = tar.read_bytes()
    return content if packing is None else packing.compress(memoryview(content)) + packing.flush()


@pytest.fixture(scope="module")
def layers(debian_tar: Path, tmp_path_factory: pytest.TempPathFactory) -> Layers:
    """One for all tests here: pip asks its index, or wherever it is told to find releases."""
    folder = tmp_path_factory.mktemp("inventory")
    root = folder / "root"
    root.mkdir()
    programs.run("tar", "-C", str(root), "-xf", str(debian_tar), "./var/lib/dpkg", f"./{DISTRIBUTIONS}")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    programs.run(*pip, "--target", str(root / SITE), *OLD)
    with tarfile.open(folder / "pip.tar", "w") as tar:
        tar.add(root / SITE, SITE)
    return Layers(debian_tar, plain(debian_tar), plain(folder / "pip.tar"), root)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[InventoryReader]:
    made = InventoryReader(tmp_path / "inventory.db", COMMAND)
    yield made
    made.close()


def read(reader: InventoryReader, image: ViewedImage) -> ImageInventory:
    return reader.image(image, lambda *_: None, Cancellation())


def of_type(inventory: ImageInventory, kind: PackageType) -> list[Installed]:
    return [each for each in inventory.packages if each.package.type is kind]


def normal(name: str) -> str:
    """A Python project's name, as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_an_inventory_is_what_dpkg_query_says(reader: InventoryReader, layers: Layers) -> None:
    form = r"${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n"
    told = programs.run("dpkg-query", f"--admindir={layers.root / 'var/lib/dpkg'}", "-W", "-f", form)
    installed = sorted(line.removeprefix("installed ") for line in told.splitlines() if line.startswith("installed "))

    found = [each.package for each in of_type(read(reader, layers.image()), PackageType.DEB)]

    assert installed == sorted(
        f"{each.name} {each.version} {each.architecture} {each.source_name or each.name}"
        f" {each.source_version or each.version}"
        for each in found
    )
    assert set(programs.DEBIAN_PYTHON) < {each.name for each in found}


def test_an_imported_images_bill_of_materials_is_what_dpkg_query_says(layers: Layers, tmp_path: Path) -> None:
    lading = Lading(tmp_path / "data")
    lading("import", str(layers.tar), "debian:test")
    bill = json.loads(lading("sbom", "debian:test"))
    told = programs.run(
        "dpkg-query", f"--admindir={layers.root / 'var/lib/dpkg'}", "-W", "-f", r"${Package} ${Version}\n"
    )

    found = [each for each in bill["components"] if each.get("purl", "").startswith("pkg:deb/debian/")]

    assert sorted(f"{each['name']} {each['version']}" for each in found) == sorted(told.splitlines())


def test_an_inventory_is_what_pip_list_says(reader: InventoryReader, layers: Layers) -> None:
    told: list[tuple[str, str]] = []
    for folder in (SITE, DISTRIBUTIONS):
        listed = programs.run(sys.executable, "-m", "pip", "list", "--format=json", "--path", str(layers.root / folder))
        told += [(normal(each["name"]), each["version"]) for each in json.loads(listed)]

    found = of_type(read(reader, layers.image()), PackageType.PYPI)

    assert sorted((normal(each.package.name), each.package.version) for each in found) == sorted(told)
    assert len(told) >= len(OLD) + len(programs.DEBIAN_PYTHON)


def test_the_distributions_own_are_owned_and_pips_are_not(reader: InventoryReader, layers: Layers) -> None:
    inventory = read(reader, layers.image())

    owners = {each.package.evidence: each.owned_by for each in of_type(inventory, PackageType.PYPI)}

    assert {owner for path, owner in owners.items() if path.startswith(SITE)} == {""}
    assert {owner for path, owner in owners.items() if path.startswith(DISTRIBUTIONS)} >= set(programs.DEBIAN_PYTHON)
    assert inventory.release is not None
    assert (inventory.release.id, inventory.release.version_id) == ("debian", "12")
    assert inventory.notes == ()


def test_compression_makes_no_difference(reader: InventoryReader, layers: Layers, tmp_path: Path) -> None:
    small = tmp_path / "small.tar"
    with tarfile.open(small, "w") as tar:
        tar.add(layers.root, ".")
    diff_id = Digest.of(small.read_bytes())
    found = []
    for compression in Compression:
        reader.forget([])
        path = tmp_path / compression.name
        path.write_bytes(content := compressed(small, compression))
        found.append(read(reader, ViewedImage(filed_as(path, diff_id, Digest.of(content)))))

    assert found[0].packages
    assert found[0] == found[1] == found[2]


def test_a_whiteout_removes(reader: InventoryReader, layers: Layers) -> None:
    hidden = kept(tar_of({f"{SITE}/.wh.urllib3-1.24.2.dist-info": b"", f"{SITE}/jinja2/.wh..wh..opq": b""}))
    whole = of_type(read(reader, layers.image()), PackageType.PYPI)
    again = layers.image(hidden)

    left = of_type(read(reader, again), PackageType.PYPI)

    assert [each for each in whole if each not in left] == [
        each for each in whole if each.package.name == "urllib3" and each.package.version == "1.24.2"
    ]
    assert len(left) == len(whole) - 1
    assert again.opened == [hidden.viewed.diff_id]


def test_findings_are_of_pips_copies_and_not_of_the_distributions(reader: InventoryReader, layers: Layers) -> None:
    scanner = OsvScanner(reader, MemoryAdvisories(*KNOWN).opened, Clocks(lambda: BUILT, lambda: 0.0), "1.0")

    result = scanner.scan(layers.image(), lambda _: None, Cancellation())

    assert [(each.id, each.package, each.version, each.fixed_version) for each in result.findings] == [
        ("CVE-2019-10906", "jinja2", "2.10", "2.10.1"),
        ("CVE-2020-26137", "urllib3", "1.24.2", "1.25.9"),
    ]
    assert all(each.path.startswith(SITE) for each in result.findings)
    assert result.coverage.owned >= len(programs.DEBIAN_PYTHON)
