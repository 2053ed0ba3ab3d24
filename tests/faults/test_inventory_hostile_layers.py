"""Layers made to exhaust whoever reads them: each has an answer, and the child stays within its memory."""

from __future__ import annotations

import io
import re
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lading.backends.inventories.confinement import MEMORY_LIMIT
from lading.backends.inventories.reader import InventoryReader
from lading.engine.cancel import Cancellation
from lading.main.inventory_child import COMMAND
from lading.services.findings.scanner import ScanFailed
from lading.wire.message import BytesReader
from tests.faults.inventory_children import children
from tests.proof_table import Tell

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at memory as Linux shows it")

END = bytes(1024)
Layer = Callable[[], Iterator[bytes]]


def block(name: str, content: bytes = b"", flag: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = len(content), flag, link
    return member.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % 512)


def many(count: int, name: str, content: bytes = b"", flag: bytes = tarfile.REGTYPE) -> Layer:
    """So many members, numbered."""

    def members() -> Iterator[bytes]:
        for number in range(count):
            yield block(name % number, content, flag)
        yield END

    return members


def one(name: str, content: Callable[[], bytes]) -> Layer:
    return lambda: iter((block(name, content()), END))


def nested_jar(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        raw = io.BytesIO()
        with zipfile.ZipFile(raw, "w") as jar:
            jar.writestr("inner.jar", content)
        content = raw.getvalue()
    return content


def zip_bomb() -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as jar:
        for number in range(10):
            jar.writestr(f"META-INF/maven/group/artifact{number}/pom.properties", bytes(20_000_000))
    return raw.getvalue()


def status(count: int) -> bytes:
    return b"".join(b"Package: p%d\nStatus: install ok installed\nVersion: 1\n\n" % number for number in range(count))


PACKAGE_JSON = b'{"name": "a", "version": "1"}'
SMALL: dict[str, Layer] = {
    "a jar in a jar in a jar": one("a.jar", lambda: nested_jar(100)),
    "a zip bomb": one("a.jar", zip_bomb),
    "deep JSON": one("node_modules/a/package.json", lambda: b'{"a":' * 200_000),
    "one long field": one("var/lib/dpkg/status", lambda: b"Package: " + b"a" * 30_000_000),
    "one long line": one("etc/os-release", lambda: b"ID=" + b"\\" * 30_000_000),
    "links to themselves": lambda: iter((block("usr/lib", flag=tarfile.SYMTYPE, link="lib"), END)),
    "10,000 names of evidence": many(10_000, "%d/METADATA"),
}
LARGE: dict[str, Layer] = {
    "a million files": many(1_000_000, "folder/%d/file"),
    "a million folders": many(1_000_000, "folder/%d", flag=tarfile.DIRTYPE),
    "a million links": many(1_000_000, "opt/%d", flag=tarfile.SYMTYPE),
    "a million whiteouts": many(1_000_000, "folder/%d/.wh.file"),
    "a million npm packages": many(1_000_000, "%d/node_modules/x/package.json", PACKAGE_JSON),
    "800,000 Debian packages": one("var/lib/dpkg/status", lambda: status(800_000)),
}


def zipped(layer: Layer) -> bytes:
    packing = zlib.compressobj(1, wbits=31)
    return b"".join([*map(packing.compress, layer()), packing.flush()])


def peak(process: int) -> int:
    """The most memory, in bytes, that a process has had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def answer(folder: Path, content: bytes) -> str:
    """What the reader says, and how much memory its child took."""
    reader = InventoryReader(folder / "inventory.db", COMMAND, children=1)
    try:
        inventory = reader.layer(None, BytesReader(content), Cancellation())
    except ScanFailed as failed:
        return failed.reason
    else:
        memory = max(map(peak, children()))
        assert memory < MEMORY_LIMIT
        count = sum(map(len, inventory.packages.values()))
        return f"{count} packages, {len(inventory.notes)} notes, {memory // 2**20} MiB"
    finally:
        reader.close()


@pytest.mark.parametrize("name", SMALL)
def test_a_hostile_layer_has_an_answer(tmp_path: Path, name: str) -> None:
    assert answer(tmp_path, zipped(SMALL[name]))


@pytest.mark.proof
@pytest.mark.parametrize("name", LARGE)
def test_a_huge_layer_has_an_answer(tmp_path: Path, name: str, record_property: Tell) -> None:
    said = answer(tmp_path, zipped(LARGE[name]))
    record_property(name, said)
    assert said
