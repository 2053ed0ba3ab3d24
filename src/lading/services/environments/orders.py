"""What is asked of an environment, and what came of it: orders of transfers and removals, and their outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lading.engine.stores import Condition
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.content.stores import FullStore
from lading.services.platforms import Wanted
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint
from lading.wire.ledger import Totals


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


SignTags = Callable[[Sequence[Reference], Descriptor, FullStore], None]
"""Signs what is at a registry by its digest for these tags of one repository; raises where it cannot."""


@dataclass(frozen=True, slots=True)
class PullOrder:
    """Bring `reference`, whose tag or digest is set. `wanted` None: the environment's own platform.

    With `admit` the name is given only once that has been asked, also where the image was there already. What it raises
    ends the pull: whatever had the name keeps it, and what was brought is gone. With `verified` that digest is brought,
    whatever the tag stands for by now, and the name is given last.
    """

    reference: Reference
    access: Access
    wanted: Wanted | None = None
    admit: Admit | None = None
    verified: Digest | None = None


@dataclass(frozen=True, slots=True)
class PushOrder:
    """Send `image` (an id, digest or reference of the environment) to `targets`, tags of one registry: blobs move once.

    `condition` is what each tag must hold before any moves. `dry_run` tells what would move, and moves nothing. `sign`
    is asked once all is there and before any tag moves, by who pushes for itself; a Docker host moves tags as it
    pushes, so whoever had it push signs afterwards (services.trust.push_signing).
    """

    image: str
    targets: tuple[Reference, ...]
    access: Access
    wanted: Wanted | None = None
    condition: Condition = "any"
    dry_run: bool = False
    sign: SignTags | None = None


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
