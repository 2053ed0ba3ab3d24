"""Docker hosts as places: images are taken from them as archives, and put there as archives that they load.

A daemon tells no digest of what it loaded. What it shows is the image's id: the digest of the config, or where it keeps
images as registries do, of the manifest or index. Each of them names all content, so the id it shows afterwards proves
what is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lading.engine.stores import Condition, TagMoved, TagUnproven
from lading.errors import InputInvalid
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.services.content.stores import Readable
from lading.services.descriptions import describe, promised
from lading.services.environment_images import Details
from lading.services.environments.environment import ConnectionType, Engine
from lading.services.environments.orders import Arrived
from lading.services.lookup import ImageUnknown
from lading.services.named_rows import RowUnknown
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Event, Report

if TYPE_CHECKING:
    from lading.services.access import Actor
    from lading.services.environments.environments import Environments
    from lading.services.environments.guarded_environment import GuardedEnvironment


class HostImages(Protocol):
    """What is asked of a Docker host; services.environments.environment.Environment has it."""

    def engine(self, cancel: Cancel) -> Engine: ...
    def image(self, image: str, cancel: Cancel) -> Details: ...
    def export(self, images: Sequence[str], cancel: Cancel) -> AbstractContextManager[Reader]: ...
    def load(self, archive: Reader, report: Report, cancel: Cancel) -> Sequence[Arrived]: ...


class NotDockerHost(InputInvalid):
    """An environment that is no Docker host: Lading's own store, whose images are named without a prefix."""

    hint = "Leave out docker: and what stands before the name."

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"the environment {self.name} is Lading's own store, not a Docker host"


def configured_host(environments: Environments, actor: Actor, name: str) -> HostImages:
    """The environment called so, in capitals or not. Raises RowUnknown, NotDockerHost, Denied."""
    row = next((each for each in environments.list(actor) if each.name.casefold() == name.casefold()), None)
    if row is None:
        raise RowUnknown("environment", name)
    if row.connection_type is ConnectionType.EMBEDDED:
        raise NotDockerHost(row.name)
    return _OnRecord(environments.open(actor, row.id))


@dataclass(frozen=True, slots=True)
class _OnRecord:
    """An environment that is loaded into at once, and not by a job: the guard keeps the record that jobs keep."""

    environment: GuardedEnvironment

    def engine(self, cancel: Cancel) -> Engine:
        return self.environment.engine(cancel)

    def image(self, image: str, cancel: Cancel) -> Details:
        return self.environment.image(image, cancel)

    def export(self, images: Sequence[str], cancel: Cancel) -> AbstractContextManager[Reader]:
        return self.environment.export(images, cancel)

    def load(self, archive: Reader, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        return self.environment.load_now(archive, report, cancel)


def host_platform(host: HostImages, cancel: Cancel) -> Platform:
    """What it runs."""
    return Platform.parse(host.engine(cancel).platform)


@dataclass(frozen=True, slots=True)
class Shipment:
    """An archive for a Docker host: its images, and the file itself."""

    images: Readable
    file: Reader


def put(host: HostImages, where: str, shipment: Shipment, condition: Condition, cancel: Cancel) -> None:
    """Have it load an archive, and prove each name of it; `where` is the host for people.

    Raises TagMoved, TagUnproven, and the faults of a daemon.
    """
    archive = shipment.images
    platform = host_platform(host, cancel)
    wanted = {name: _ids(archive, name, platform) for name in archive.tags()}
    if condition == "absent":
        for name, ids in wanted.items():
            held = _shown(host, name, cancel)
            if held is not None and held not in ids:
                raise TagMoved(name, where, held)
    host.load(shipment.file, _untold, cancel)
    for name, ids in wanted.items():
        shown = _shown(host, name, cancel)
        if shown not in ids:
            raise TagUnproven(name, where, ids[0], shown)


def _ids(archive: Readable, name: str, platform: Platform) -> tuple[Digest, ...]:
    """By which it may show the image."""
    root = archive.resolve(name)
    variant = describe(name, archive, root, promised).variant(platform)
    config = (variant.manifest.config.digest,) if variant.manifest else ()
    return (*config, variant.descriptor.digest, root.digest)


def _shown(host: HostImages, name: str, cancel: Cancel) -> Digest | None:
    try:
        return Digest.if_valid(host.image(name, cancel).summary.id)
    except ImageUnknown:
        return None


def _untold(event: Event) -> None:
    """How far a daemon is with an archive that it has whole, nobody asks."""
