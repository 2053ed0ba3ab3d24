"""The signatures of an environment's image, looked for where its names say that it is from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from lading.engine.cancel import Cancellation
from lading.engine.together import each
from lading.errors import LadingError, StorageFailed
from lading.oci.reference import Reference
from lading.services.access import Actor
from lading.services.environment_images import Summary
from lading.services.environments.environments import Environments
from lading.services.jobs.job import JsonObject
from lading.services.registries.configured_registries import ConfiguredRegistries
from lading.services.trust.server_trust import ServerTrust
from lading.services.trust.signature_json import unanswered_json
from lading.wire.message import Cancel

MOST_NAMES = 20
"""Names of one image that are asked about."""

AT_ONCE = 4

ASK_SECONDS = 20.0
"""The longest that anybody waits for registries and trust servers, all together."""


@dataclass(frozen=True, slots=True)
class EnvironmentSignatures:
    """For any number of threads. `cancellation` makes Cancels that end after so many seconds; `clock` tells seconds
    since 1970."""

    environments: Environments
    registries: ConfiguredRegistries
    trust: ServerTrust
    cancellation: Callable[[float], AbstractContextManager[Cancel]]
    clock: Callable[[], float]

    def of(self, actor: Actor, environment: int | None, image: str, cancel: Cancel) -> Sequence[JsonObject]:
        """A verdict for each of its names that a registry knows, as `signature_json` tells it, and remembered; of a
        registry that cannot be asked, why not. Raises Denied, RowUnknown, ImageUnknown, IdAmbiguous, Unreachable,
        StorageFailed."""
        opened = self.environments.open(actor, environment)
        names = names_of(opened.image(image, cancel).summary)[:MOST_NAMES]
        with (
            self.cancellation(ASK_SECONDS) as patience,
            Cancellation.within(patience) as stopped,
            cancel.closing(stopped.cancel),
        ):
            found = each(names, lambda name: self._look(name, opened.id, stopped), AT_ONCE, stopped.cancel)
        cancel.check()
        return found

    def _look(self, name: Reference, environment: int, cancel: Cancel) -> JsonObject:
        try:
            access = self.registries.access_for(name.repository)
            found = self.trust.look(name, access, environment, cancel)
        except StorageFailed:
            raise
        except LadingError as error:
            return unanswered_json(name, name.digest, self.clock(), error)
        return found or unanswered_json(name, name.digest, self.clock())


def names_of(image: Summary) -> Sequence[Reference]:
    """Each tag with the digest that its repository knows the image by; where it has no tag there, the digest alone."""
    tagged = [name for name in map(Reference.parse, image.names) if name.tag is not None]
    found: list[Reference] = []
    for known in map(Reference.parse, image.digests):
        tags = [each.tag for each in tagged if each.repository == known.repository]
        found += (Reference(known.repository, tag, known.digest) for tag in tags or [None])
    return found
