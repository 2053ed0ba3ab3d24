"""An environment as one actor sees it: permission before each verb, the trail around those that end at once.

Pull, push and load are jobs' work: who starts them records that, and their end is recorded with the job's. Here only
what was not allowed is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from lading.errors import Cancelled, LadingError
from lading.oci.platform import Platform
from lading.oci.reference import Reference, Repository
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.audit.trail import admit
from lading.services.environment_images import Details, Step, Summary
from lading.services.environments.environment import ConnectionType, Engine, Environment, Events, TellsEvents
from lading.services.environments.image_permissions import ImagePermissions
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
from lading.services.environments.records import EnvironmentRow
from lading.services.environments.seen_lists import SeenLists
from lading.services.findings.scanner import ScannerName
from lading.services.lookup import ImageUnknown, may_be_id
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Report

Once = Callable[[Callable[[], Summary | None]], Summary | None]
"""Looks, or tells what somebody else found who looked for the same."""

MOST_TOLD = 1000
"""Names or ids in one record."""


class GuardedEnvironment:
    """Every verb raises Denied or NotLoggedIn, and what the environment's own raises."""

    def __init__(
        self,
        actor: Actor,
        row: EnvironmentRow,
        trail: Trail,
        environment: Callable[[], Environment],
        seen: SeenLists | None = None,
    ) -> None:
        """`seen` remembers for all actors what they may see of long lists."""
        self._seen = seen or SeenLists()
        self._actor, self._row, self._trail, self._environment = actor, row, trail, environment
        self._permissions = ImagePermissions(actor, row.id, trail, environment)

    @property
    def id(self) -> int:
        """Of its row."""
        return self._row.id

    @property
    def name(self) -> str:
        """Of its row."""
        return self._row.name

    @property
    def connection_type(self) -> ConnectionType:
        """How it is reached."""
        return self._row.connection_type

    @property
    def scanner(self) -> ScannerName | None:
        """What looks for vulnerabilities here; None: what is chosen for all."""
        return self._row.scanner

    # ── permission alone, for those who make jobs

    def admit_push(self, repository: Repository | None) -> None:
        """Whether it may push there from here; None: anywhere."""
        self._permissions.admit_target(Permission.IMAGES_PUSH, repository)

    def admit_sign(self, repository: Repository | None) -> None:
        """Whether what it pushes there may be signed with the server's key; None: anywhere."""
        self._permissions.admit_target(Permission.TRUST_SIGN, repository)

    def admit_pull(self, repository: Repository | None) -> None:
        """Whether it may bring that here; None: anything."""
        self._permissions.admit_target(Permission.IMAGES_PULL, repository)

    def admit_load(self) -> None:
        """Whether it may load archives here: they name what they like, so it must be allowed for all repositories."""
        admit(self._trail, self._actor, Permission.IMAGES_IMPORT, Deed("import", "image", "", "", self.id))

    def admit_scan(self, image: str, cancel: Cancel) -> str | None:
        """Whether it may have this image scanned. What it may call what an id stands for, as the first of its names may
        be none of its business; None: whatever the image is called. Raises ImageUnknown, IdAmbiguous."""
        asked = Permission.SCANS_RUN
        self._permissions.admit_image(asked, image, cancel)
        with self._permissions.discreetly():
            found = self._environment().image(image, cancel).summary
        if self._permissions.everything(asked) or not may_be_id(image):
            return None
        seen = self._permissions.named(found, asked)
        return next(Reference.parse(name).familiar for name in (*seen.names, *seen.digests))

    def admit_scan_of(self, image: str) -> None:
        """The same as far as a name tells; what an id means is asked when it is scanned."""
        repository = None if may_be_id(image) else Reference.parse(image).repository
        self._permissions.admit_target(Permission.SCANS_RUN, repository)

    def find(self, image: str, cancel: Cancel) -> Summary:
        """One image, for whoever may look at it, or push what has one of its names: with these names alone.

        Raises ImageUnknown, IdAmbiguous.
        """
        self._permissions.admit_source(image, cancel)
        with self._permissions.discreetly():
            found = self._environment().image(image, cancel).summary
        return self._permissions.named(found, Permission.IMAGES_VIEW, Permission.IMAGES_PUSH)

    def admit_view(self) -> None:
        """Whether there is an image here that it may look at."""
        self._permissions.admit_target(Permission.IMAGES_VIEW, None)

    def admit_export(self, image: str, cancel: Cancel) -> None:
        """Whether it may carry this image out of here. Raises ImageUnknown, IdAmbiguous."""
        self._permissions.admit_export(image, cancel)

    # ── what there is

    def engine(self, cancel: Cancel) -> Engine:
        deed = Deed("view", "environment", str(self.id), self.name, self.id)
        admit(self._trail, self._actor, Permission.ENVIRONMENTS_VIEW, deed)
        return self._environment().engine(cancel)

    def images(self, cancel: Cancel) -> Sequence[Summary]:
        self._permissions.admit_target(Permission.IMAGES_VIEW, None)
        return self.seen(self._environment().images(cancel))

    def seen(self, images: Sequence[Summary]) -> Sequence[Summary]:
        """Those of these, which are all images here, that it may look at; nobody is refused. The very same list where
        that is each of them."""
        if self._permissions.everything(Permission.IMAGES_VIEW):
            return images
        return self._seen.of((self.id, self._actor.grants, self._actor.scopes), images, self._named)

    def _named(self, images: Sequence[Summary]) -> Sequence[Summary]:
        shown = map(self._permissions.named, images)
        return [each for each in shown if each.names or each.digests]

    def count(self, cancel: Cancel) -> int:
        """How many images it may see here: whoever may see none is not refused."""
        return len(self.images(cancel)) if self._permissions.somewhere(Permission.IMAGES_VIEW) else 0

    def labels(self, id: str, cancel: Cancel, once: Once) -> Mapping[str, str]:  # noqa: A002  an image's own word
        """Of the image with this id, or which is called so now; none where it is gone or may not be seen: nobody is
        refused. What `once` has for somebody else already is not looked up again."""

        def look() -> Summary | None:
            try:
                return self._environment().image(id, cancel).summary
            except ImageUnknown:
                return None

        try:
            found = once(look)
        except LadingError:
            return {}
        if found is None:
            return {}
        shown = self._permissions.named(found)
        seen = self._permissions.everything(Permission.IMAGES_VIEW) or shown.names or shown.digests
        meant = found.id == id or not may_be_id(id)
        return found.labels if seen and meant else {}

    def events(self, since: float | None, until: float | None, cancel: Cancel) -> Events | None:
        """What is done to the images, as whoever has them tells it, for who may see any; None: nobody but the trail
        does. Not all of it may be seen: services.environments.image_events looks it through."""
        self._permissions.admit_target(Permission.IMAGES_VIEW, None)
        environment = self._environment()
        return environment.events(since, until, cancel) if isinstance(environment, TellsEvents) else None

    def image(self, image: str, cancel: Cancel, platform: Platform | None = None) -> Details:
        self._permissions.admit_image(Permission.IMAGES_VIEW, image, cancel)
        with self._permissions.discreetly():
            details = self._environment().image(image, cancel, platform)
        return replace(details, summary=self._permissions.named(details.summary))

    def history(self, image: str, cancel: Cancel, platform: Platform | None = None) -> Sequence[Step]:
        self._permissions.admit_image(Permission.IMAGES_VIEW, image, cancel)
        with self._permissions.discreetly():
            return self._environment().history(image, cancel, platform)

    def size(self, cancel: Cancel) -> int:
        self._permissions.admit_target(Permission.IMAGES_VIEW, None)
        return self._environment().size(cancel)

    # ── names and removal

    def tag(self, image: str, reference: Reference, cancel: Cancel) -> None:
        self._permissions.admit_image(Permission.IMAGES_TAG, image, cancel)
        self._permissions.admit_target(Permission.IMAGES_TAG, reference.repository)
        deed = self._deed("tag", image, {"target": str(reference)})
        with self._permissions.discreetly(), self._recorded(deed) as learned:
            learned["imageId"] = self._environment().image(image, cancel).summary.id
            self._environment().tag(image, reference, cancel)

    def remove(
        self,
        image: str,
        force: bool,
        cancel: Cancel,
        platforms: tuple[Platform, ...] = (),
        keep_parents: bool = False,
    ) -> Pruned:
        self._permissions.admit_removal(image, platforms, cancel)
        deed = self._deed("remove", image, {"force": force})
        with self._permissions.discreetly(), self._recorded(deed) as learned:
            learned["imageId"] = self._environment().image(image, cancel).summary.id
            gone = self._environment().remove(image, force, cancel, platforms, keep_parents)
            learned.update(_gone(gone))
            return gone

    def prune(self, order: PruneOrder, cancel: Cancel) -> Pruned:
        deed = Deed("prune", "image", "", "", self.id, {"unnamedOnly": order.dangling})
        admit(self._trail, self._actor, Permission.IMAGES_REMOVE, deed)
        with self._recorded(deed) as learned:
            gone = self._environment().prune(order, cancel)
            learned.update(_gone(gone))
            return gone

    # ── transfers

    def pull(self, order: PullOrder, report: Report, cancel: Cancel) -> Arrived:
        self.admit_pull(order.reference.repository)
        return self._environment().pull(order, report, cancel)

    def push(self, order: PushOrder, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        self._admit_order(order, cancel)
        return self._environment().push(order, report, cancel)

    def pushed_by(
        self, order: PushOrder, push: Callable[[Environment], Sequence[Arrived]], cancel: Cancel
    ) -> Sequence[Arrived]:
        """As `push`, by somebody else who is given the environment for that."""
        self._admit_order(order, cancel)
        return push(self._environment())

    def distribution(self, reference: Reference, access: Access, cancel: Cancel) -> Distribution:
        self.admit_pull(reference.repository)
        return self._environment().distribution(reference, access, cancel)

    @contextmanager
    def export(self, images: Sequence[str], cancel: Cancel, platform: Platform | None = None) -> Iterator[Reader]:
        for image in images:
            self._permissions.admit_export(image, cancel)
        names = ",".join(images)
        deed = Deed("export", "image", names, names, self.id, {"images": list(images[:MOST_TOLD])})
        with self._permissions.discreetly(), self._recorded(deed), self._opened(images, cancel, platform) as reader:
            yield reader

    def load(self, archive: Reader, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        self.admit_load()
        return self._environment().load(archive, report, cancel)

    def load_now(
        self, archive: Reader, report: Report, cancel: Cancel, platform: Platform | None = None
    ) -> Sequence[Arrived]:
        """What a job's load does, for who waits for it: on record by itself."""
        self.admit_load()
        with self._recorded(Deed("import", "image", "", "archive", self.id)) as learned:
            arrived = self._environment().load(archive, report, cancel, platform)
            learned["images"] = [str(each.reference or each.id) for each in arrived[:MOST_TOLD]]
            learned["imageIds"] = [each.id for each in arrived[:MOST_TOLD]]
            return arrived

    def import_now(self, archive: Reader, order: ImportOrder, report: Report, cancel: Cancel) -> Arrived:
        """A root file system made an image, for who waits for it: on record by itself."""
        if order.reference is None:
            self.admit_load()
        else:
            self._permissions.admit_target(Permission.IMAGES_IMPORT, order.reference.repository)
        name = str(order.reference or "")
        with self._recorded(Deed("import", "image", name, name, self.id)) as learned:
            arrived = self._environment().import_(archive, order, report, cancel)
            learned["imageId"] = arrived.id
            return arrived

    def _admit_order(self, order: PushOrder, cancel: Cancel) -> None:
        self._permissions.admit_source(order.image, cancel)
        for target in order.targets:
            self.admit_push(target.repository)

    def _opened(
        self, images: Sequence[str], cancel: Cancel, platform: Platform | None
    ) -> AbstractContextManager[Reader]:
        return self._environment().export(images, cancel, platform)

    # ── the trail

    def _deed(self, action: str, image: str, details: dict[str, object]) -> Deed:
        return Deed(action, "image", image, image, self.id, details)

    @contextmanager
    def _recorded(self, deed: Deed) -> Iterator[dict[str, object]]:
        """One record before and one after, so that an interruption leaves the first; the second tells what was learned
        meanwhile."""
        self._trail.record(self._actor, deed, Result.STARTED)
        learned: dict[str, object] = {}
        try:
            yield learned
        except Cancelled:
            self._trail.record(self._actor, deed, Result.CANCELLED)
            raise
        except LadingError as error:
            failed = replace(deed, details={**deed.details, "error": error.code})
            self._trail.record(self._actor, failed, Result.FAILED)
            raise
        except BaseException:
            self._trail.record(self._actor, deed, Result.FAILED)
            raise
        self._trail.record(self._actor, replace(deed, details={**deed.details, **learned}), Result.DONE)


def _gone(pruned: Pruned) -> dict[str, object]:
    names, images = pruned.untagged[:MOST_TOLD], pruned.deleted[:MOST_TOLD]
    return {"untagged": names, "deleted": images, "reclaimed": pruned.reclaimed}
