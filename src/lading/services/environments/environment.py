"""Environments: the places where images live, behind one protocol. Ours is one of them, a Docker host another.

The protocol says what is done; who may, and what goes on record, is the guard's (services.environments.environments).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.environment_images import Details, ImageEvent, Step, Summary
from lading.services.environments.orders import (
    Access,
    Arrived,
    Distribution,
    ImportOrder,
    Pruned,
    PruneOrder,
    PullOrder,
    PushOrder,
)
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


Events = Generator[ImageEvent | None, None, None]
"""What is done to images, as it happens; None: nothing for a while. To be closed."""


@runtime_checkable
class TellsEvents(Protocol):
    """What an environment can besides whose engine tells what is done to its images, whoever does it."""

    def events(self, since: float | None, until: float | None, cancel: Cancel) -> Events:
        """From `since` on, or from now; to `until`, or without end; in seconds since 1970. Blocks between them.

        Asks at once, not when the first event is taken. Raises Unreachable.
        """
