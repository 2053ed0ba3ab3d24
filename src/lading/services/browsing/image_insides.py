"""What is inside images of an environment: their layers and who shares them, and two images compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from lading.errors import InputInvalid
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.access import Actor, Permission
from lading.services.browsing.content_sharing import ContentSharing
from lading.services.embedded.comparison import Compared, Difference, compare
from lading.services.embedded.comparison_sides import compared_details
from lading.services.environment_images import Details, Summary
from lading.services.environments.environment import ConnectionType
from lading.services.environments.environments import Environments
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.environments.image_layers import Layers, layers_of
from lading.services.scans.cyclonedx import BillSubject, bill_of_materials
from lading.services.scans.lists import ScanLists
from lading.services.scans.scans import Scans
from lading.wire.message import Cancel


class NothingToCompare(InputInvalid):
    """A comparison of fewer than two images."""

    def __str__(self) -> str:
        return "a and b are the two images to compare"


@dataclass(frozen=True, slots=True)
class LayersSeen:
    """An image of one platform, from its base up. `shared` says of layers how many others have them, `unique` how many
    bytes nothing else has: None where nobody knows."""

    details: Details
    layers: Layers
    shared: Mapping[Digest, int] | None

    @property
    def unique(self) -> int | None:
        """Bytes of the layers that nothing else has; None where nobody knows."""
        if self.shared is None:
            return None
        alone = {row.digest: row.size or 0 for row in self.layers.rows if row.digest and not self.shared[row.digest]}
        return sum(alone.values())


class ImageInsides:
    """For any number of threads. Every method raises Denied, NotLoggedIn, RowUnknown, ImageUnknown, IdAmbiguous,
    PlatformMissing, Unreachable, StorageFailed."""

    def __init__(
        self,
        environments: Environments,
        sharing: ContentSharing,
        lists: ScanLists,
        scans: Scans,
        clock: Callable[[], float],
    ) -> None:
        """`clock` tells seconds since 1970."""
        self._environments, self._sharing = environments, sharing
        self._lists, self._scans, self._clock = lists, scans, clock

    def layers(
        self, actor: Actor, environment: int | None, image: str, platform: Platform | None, cancel: Cancel
    ) -> LayersSeen:
        """`platform` None: the environment's own, else one that is there."""
        opened = self._environments.open(actor, environment)
        details = opened.image(image, cancel, platform)
        layers = layers_of(details, opened.history(image, cancel, platform))
        if opened.connection_type is not ConnectionType.EMBEDDED:
            return LayersSeen(details, layers, None)
        digests = {row.digest for row in layers.rows if row.digest is not None}
        shared = self._sharing.others(actor, details.summary, opened.images(cancel), digests)
        return LayersSeen(details, layers, shared)

    def compare(
        self,
        actor: Actor,
        environment: int | None,
        before: str,
        after: str,
        *,
        platform: Platform | None,
        cancel: Cancel,
    ) -> Difference:
        """Packages and findings where both were scanned, and the actor may see what came of it. Raises NothingToCompare
        besides."""
        opened = self._environments.open(actor, environment)
        opened.admit_view()
        if not before or not after:
            raise NothingToCompare
        return compare(*(self._side(actor, opened, image, platform, cancel) for image in (before, after)))

    def bill(
        self, actor: Actor, environment: int | None, image: str, platform: Platform | None, cancel: Cancel
    ) -> Mapping[str, object]:
        """What is installed, as CycloneDX: layers that nobody has read before are read now, for who may have the image
        scanned. What is known of vulnerabilities is not in it. Raises ScanFailed, Unscannable besides."""
        opened = self._environments.open(actor, environment)
        name = opened.admit_scan(image, cancel)
        with self._scans.opened(opened.id, image, platform, cancel, name=name) as view:
            inventory = self._scans.inventories.image(view, _untold, cancel)
            subject = BillSubject(view.name, view.manifest or view.config, str(view.platform))
        return bill_of_materials(subject, inventory, self._clock())

    def _side(
        self, actor: Actor, opened: GuardedEnvironment, image: str, platform: Platform | None, cancel: Cancel
    ) -> Compared:
        details = opened.image(image, cancel, platform)
        side = compared_details(called(details.summary), details, opened.history(image, cancel, platform))
        if not actor.may_somewhere(Permission.SCANS_VIEW, opened.id):
            return side
        rows = self._lists.of_image(actor, opened.id, details.summary.id)
        same = [row for row in rows if row.subject.platform == details.platform]
        known = (self._scans.inventories.kept(row.subject.config) for row in same)
        inventory = next(filter(None, known), None)
        return replace(side, inventory=inventory, scans=tuple(row.result for row in same))


def _untold(_read: int, _all: int) -> None:
    """Nobody watches."""


def called(image: Summary) -> str:
    """The first of its names as docker writes it, else its id."""
    names = image.names or image.digests
    return Reference.parse(names[0]).familiar if names else image.id
