"""An environment as one actor sees it: permission before each verb, the trail around those that end at once.

Pull, push and load are jobs' work: who starts them records that, and their end is recorded with the job's. Here only
what was not allowed is.

A grant may name repositories. Then what is asked about a name is asked for its repository, what is asked about an image
for the repositories of its names, and a list shows the names that may be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from lading.errors import Cancelled, LadingError
from lading.oci.reference import Reference, Repository
from lading.services.access import Actor, Permission
from lading.services.audit import Deed, Result, Trail
from lading.services.audit_trail import admit, admit_somewhere, refuse
from lading.services.environment import (
    Arrived,
    ConnectionType,
    Details,
    Engine,
    Environment,
    Pruned,
    PullOrder,
    PushOrder,
    Step,
    Summary,
)
from lading.services.environment_records import EnvironmentRow
from lading.services.lookup import may_be_id
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Report


class GuardedEnvironment:
    """Every verb raises Denied or NotLoggedIn, and what the environment's own raises."""

    def __init__(self, actor: Actor, row: EnvironmentRow, trail: Trail, environment: Callable[[], Environment]) -> None:
        self._actor, self._row, self._trail, self._environment = actor, row, trail, environment

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
    def scanner(self) -> str:
        """What looks for vulnerabilities after a pull."""
        return self._row.scanner

    # ── permission alone, for those who make jobs

    def admit_push(self, repository: Repository | None) -> None:
        """Whether it may push there from here; None: anywhere."""
        self._admit_target(Permission.IMAGES_PUSH, repository)

    def admit_pull(self, repository: Repository | None) -> None:
        """Whether it may bring that here; None: anything."""
        self._admit_target(Permission.IMAGES_PULL, repository)

    def admit_load(self) -> None:
        """Whether it may load archives here: they name what they like, so it must be allowed for all repositories."""
        admit(self._trail, self._actor, Permission.IMAGES_IMPORT, Deed("import", "image", "", "", self.id))

    def find(self, image: str, cancel: Cancel) -> Summary:
        """One image, for whoever may look at it, or push what has one of its names.

        Raises ImageUnknown, IdAmbiguous.
        """
        self._admit_source(image, cancel)
        return self._environment().image(image, cancel).summary

    # ── what there is

    def engine(self, cancel: Cancel) -> Engine:
        deed = Deed("view", "environment", str(self.id), self.name, self.id)
        admit(self._trail, self._actor, Permission.ENVIRONMENTS_VIEW, deed)
        return self._environment().engine(cancel)

    def images(self, cancel: Cancel) -> Sequence[Summary]:
        self._admit_target(Permission.IMAGES_VIEW, None)
        found = self._environment().images(cancel)
        if self._everything(Permission.IMAGES_VIEW):
            return found
        return [shown for each in found if (shown := self._named(each)).names]

    def image(self, image: str, cancel: Cancel) -> Details:
        self._admit_image(Permission.IMAGES_VIEW, image, cancel)
        details = self._environment().image(image, cancel)
        if self._everything(Permission.IMAGES_VIEW):
            return details
        return replace(details, summary=self._named(details.summary))

    def history(self, image: str, cancel: Cancel) -> Sequence[Step]:
        self._admit_image(Permission.IMAGES_VIEW, image, cancel)
        return self._environment().history(image, cancel)

    # ── names and removal

    def tag(self, image: str, reference: Reference, cancel: Cancel) -> None:
        self._admit_image(Permission.IMAGES_TAG, image, cancel)
        self._admit_target(Permission.IMAGES_TAG, reference.repository)
        with self._recorded(self._deed("tag", image, {"target": str(reference)})):
            self._environment().tag(image, reference, cancel)

    def remove(self, image: str, force: bool, cancel: Cancel) -> Pruned:
        self._admit_image(Permission.IMAGES_REMOVE, image, cancel, every=True)
        with self._recorded(self._deed("remove", image, {"force": force})):
            return self._environment().remove(image, force, cancel)

    def prune(self, unnamed_only: bool, cancel: Cancel) -> Pruned:
        deed = Deed("prune", "image", "", "", self.id, {"unnamedOnly": unnamed_only})
        admit(self._trail, self._actor, Permission.IMAGES_REMOVE, deed)
        with self._recorded(deed):
            return self._environment().prune(unnamed_only, cancel)

    # ── transfers

    def pull(self, order: PullOrder, report: Report, cancel: Cancel) -> Arrived:
        self.admit_pull(order.reference.repository)
        return self._environment().pull(order, report, cancel)

    def push(self, order: PushOrder, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        self._admit_source(order.image, cancel)
        for target in order.targets:
            self.admit_push(target.repository)
        return self._environment().push(order, report, cancel)

    @contextmanager
    def export(self, images: Sequence[str], cancel: Cancel) -> Iterator[Reader]:
        for image in images:
            self._admit_image(Permission.IMAGES_EXPORT, image, cancel)
        deed = Deed("export", "image", ",".join(images), ",".join(images), self.id)
        with self._recorded(deed), self._opened(images, cancel) as reader:
            yield reader

    def load(self, archive: Reader, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        self.admit_load()
        return self._environment().load(archive, report, cancel)

    def _opened(self, images: Sequence[str], cancel: Cancel) -> AbstractContextManager[Reader]:
        return self._environment().export(images, cancel)

    # ── permission

    def _admit_target(self, permission: Permission, repository: Repository | None) -> None:
        deed = self._asked(permission, "" if repository is None else str(repository))
        if repository is None:
            admit_somewhere(self._trail, self._actor, permission, deed)
        else:
            admit(self._trail, self._actor, permission, deed, repository)

    def _admit_source(self, image: str, cancel: Cancel) -> None:
        """A push carries an image out: no more than what the actor sees, or may push under the image's own name."""
        if not self._may_image(Permission.IMAGES_PUSH, image, cancel):
            self._admit_image(Permission.IMAGES_VIEW, image, cancel)

    def _admit_image(self, permission: Permission, image: str, cancel: Cancel, *, every: bool = False) -> None:
        """For the name that is given; of an id for one of the image's names, or `every` one where all would go."""
        if not self._may_image(permission, image, cancel, every=every):
            refuse(self._trail, self._actor, permission, self._asked(permission, image))

    def _may_image(self, permission: Permission, image: str, cancel: Cancel, *, every: bool = False) -> bool:
        if self._everything(permission):
            return True
        if not self._actor.may_somewhere(permission, self.id):
            return False
        allowed = [self._may(permission, repository) for repository in self._repositories(image, cancel)]
        return bool(allowed) and (all(allowed) if every else any(allowed))

    def _repositories(self, image: str, cancel: Cancel) -> list[Repository]:
        if not may_be_id(image):
            return [Reference.parse(image).repository]
        return [Reference.parse(name).repository for name in self._environment().image(image, cancel).summary.names]

    def _everything(self, permission: Permission) -> bool:
        """Whether it may so for all repositories."""
        return self._actor.may(permission, self.id)

    def _may(self, permission: Permission, repository: Repository) -> bool:
        return self._actor.may(permission, self.id, repository)

    def _named(self, summary: Summary) -> Summary:
        """With the names that may be seen."""

        def seen(names: Sequence[str]) -> tuple[str, ...]:
            view = Permission.IMAGES_VIEW
            return tuple(name for name in names if self._may(view, Reference.parse(name).repository))

        return replace(summary, names=seen(summary.names), digests=seen(summary.digests))

    def _asked(self, permission: Permission, name: str) -> Deed:
        return Deed(permission.partition(":")[2], "image", name, name, self.id)

    # ── the trail

    def _deed(self, action: str, image: str, details: dict[str, object]) -> Deed:
        return Deed(action, "image", image, image, self.id, details)

    @contextmanager
    def _recorded(self, deed: Deed) -> Iterator[None]:
        """One record before and one after, so that an interruption leaves the first."""
        self._trail.record(self._actor, deed, Result.STARTED)
        try:
            yield
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
        self._trail.record(self._actor, deed, Result.DONE)
