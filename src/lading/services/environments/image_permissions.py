"""What one actor may do with the images of one environment.

A grant may name repositories. Then what is asked about a name is asked for its repository, what is asked about an image
for the repositories of its names, and a list shows the names that may be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from lading.oci.platform import Platform
from lading.oci.reference import Reference, ReferenceInvalid, Repository
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit, admit_somewhere, refuse
from lading.services.environment_images import Summary
from lading.services.environments.environment import Environment
from lading.services.lookup import ImageUnknown, may_be_id
from lading.wire.message import Cancel


class ImagePermissions:
    """What admits raises Denied or NotLoggedIn, with a record; and what looking an image up raises."""

    def __init__(self, actor: Actor, environment_id: int, trail: Trail, environment: Callable[[], Environment]) -> None:
        self._actor, self._id, self._trail, self._environment = actor, environment_id, trail, environment
        self._known: dict[tuple[Permission, str], bool] = {}

    def admit_target(self, permission: Permission, repository: Repository | None) -> None:
        """For a repository; None: for any."""
        deed = self._asked(permission, "" if repository is None else str(repository))
        if repository is None:
            admit_somewhere(self._trail, self._actor, permission, deed)
        else:
            admit(self._trail, self._actor, permission, deed, repository)

    def admit_source(self, image: str, cancel: Cancel) -> None:
        """A push carries an image out: no more than what the actor sees, or may push under the image's own name."""
        if not self._may_image(Permission.IMAGES_PUSH, image, cancel):
            self.admit_image(Permission.IMAGES_VIEW, image, cancel)

    def admit_image(self, permission: Permission, image: str, cancel: Cancel, *, every: bool = False) -> None:
        """For the name that is given; of an id for one of the image's names, or `every` one where all would go."""
        if not self._may_image(permission, image, cancel, every=every):
            refuse(self._trail, self._actor, permission, self._asked(permission, image))

    def admit_removal(self, image: str, platforms: tuple[Platform, ...], cancel: Cancel) -> None:
        """A platform's content goes from all names of the image, whichever one is given."""
        self.admit_image(Permission.IMAGES_REMOVE, image, cancel, every=True)
        if platforms and not self.everything(Permission.IMAGES_REMOVE):
            summary = self._environment().image(image, cancel).summary
            self.admit_image(Permission.IMAGES_REMOVE, summary.id, cancel, every=True)

    def admit_export(self, image: str, cancel: Cancel) -> None:
        """What reads like an id may mean all tags of a repository that is called so: then it is asked for that one."""
        self.admit_image(Permission.IMAGES_EXPORT, image, cancel)
        named = _repository_called(image) if may_be_id(image) else None
        if named is None or self.everything(Permission.IMAGES_EXPORT):
            return
        names = (name for each in self._environment().images(cancel) for name in each.names)
        if any(Reference.parse(name).repository == named for name in names):
            self.admit_target(Permission.IMAGES_EXPORT, named)

    @contextmanager
    def discreetly(self) -> Iterator[None]:
        """Inside, who asks for a name that is not there is not led to one that may not be seen. Raises ImageUnknown."""
        try:
            yield
        except ImageUnknown as error:
            near = Reference.parse(error.near).repository if error.near else None
            if near is None or self._may(Permission.IMAGES_VIEW, near):
                raise
            raise ImageUnknown(error.text, error.looked) from None

    def everything(self, permission: Permission) -> bool:
        """Whether it may so for all repositories."""
        return self._actor.may(permission, self._id)

    def somewhere(self, permission: Permission) -> bool:
        """Whether there is a repository for which it may so."""
        return self._actor.may_somewhere(permission, self._id)

    def named(self, summary: Summary, *permissions: Permission) -> Summary:
        """With the names that may be seen, or for which it may any of what else is asked."""
        asked = permissions or (Permission.IMAGES_VIEW,)
        if any(map(self.everything, asked)):
            return summary

        def seen(names: Sequence[str]) -> tuple[str, ...]:
            return tuple(name for name in names if any(self._may_name(permission, name) for permission in asked))

        return replace(summary, names=seen(summary.names), digests=seen(summary.digests))

    def _may_image(self, permission: Permission, image: str, cancel: Cancel, *, every: bool = False) -> bool:
        if self.everything(permission):
            return True
        if not self.somewhere(permission):
            return False
        allowed = [self._may(permission, repository) for repository in self._repositories(image, cancel)]
        return bool(allowed) and (all(allowed) if every else any(allowed))

    def _repositories(self, image: str, cancel: Cancel) -> list[Repository]:
        if not may_be_id(image):
            return [Reference.parse(image).repository]
        found = self._environment().image(image, cancel).summary
        return [Reference.parse(name).repository for name in (*found.names, *found.digests)]

    def _may_name(self, permission: Permission, name: str) -> bool:
        """Of a whole name; a list has thousands, of few repositories."""
        repository = name.partition("@")[0]
        path, _, tag = repository.rpartition(":")
        called = permission, path if path and "/" not in tag else repository
        if called not in self._known:
            self._known[called] = self._may(permission, Reference.parse(name).repository)
        return self._known[called]

    def _may(self, permission: Permission, repository: Repository) -> bool:
        return self._actor.may(permission, self._id, repository)

    def _asked(self, permission: Permission, name: str) -> Deed:
        return Deed(permission.partition(":")[2], "image", name, name, self._id)


def _repository_called(text: str) -> Repository | None:
    """None where it names a tag too, or is an id and no name."""
    try:
        reference = Reference.parse(text)
    except ReferenceInvalid:
        return None
    return reference.repository if reference.tag is None and reference.digest is None else None
