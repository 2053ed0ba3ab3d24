"""What is read in real files is what the programs say: pip of its packages, docker and podman of their Go."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from lading.inventory.cataloger import LayerCataloger
from lading.inventory.evidence_kinds import evidence_kinds
from lading.inventory.package import Package, PackageType
from lading.inventory.python_packages import normal_name
from lading.inventory.tar_walk import LayerWalk
from lading.oci.digest import Digest
from tests.peers import programs


def packages_of(files: Iterable[Path], place: Callable[[Path], str]) -> list[Package]:
    """What a layer says that holds these files, each at its place."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for file in files:
            tar.add(file.resolve(), place(file))
    cataloger = LayerCataloger(evidence_kinds(lambda _: ()))
    walk = LayerWalk(cataloger)
    walk.update(memoryview(written.getvalue()))
    walk.finish()
    layer = cataloger.finish(Digest.of(b""), len(written.getvalue()))
    assert not layer.notes
    return [package for packages in layer.packages.values() for package in packages]


def test_python_packages_are_those_that_pip_lists() -> None:
    site = Path(sysconfig.get_path("purelib"))
    listed = subprocess.run(
        [sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", "list", "--format", "json", "--path", site],
        stdout=subprocess.PIPE,
        check=True,
    )

    found = packages_of(site.glob("*/METADATA"), lambda file: f"site-packages/{file.relative_to(site)}")

    assert {(package.name, package.version) for package in found} == {
        (normal_name(each["name"]), each["version"]) for each in json.loads(listed.stdout)
    }


@pytest.mark.peer("docker")
@pytest.mark.peer("podman")
@pytest.mark.parametrize("program", ["docker", "podman"])
def test_go_programs_say_what_built_them(program: str) -> None:
    path = programs.find(program)
    assert path
    said = subprocess.run(
        [path, "version", "--format", "{{.Client.GoVersion}}"], stdout=subprocess.PIPE, text=True, check=False
    )  # fails where no engine runs, and answers all the same

    found = packages_of([Path(path)], lambda _: f"usr/bin/{program}")

    (library,) = [package for package in found if package.name == "stdlib"]
    assert library.type is PackageType.GOLANG
    assert f"go{library.version}" == said.stdout.split()[0]
