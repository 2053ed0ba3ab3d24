"""Environments: the places where images live, behind one protocol. Ours is one of them, a Docker host another.

The protocol says what is done; who may, and what goes on record, is the guard's (services.environments).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from lading.engine.stores import Condition
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.platform import Platform
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
class Arriving:
    """An image that is there whole under its `id`, and is about to be called `reference`. `root` is None, and `parts`,
    the manifests of its platforms that were brought, are none where only a daemon knows them."""

    reference: Reference
    id: str
    root: Descriptor | None = None
    parts: tuple[Descriptor, ...] = ()


Admit = Callable[[Arriving], None]
"""Asked whether an image may have its name; raises where it may not."""


@dataclass(frozen=True, slots=True)
class PullOrder:
    """Bring `reference`, whose tag or digest is set. `wanted` None: the environment's own platform.

    With `admit` the name is given only once that has been asked, also where the image was there already. What it raises
    ends the pull: whatever had the name keeps it, and what was brought is gone.
    """

    reference: Reference
    access: Access
    wanted: Wanted | None = None
    admit: Admit | None = None


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
    dry run, and nothing moved. `reference` is None only where an archive brought an image without a name. `current`
    means that a pull found here already what the registry has.
    """

    reference: Reference | None
    id: str
    digest: Digest | None
    size: int | None
    note: str = ""
    totals: Totals | None = None
    error: LadingError | None = None
    planned: bool = False
    current: bool = False


class PartKind(StrEnum):
    """What a manifest in an image's index is, in the words of Docker's API."""

    IMAGE = "image"
    ATTESTATION = "attestation"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Part:
    """A manifest that an image consists of: one platform's image, what somebody attested of it, or something else.

    `available` means that it is here whole; `content` is the bytes of its manifest, config and layers that are here, as
    they are kept, and `blobs` says of which: what two images share is among both. `attests` is the manifest that an
    attestation is about.
    """

    descriptor: Descriptor
    kind: PartKind
    platform: Platform | None
    available: bool
    content: int
    attests: Digest | None = None
    blobs: Mapping[Digest, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """An image in a list. `id` is its root's digest, at a Docker host whatever the daemon says. `created` is seconds
    since 1970, `size` bytes; `names` are references, none where the image has lost its last one; `digests` are
    `repository@digest`. `moved` is when a name was last set, in seconds since 1970.

    `root` and `parts` are empty where a Docker host does not say.
    """

    id: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    created: float | None
    size: int
    labels: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    root: Descriptor | None = None
    parts: tuple[Part, ...] = ()
    moved: float | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """One image with what it is made of; `config` is its own settings (Env, Cmd, …) as the image-spec names them.

    `document` is the whole image config (image-spec, config.md): architecture, os, variant, created, author, config;
    from a Docker host as much of it as the daemon tells. `diff_ids` name the layers uncompressed, from the base up.
    `parent`, `comment` and `docker_version` are what Docker's older engines say besides; empty where they do not.
    """

    summary: Summary
    platform: str
    layers: tuple[str, ...]
    config: Mapping[str, object]
    digest: Digest | None = None
    document: Mapping[str, object] = field(default_factory=dict)
    diff_ids: tuple[str, ...] = ()
    parent: str = ""
    comment: str = ""
    docker_version: str = ""


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
    """What is gone: names and `repository@digest`, the ids of images, and the bytes that came free.

    `layers` are those that only these images had; a Docker host tells them, and images' parents, among `deleted`.
    """

    untagged: tuple[str, ...]
    deleted: tuple[str, ...]
    reclaimed: int
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelFilter:
    """Images that have the label, with this value unless it is None; `without`: those that have not."""

    name: str
    value: str | None = None
    without: bool = False

    def permits(self, labels: Mapping[str, str]) -> bool:
        """Whether an image with these labels is one of them."""
        has = self.name in labels and self.value in (None, labels[self.name])
        return has is not self.without


@dataclass(frozen=True, slots=True)
class PruneOrder:
    """Which images nobody needs: `dangling` those without a name, else all that no container uses; of these only the
    ones made before `until` (seconds since 1970) that pass every filter of `labels`."""

    dangling: bool = True
    until: float | None = None
    labels: tuple[LabelFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """Make a root file system an image, called `reference` (None: nothing).

    `changes` are lines of a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or
    WORKDIR. `platform` None is the environment's own.
    """

    reference: Reference | None
    message: str = ""
    changes: tuple[str, ...] = ()
    platform: Platform | None = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """An image as a registry has it: its root, and the platforms it is there for."""

    descriptor: Descriptor
    platforms: tuple[Platform, ...]


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

    def image(self, image: str, cancel: Cancel, platform: Platform | None = None) -> Details:
        """By id, digest or reference; `platform` None: its own, else one that is there.

        Raises ImageUnknown, IdAmbiguous, PlatformMissing.
        """

    def history(self, image: str, cancel: Cancel, platform: Platform | None = None) -> Sequence[Step]:
        """Raises as `image` does."""

    def size(self, cancel: Cancel) -> int:
        """Bytes that all images take, what they share counted once."""

    def tag(self, image: str, reference: Reference, cancel: Cancel) -> None:
        """A further name, taken from whatever had it. Raises ImageUnknown, IdAmbiguous."""

    def remove(
        self,
        image: str,
        force: bool,
        cancel: Cancel,
        platforms: tuple[Platform, ...] = (),
        keep_parents: bool = False,
    ) -> Pruned:
        """A name; or an image by its id, with `force` also where it has several names.

        With `platforms`, which need `force`, only these go: their content is given up, the image and its names stay.
        `keep_parents` is for engines that have parents. Raises ImageUnknown, PlatformMissing, Refused.
        """

    def prune(self, order: PruneOrder, cancel: Cancel) -> Pruned:
        """Remove the images that nobody needs."""

    def pull(self, order: PullOrder, report: Report, cancel: Cancel) -> Arrived:
        """Raises ImageUnknown, AccessDenied, NetworkFailed, what a copy raises and what the order's `admit` does."""

    def push(self, order: PushOrder, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        """One for each target, in order; each proven at the registry or with its error. Raises as `pull` does."""

    def distribution(self, reference: Reference, access: Access, cancel: Cancel) -> Distribution:
        """An image as its registry has it; nothing is brought. Raises NotFound, AccessDenied, NetworkFailed."""

    def export(
        self, images: Sequence[str], cancel: Cancel, platform: Platform | None = None
    ) -> AbstractContextManager[Reader]:
        """One archive of these images, streamed: an OCI layout that is docker's own form too. A repository without a
        tag is all its tags; `platform` None: everything that is here. Raises ImageUnknown, PlatformMissing."""

    def load(
        self, archive: Reader, report: Report, cancel: Cancel, platform: Platform | None = None
    ) -> Sequence[Arrived]:
        """The images of an archive, docker's or OCI's, compressed or not. A cut archive leaves nothing.

        Raises ContentCorrupt, PlatformMissing.
        """

    def import_(self, archive: Reader, order: ImportOrder, report: Report, cancel: Cancel) -> Arrived:
        """Make an image of a tar of a root file system; a cut one leaves nothing.

        Raises ChangeInvalid, ContentCorrupt.
        """
