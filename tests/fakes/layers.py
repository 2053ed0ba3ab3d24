"""Layers as tars, and what is read of them: members by path, each in as few words as can be."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lading.inventory.cataloger import LayerCataloger, Limits
from lading.inventory.evidence import Evidence
from lading.inventory.evidence_kinds import evidence_kinds
from lading.inventory.layer import ImageInventory, LayerInventory
from lading.inventory.overlay import image_inventory
from lading.inventory.rpm_invalid import RpmDatabaseInvalid
from lading.inventory.tar_walk import LayerWalk
from lading.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Symlink:
    """A member that leads to `target`."""

    target: str


@dataclass(frozen=True, slots=True)
class HardLink:
    """A member that is another one."""

    target: str


FOLDER = None
Members = Mapping[str, object] | Iterable[tuple[str, object]]
"""By path a text, bytes, Symlink, HardLink or FOLDER."""


def layer_tar(members: Members) -> bytes:
    """In their order; what is text is written as UTF-8. Folders that are not named are not in it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in members.items() if isinstance(members, Mapping) else members:
            info = tarfile.TarInfo(name)
            body = content.encode() if isinstance(content, str) else content if isinstance(content, bytes) else b""
            if isinstance(content, Symlink):
                info.type, info.linkname = tarfile.SYMTYPE, content.target
            elif isinstance(content, HardLink):
                info.type, info.linkname = tarfile.LNKTYPE, content.target
            elif content is None:
                info.type = tarfile.DIRTYPE
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return file.getvalue()


def no_sqlite(_: bytes) -> Sequence[bytes]:
    """Where no test speaks of SQLite."""
    raise RpmDatabaseInvalid("is not looked at here")


KINDS = evidence_kinds(no_sqlite)
LIMITS = Limits()


def read_tar(
    tar: bytes, kinds: Sequence[Evidence] = KINDS, *, piece: int = 1 << 20, limits: Limits = LIMITS
) -> LayerInventory:
    """What is read of a layer that passes in pieces."""
    cataloger = LayerCataloger(kinds, limits)
    walk = LayerWalk(cataloger)
    for start in range(0, len(tar), piece):
        walk.update(memoryview(tar)[start : start + piece])
    walk.finish()
    return cataloger.finish(Digest.of(tar), len(tar))


def layer(members: Members, kinds: Sequence[Evidence] = KINDS) -> LayerInventory:
    """What is read of these members."""
    return read_tar(layer_tar(members), kinds)


def image(*layers: Members) -> ImageInventory:
    """What is read of these layers, from the base up."""
    return image_inventory([layer(members) for members in layers])


def names(inventory: ImageInventory) -> list[str]:
    """Its packages as `name version`, or `name version (owner)`."""
    return [
        f"{each.package.name} {each.package.version}" + (f" ({each.owned_by})" if each.owned_by else "")
        for each in inventory.packages
    ]
