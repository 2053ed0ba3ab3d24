"""Layers over layers, unpacked by umoci: the files that it leaves are those that the overlay says are there."""

from __future__ import annotations

import gzip
import random
import subprocess
from pathlib import Path

import pytest

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.overlay import image_inventory
from lading.inventory.package import Package, PackageType
from lading.oci.digest import Digest
from tests.fakes.layers import FOLDER, Symlink, layer_tar, read_tar
from tests.peers.layouts import write_image, write_layout

pytestmark = [pytest.mark.peer("umoci"), pytest.mark.proof]

IMAGES = 300
SEED = 20261121
NAMES = ("a", "b", "c")


def said(path: str, content: bytes) -> EvidenceRead:
    return EvidenceRead((Package(PackageType.NPM, "a", content.decode(), path),))


EVERYTHING = (Evidence("everything", lambda path: True, said),)


def made(chosen: random.Random, number: int) -> dict[str, object]:
    """A layer as runtimes make them: nothing lies beneath a file or a link of its own, and no two in one place."""
    members: dict[str, object] = {}
    taken: list[str] = []
    named = chosen.random() < 0.6
    for _ in range(chosen.randint(1, 6)):
        path = "/".join(chosen.choices(NAMES, k=chosen.randint(1, 4)))
        if any(f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/") for other in taken):
            continue
        taken.append(path)
        folder, _, name = path.rpartition("/")
        what = chosen.random()
        if what < 0.25:
            members[f"{folder}/.wh.{name}".lstrip("/")] = ""
            continue
        if named:
            parts = folder.split("/") if folder else []
            members.update({"/".join(parts[:count]) + "/": FOLDER for count in range(1, len(parts) + 1)})
        members[path] = Symlink(f"/to/{number}/{path}") if what < 0.5 else f"{number}-{len(taken)}"
    return members


def by_overlay(tars: list[bytes]) -> set[tuple[str, str]]:
    found = image_inventory([read_tar(tar, EVERYTHING) for tar in tars])
    return {(each.package.evidence, each.package.version) for each in found.packages}


def by_umoci(tars: list[bytes], folder: Path) -> set[tuple[str, str]] | None:
    """None where umoci refuses the image: a folder that no member names takes no file's place there."""
    layers = [(gzip.compress(tar, 1, mtime=0), str(Digest.of(tar))) for tar in tars]
    write_layout(folder / "layout", "x", write_image(folder / "layout", layers))
    argv = ["umoci", "unpack", "--image", f"{folder}/layout:x", f"{folder}/bundle"]
    if subprocess.run(argv, capture_output=True, check=False, timeout=60).returncode:
        return None
    root = folder / "bundle" / "rootfs"
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return {(str(path.relative_to(root)), path.read_text()) for path in files}


def test_random_images(tmp_path: Path) -> None:
    chosen = random.Random(SEED)
    compared = 0
    for number in range(IMAGES):
        stack = [made(chosen, layer) for layer in range(chosen.randint(2, 4))]
        tars = [layer_tar(members) for members in stack]
        unpacked = by_umoci(tars, tmp_path / str(number))
        if unpacked is not None:
            compared += 1
            assert by_overlay(tars) == unpacked, stack

    assert compared > IMAGES / 2
