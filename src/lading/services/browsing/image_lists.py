"""Lists of an environment's images as people look at them: found by text, in order, page by page, and of those on the
page what is known besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lading.inventory.severity import Severity
from lading.oci.reference import Reference
from lading.services.access import Actor, Permission
from lading.services.browsing.content_sharing import ContentSharing
from lading.services.browsing.image_locks import ImageLocks
from lading.services.environment_images import Details, Summary
from lading.services.environments.environment import ConnectionType
from lading.services.environments.environments import Environments
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.findings.records import ScanRecords
from lading.services.trust.verdicts import TrustVerdicts
from lading.wire.message import Cancel


class ImageOrder(StrEnum):
    """By what a list is put in order."""

    NAME = "name"
    CREATED = "created"
    SIZE = "size"
    SEVERITY = "severity"
    UNIQUE = "uniqueSize"


@dataclass(frozen=True, slots=True)
class ImageQuery:
    """Images of which an id or a name holds `text`, in capitals or not. `order` None: the newest first. `count` None:
    all of them, and nothing besides."""

    text: str = ""
    order: ImageOrder | None = None
    descending: bool = False
    first: int = 0
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Marks:
    """What is known of an image besides: bytes that nothing else has; whether somebody `looked`, and the worst that
    scans found, None: nothing; whether a rule protects it; and whether its signatures are what their rules ask for.
    None where nobody knows."""

    unique: int | None
    looked: bool
    worst: Severity | None
    locked: bool | None
    signed: bool | None = None


@dataclass(frozen=True, slots=True)
class ImagePage:
    """Some images, in order, each with its marks, if they were asked for; `total` counts the whole list."""

    images: Sequence[tuple[Summary, Marks | None]]
    total: int


class ImageLists:
    """For any number of threads. Every method raises Denied, NotLoggedIn, RowUnknown, Unreachable, StorageFailed."""

    def __init__(
        self,
        environments: Environments,
        sharing: ContentSharing,
        scans: ScanRecords,
        locks: ImageLocks,
        verdicts: TrustVerdicts,
    ) -> None:
        self._environments, self._sharing, self._scans, self._locks = environments, sharing, scans, locks
        self._verdicts = verdicts

    def page(self, actor: Actor, environment: int | None, wanted: ImageQuery, cancel: Cancel) -> ImagePage:
        """Of what the actor may see."""
        opened = self._environments.open(actor, environment)
        images = opened.images(cancel)
        kept = [image for image in images if _holds(image, wanted.text.lower())] if wanted.text else images
        ordered = self._ordered(actor, opened, kept, images, wanted)
        if wanted.count is None:
            return ImagePage([(image, None) for image in ordered], len(kept))
        shown = ordered[wanted.first : wanted.first + wanted.count]
        return ImagePage(list(zip(shown, self._marks(actor, opened, shown, images), strict=True)), len(kept))

    def one(self, actor: Actor, environment: int | None, image: str, cancel: Cancel) -> tuple[Details, Marks]:
        """An image with what it is made of. Raises ImageUnknown, IdAmbiguous besides."""
        opened = self._environments.open(actor, environment)
        details = opened.image(image, cancel)
        images = opened.images(cancel) if opened.connection_type is ConnectionType.EMBEDDED else ()
        (marks,) = self._marks(actor, opened, [details.summary], images)
        return details, marks

    def _ordered(
        self,
        actor: Actor,
        opened: GuardedEnvironment,
        kept: Sequence[Summary],
        images: Sequence[Summary],
        wanted: ImageQuery,
    ) -> Sequence[Summary]:
        """What is equal stays in the order it has: the newest first."""
        if wanted.order is None:
            return kept
        key = self._key(actor, opened, kept, images, wanted.order)
        places = sorted(range(len(kept)), key=key, reverse=wanted.descending)
        return [kept[place] for place in places]

    def _key(
        self,
        actor: Actor,
        opened: GuardedEnvironment,
        kept: Sequence[Summary],
        images: Sequence[Summary],
        order: ImageOrder,
    ) -> Callable[[int], tuple[object, ...]]:
        """Of the image at a place of `kept`. Who nobody knows anything of comes before the least."""
        match order:
            case ImageOrder.NAME:
                return lambda place: (kept[place].names or kept[place].digests or (kept[place].id,),)
            case ImageOrder.CREATED:
                return lambda place: (kept[place].created or 0.0,)
            case ImageOrder.SIZE:
                return lambda place: (kept[place].size,)
            case ImageOrder.UNIQUE:
                unique = self._sharing.all_unique(actor, images)
                return lambda place: (-1 if unique[kept[place].id] is None else unique[kept[place].id],)
            case ImageOrder.SEVERITY:
                severities = self._severities(actor, opened, kept)
                return lambda place: (_rank(severities, kept[place].id),)

    def _marks(
        self, actor: Actor, opened: GuardedEnvironment, shown: Sequence[Summary], images: Sequence[Summary]
    ) -> Sequence[Marks]:
        severities = self._severities(actor, opened, shown)
        unique, signed = self._sharing.unique(actor, shown, images), self._verdicts.signed(shown)
        return [
            Marks(
                size,
                image.id in severities,
                severities.get(image.id),
                self._locks.of(actor, image),
                signed.get(image.id),
            )
            for image, size in zip(shown, unique, strict=True)
        ]

    def _severities(
        self, actor: Actor, opened: GuardedEnvironment, shown: Sequence[Summary]
    ) -> Mapping[str, Severity | None]:
        """Of those that were scanned, as far as the actor may see what came of it."""
        if not actor.may_somewhere(Permission.SCANS_VIEW, opened.id):
            return {}
        found = self._scans.worst(opened.id, {image.id for image in shown})
        if actor.may(Permission.SCANS_VIEW, opened.id):
            return found
        return {image.id: found[image.id] for image in shown if image.id in found and _may_see(actor, opened.id, image)}


def _holds(image: Summary, text: str) -> bool:
    return text in image.id.lower() or any(text in name.lower() for name in image.names)


def _rank(severities: Mapping[str, Severity | None], image: str) -> int:
    worst = severities.get(image)
    return worst.rank if worst is not None else -1 if image in severities else -2


def _may_see(actor: Actor, environment: int, image: Summary) -> bool:
    repositories = {Reference.parse(name).repository for name in (*image.names, *image.digests)}
    return any(actor.may(Permission.SCANS_VIEW, environment, each) for each in repositories)
