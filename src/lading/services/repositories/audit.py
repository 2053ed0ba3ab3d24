"""What users do in the repositories of our own registry, and what was refused to them, on the audit trail.

A push is its manifest, whose blobs came before it; a pull is its manifest too. Clients ask for one again and again, so
reading it is recorded once per actor, repository, digest and minute (interfaces §2, Audit), and a refusal once per
actor, repository and minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from lading.oci.digest import Digest
from lading.services.access import Actor, Denied, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.identity.throttling import Seldom
from lading.services.repositories.errors import Protected

READ_SECONDS = 60.0


class RepositoryAudit:
    """For any number of threads."""

    def __init__(self, trail: Trail, clock: Callable[[], float]) -> None:
        """`clock` tells seconds, of whatever beginning."""
        self._trail = trail
        self._read, self._refused = Seldom(clock, READ_SECONDS), Seldom(clock, READ_SECONDS)

    def refuse(self, actor: Actor, permission: Permission, repository: str | None) -> NoReturn:
        """The actor, who is known, may not do so there; None: anywhere. Raises Denied, StorageFailed."""
        if self._refused.now((actor.user, actor.token, permission, repository)):
            deed = Deed(permission.partition(":")[2], "repository", repository or "", repository or "")
            self._trail.record(actor, deed, Result.DENIED)
        raise Denied(permission, None, repository)

    @contextmanager
    def attempt(self, actor: Actor, action: str, repository: str, reference: str | Digest) -> Iterator[None]:
        """What a rule forbids inside is on the trail. Raises what happens inside, StorageFailed."""
        try:
            yield
        except Protected as error:
            if self._refused.now((actor.user, actor.token, action, repository, reference)):
                details = {"repository": repository, "refused": str(error)}
                deed = Deed(action, "image", str(reference), named(repository, reference), details=details)
                self._trail.record(actor, deed, Result.DENIED)
            raise

    def pulled(self, actor: Actor, repository: str, reference: str | Digest, digest: Digest) -> None:
        """A manifest was read, by its tag or digest. Raises StorageFailed."""
        if self._read.now((actor.user, actor.token, repository, digest)):
            self._record(actor, "pull", repository, str(digest), named(repository, reference))

    def pushed(self, actor: Actor, repository: str, references: Sequence[str | Digest], digest: Digest) -> None:
        """A manifest was written, and these tags point to it now. Raises StorageFailed."""
        for reference in references:
            self._record(actor, "push", repository, str(digest), named(repository, reference))

    def removed(self, actor: Actor, repository: str, reference: str | Digest) -> None:
        """A tag, or a manifest with all its tags, or a blob. Raises StorageFailed."""
        self._record(actor, "remove", repository, str(reference), named(repository, reference))

    def _record(self, actor: Actor, action: str, repository: str, identity: str, name: str) -> None:
        deed = Deed(action, "image", identity, name, details={"repository": repository})
        self._trail.record(actor, deed, Result.DONE)


def named(repository: str, reference: str | Digest) -> str:
    """As people write it: path:tag or path@digest."""
    return f"{repository}{'@' if isinstance(reference, Digest) else ':'}{reference}"
