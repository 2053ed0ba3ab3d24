"""Evidence that lies where it seldom does, is called as it seldom is, or stands behind links: read, or noted."""

from __future__ import annotations

import io
import tarfile

import pytest

from lading.inventory.layer import LayerInventory
from tests.fakes.executables import elf, go_build_information
from tests.fakes.layers import HardLink, Symlink, image, layer, layer_tar, names, read_tar

PROGRAM = elf({".go.buildinfo": go_build_information("go1.24.3", "path\tx", "dep\tgolang.org/x/net\tv0.7.0")})
METADATA = "Metadata-Version: 2.1\nName: jinja2\nVersion: 2.10\n"
SITE = "usr/lib/python3/site-packages/jinja2-2.10.dist-info/METADATA"


def holding(path: str, mode: int, kind: bytes = tarfile.REGTYPE) -> LayerInventory:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo(path)
        member.size, member.mode, member.type = len(PROGRAM), mode, kind
        tar.addfile(member, io.BytesIO(PROGRAM))
    return read_tar(file.getvalue())


@pytest.mark.parametrize("path", ["app/server.real", "etc/server", "usr/share/doc/app/tool", "var/cache/a.txt"])
def test_what_may_be_run_is_looked_at_wherever_it_lies(path: str) -> None:
    assert [package.name for package in holding(path, 0o755).packages[path]] == ["golang.org/x/net", "stdlib"]
    assert path not in holding(path, 0o644).packages


def test_a_library_that_may_be_run_is_read_once() -> None:
    assert len(holding("usr/lib/libapp.so.1", 0o755).packages["usr/lib/libapp.so.1"]) == 2


def test_a_sparse_program_is_noted() -> None:
    assert holding("usr/bin/app", 0o755, tarfile.GNUTYPE_SPARSE).notes["usr/bin/app"] == ("it is a sparse file",)


def test_a_hard_link_to_what_was_read_as_something_else_is_noted() -> None:
    """A file without a suffix may be a program, and this one is none."""
    found = layer({"usr/share/app/x": METADATA, SITE: HardLink("usr/share/app/x")})

    assert found.notes == {SITE: ("it is a hard link to usr/share/app/x, which was not read",)}


def test_a_hard_link_to_a_program_of_a_lower_layer_is_noted() -> None:
    layers = layer_tar({"usr/bin/a": PROGRAM}), layer_tar({"usr/bin/b": HardLink("usr/bin/a"), "usr/bin/.wh.a": ""})

    assert read_tar(layers[1]).notes == {"usr/bin/b": ("it is a hard link to usr/bin/a, which was not read",)}


def test_a_link_that_leads_away_from_evidence_is_noted() -> None:
    found = image({SITE: Symlink("../../../../share/app.txt"), "usr/share/app.txt": METADATA})

    assert found.notes == (
        f"{SITE}: it leads to usr/share/app.txt, which is not read as evidence of Python distribution",
    )


def test_a_link_to_evidence_is_not() -> None:
    other = "opt/store/jinja2.dist-info/METADATA"

    found = image({SITE: Symlink(f"/{other}"), other: METADATA})

    assert (found.notes, names(found)) == ((), ["jinja2 2.10"])
