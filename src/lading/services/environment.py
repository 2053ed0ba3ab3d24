"""Environments: the places where images live, behind one protocol. Ours is one of them, a Docker host another.

The protocol says what is done; who may, and what goes on record, is the guard's (services.environments).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from lading.engine.stores import Condition
from lading.errors import LadingError
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.platforms import Wanted
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint
from lading.wire.ledger import Totals
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Report


class ConnectionType(StrEnum):
    """How an environment is reached (interfaces §2, environments)."""

    EMBEDDED = "embedded"
    SOCKET = "socket"
    DIRECT = "direct"
    HAWSER_STANDARD = "hawser-standard"
    HAWSER_EDGE = "hawser-edge"


@dataclass(frozen=True, slots=True)
class Access:
    """How one registry is reached for one piece of work: `name` is what people call it, `registry` the row, if it is
    configured. A Docker host uses the login and its own way to the registry; our engine uses both."""

    name: str
    endpoint: Endpoint
    credential: Credential | None = None
    registry: int | None = None


@dataclass(frozen=True, slots=True)
class PullOrder:
    """Bring `reference`, whose tag or digest is set. `wanted` None: the environment's own platform."""

    reference: Reference
    access: Access
    wanted: Wanted | None = None


@dataclass(frozen=True, slots=True)
class PushOrder:
    """Send `image` (an id, digest or reference of the environment) to `targets`, tags of one registry: blobs move once.

    `condition` is what each tag must hold before any moves. `dry_run` tells what would move, and moves nothing.
    """

    image: str
    targets: tuple[Reference, ...]
    access: Access
    wanted: Wanted | None = None
    condition: Condition = "any"
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Arrived:
    """One image where it was wanted. `id` is the environment's own name for it, `digest` what the registry answers;
    `size` is the manifest's, in bytes. `note` says what a person should know: `1 of 9 platforms`.

    `error` None means it is proven: the registry was asked and answered this digest; or that it was `planned`, in a
    dry run, and nothing moved. `reference` is None only where an archive brought an image without a name.
    """

    reference: Reference | None
    id: str
    digest: Digest | None
    size: int | None
    note: str = ""
    totals: Totals | None = None
    error: LadingError | None = None
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """An image in a list. `id` is its root's digest, at a Docker host whatever the daemon says. `created` is seconds
    since 1970, `size` bytes; `names` are references, `digests` are `repository@digest`."""

    id: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    created: float | None
    size: int
    labels: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Details:
    """One image with what it is made of; `config` is its own settings (Env, Cmd, …) as the image-spec names them."""

    summary: Summary
    platform: str
    layers: tuple[str, ...]
    config: Mapping[str, object]
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an image's history, newest first. `created` is seconds since 1970."""

    id: str
    created: float | None
    created_by: str
    size: int
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What is gone: names and ids, and the bytes that came free."""

    deleted: tuple[str, ...]
    reclaimed: int


@dataclass(frozen=True, slots=True)
class Engine:
    """What answers behind an environment: for people, and for the test of a connection."""

    name: str
    version: str
    api: str
    platform: str


class Environment(Protocol):
    """Blocking, for any number of threads. Every method may raise Unreachable."""

    def ping(self, cancel: Cancel) -> None:
        """Whether anybody answers, and what they should be. The cheapest question there is."""

    def engine(self, cancel: Cancel) -> Engine:
        """What answers."""

    def images(self, cancel: Cancel) -> Sequence[Summary]:
        """Newest first."""

    def image(self, image: str, cancel: Cancel) -> Details:
        """By id, digest or reference. Raises ImageUnknown, IdAmbiguous."""

    def history(self, image: str, cancel: Cancel) -> Sequence[Step]:
        """Raises ImageUnknown, IdAmbiguous."""

    def tag(self, image: str, reference: Reference, cancel: Cancel) -> None:
        """A further name, taken from whatever had it. Raises ImageUnknown, IdAmbiguous."""

    def remove(self, image: str, force: bool, cancel: Cancel) -> Pruned:
        """A name; or an image by its id, with `force` also where it has several names. Raises ImageUnknown, Refused."""

    def prune(self, unnamed_only: bool, cancel: Cancel) -> Pruned:
        """Images that nobody needs: those without a name, or at a Docker host all that no container uses."""

    def pull(self, order: PullOrder, report: Report, cancel: Cancel) -> Arrived:
        """Raises ImageUnknown, AccessDenied, NetworkFailed and what a copy raises."""

    def push(self, order: PushOrder, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        """One for each target, in order; each proven at the registry or with its error. Raises as `pull` does."""

    def export(self, images: Sequence[str], cancel: Cancel) -> AbstractContextManager[Reader]:
        """A docker archive of these images, streamed. Raises ImageUnknown."""

    def load(self, archive: Reader, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        """The images of an archive, docker's or OCI's. A cut archive leaves nothing. Raises ContentCorrupt."""
