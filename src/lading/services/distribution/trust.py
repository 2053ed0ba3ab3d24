"""Content trust of distributions: what hosts are given from our registry, and under which names.

An image of our registry is verified there, by its signatures and its digest, before any host is asked to fetch it. One
of an environment has no signatures beside it: where a rule asks for some, it is not distributed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lading.errors import Refused
from lading.oci.reference import Reference, Repository
from lading.services.content.stores import FullStore
from lading.services.distribution.forms import InRegistry, Order
from lading.services.distribution.source import OwnRegistry
from lading.services.jobs.job import Telling
from lading.services.trust.server_trust import ServerTrust
from lading.wire.message import Cancel


class DistributionUnsigned(Refused):
    """An image of an environment would go to hosts under a name whose signatures are asked for."""

    code = "not_trusted"
    hint = "Push it to the registry beside Lading, signed, and distribute it from there."

    def __init__(self, name: Reference) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"{self.name.familiar} must be signed, and images of environments have no signatures beside them"


@dataclass(frozen=True, slots=True)
class DistributionTrust:
    """For any number of threads. `own` opens a repository of our registry."""

    trust: ServerTrust
    registry: OwnRegistry
    own: Callable[[str], FullStore]

    def check(self, order: Order, telling: Telling, cancel: Cancel) -> None:
        """Raises NotTrusted, DistributionUnsigned, what keeps anybody from answering, StorageFailed."""
        if order.digest is None:
            if order.name is not None and self.trust.asks(order.name):
                raise DistributionUnsigned(order.name)
            return
        asked = InRegistry.parse(order.asked, self.registry.host)
        tag = asked.name if asked is not None and isinstance(asked.name, str) else None
        named = Reference(Repository(self.registry.host, order.path), tag, order.digest)
        self.trust.verified(named, self.registry.access(None), None, telling, cancel, own=self.own(order.path))
