"""Where else an image is: tags of our own registry, our own engine, Docker hosts. Found by digests alone, never by
names: by that of its root, of one of its manifests or, at hosts that know no more, of its config."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.access import Actor, Permission
from lading.services.browsing.content_counts import contents_of
from lading.services.environment_images import PartKind, Summary
from lading.services.environments.environment import ConnectionType
from lading.services.environments.environments import Environments
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.environments.host_lists import HostLists
from lading.services.repositories.tag_contents import TagContents
from lading.wire.message import Cancel

MOST_TAGS = 500
"""Tags that are told of."""


class PlaceKind(StrEnum):
    """Where images are."""

    REPOSITORY = "repository"
    ENVIRONMENT = "environment"


class PlaceState(StrEnum):
    """Whether the image is there; of a host that did not answer in time nobody knows, unless it was asked before."""

    HERE = "here"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """A tag or an environment. `seen` is when the host was asked, in seconds since 1970; None: now, or never."""

    kind: PlaceKind
    name: str
    state: PlaceState
    reference: str | None = None
    image: str | None = None
    environment: int | None = None
    seen: float | None = None


class Whereabouts:
    """For any number of threads. Every method raises Denied, NotLoggedIn, RowUnknown, StorageFailed."""

    def __init__(self, environments: Environments, tags: TagContents, hosts: HostLists) -> None:
        self._environments, self._tags, self._hosts = environments, tags, hosts

    def places(self, actor: Actor, environment: int | None, image: str, cancel: Cancel) -> Sequence[ImagePlace]:
        """All that the actor may see: tags in order of repository, then environments in order of id. Raises
        ImageUnknown, IdAmbiguous, Unreachable."""
        wanted = self._environments.open(actor, environment).image(image, cancel).summary
        return [*self._tagged(actor, wanted), *self._in_environments(actor, wanted, cancel)]

    def _tagged(self, actor: Actor, wanted: Summary) -> Iterator[ImagePlace]:
        names = digests_of(wanted)
        parts = {part.descriptor.digest for part in wanted.parts if part.kind is PartKind.IMAGE and part.available}
        above = {found.root for found in self._tags.tags_with(names)}
        for tag in self._tags.tags_naming(names | parts | above, MOST_TAGS):
            if actor.may(Permission.REPOSITORIES_VIEW, None, tag.repository):
                name = f"{tag.repository}:{tag.tag}"
                yield ImagePlace(PlaceKind.REPOSITORY, tag.repository, PlaceState.HERE, name, str(tag.digest))

    def _in_environments(self, actor: Actor, wanted: Summary, cancel: Cancel) -> Iterator[ImagePlace]:
        rows = [row for row in self._environments.rows() if actor.may_somewhere(Permission.IMAGES_VIEW, row.id)]
        hosts = self._hosts.of([row.id for row in rows if row.connection_type is not ConnectionType.EMBEDDED])
        for row in rows:
            opened = self._environments.open(actor, row.id)
            if row.connection_type is ConnectionType.EMBEDDED:
                yield from _found(opened, wanted, opened.images(cancel), None)
            elif row.id in hosts:
                yield from _found(opened, wanted, opened.seen(hosts[row.id].images), hosts[row.id].seen)
            else:
                yield ImagePlace(PlaceKind.ENVIRONMENT, row.name, PlaceState.UNKNOWN, environment=row.id)


def _found(
    opened: GuardedEnvironment, wanted: Summary, images: Sequence[Summary], seen: float | None
) -> Iterator[ImagePlace]:
    """A place for each of its names there, or one that says that it is not there."""
    same = list(filter(SameImage(wanted), images))
    for image in same:
        for name in image.names or image.digests or (None,):
            reference = None if name is None else Reference.parse(name).familiar
            yield ImagePlace(PlaceKind.ENVIRONMENT, opened.name, PlaceState.HERE, reference, image.id, opened.id, seen)
    if not same:
        yield ImagePlace(PlaceKind.ENVIRONMENT, opened.name, PlaceState.ABSENT, environment=opened.id, seen=seen)


def digests_of(image: Summary) -> frozenset[Digest]:
    """What the image is known by wherever it is: its id, its root, and what registries call it."""
    texts = [image.id, *(name.rpartition("@")[2] for name in image.digests)]
    known = {digest for digest in map(Digest.if_valid, texts) if digest is not None}
    return frozenset(known | ({image.root.digest} if image.root is not None else set()))


class SameImage:
    """Whether others are the same image as this one, asked thousands of times: of what lies in a store no name is
    read, as its root is among its content."""

    def __init__(self, image: Summary) -> None:
        self._digests, self._contents = digests_of(image), contents_of(image)

    def __call__(self, other: Summary) -> bool:
        if any(digest in part.blobs for part in other.parts for digest in self._digests):
            return True
        if other.root is not None and other.parts:
            return other.root.digest in self._digests or other.root.digest in self._contents
        theirs = digests_of(other)
        return not self._digests.isdisjoint(theirs) or not theirs.isdisjoint(self._contents)
