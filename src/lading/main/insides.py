"""What is inside images, wired: over our own engine, our own registry, and Docker hosts."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

from lading.backends.database.service_database import ServiceDatabase
from lading.main.scanning import Scanning
from lading.services.audit.audit import Trail
from lading.services.browsing.content_sharing import ContentSharing
from lading.services.browsing.image_insides import ImageInsides
from lading.services.browsing.image_lists import ImageLists
from lading.services.browsing.image_locks import ImageLocks
from lading.services.browsing.layer_grids import LayerGrids
from lading.services.browsing.whereabouts import Whereabouts
from lading.services.clocks import Clocks
from lading.services.environments.environments import Environments
from lading.services.environments.host_lists import HostLists
from lading.services.environments.image_removals import ImageRemovals
from lading.services.repositories.registry_address import RegistryAddress
from lading.services.trust.verdicts import TrustVerdicts
from lading.wire.message import Cancel


@dataclass(frozen=True, slots=True)
class InsideCare:
    """All over the same rows."""

    insides: ImageInsides
    lists: ImageLists
    removals: ImageRemovals
    whereabouts: Whereabouts
    grids: LayerGrids
    address: RegistryAddress

    @classmethod
    def of(
        cls,
        stack: ExitStack,
        database: ServiceDatabase,
        environments: Environments,
        scans: Scanning,
        *,
        address: RegistryAddress,
        trail: Trail,
        cancellation: Callable[[float], AbstractContextManager[Cancel]],
    ) -> InsideCare:
        """Closed with the stack."""
        contents = database.tag_contents
        hosts = HostLists(environments, Clocks(time.time, time.monotonic), cancellation)
        stack.callback(hosts.close)
        sharing = ContentSharing(contents, database.changes)
        locks = ImageLocks(database.repositories, address, database.changes, time.time)
        return cls(
            ImageInsides(environments, sharing, scans.lists, scans.scans, time.time),
            ImageLists(environments, sharing, database.scans, locks, TrustVerdicts(database.trust_verdicts, time.time)),
            ImageRemovals(database.audit, lambda: environments.default().id),
            Whereabouts(environments, contents, hosts),
            LayerGrids(database.repositories, contents, trail, database.changes),
            address,
        )
