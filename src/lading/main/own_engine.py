"""Our own engine over a data folder, as an environment, and the places that all environments stand on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from lading import __version__
from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.garbage import CollectableFolder
from lading.backends.content_store.listing import OciListing
from lading.backends.database.service_database import ServiceDatabase
from lading.engine.collect import Collected, collect
from lading.engine.embedded import EmbeddedStore
from lading.engine.throttle import RateLimit
from lading.main.data_folder import private_folder
from lading.main.environments import AccessPlaces, Grounds
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.services.embedded_environment import EmbeddedEnvironment
from lading.services.stores import Collector
from lading.wire.message import Cancel

LEFTOVER_SECONDS = 24 * 60 * 60
"""How long what an interrupted transfer left stays worth going on from: as long as a lease."""

LANES_IN_ALL = 192
"""Threads that move bytes, where many jobs run at once: more of them only wait for each other, and keep those waiting
who write lines and answer requests."""

USER_AGENT = f"lading/{__version__}"


@dataclass(frozen=True, slots=True)
class OwnEngine:
    """The engine, what it stands on, and where its content is."""

    content: ContentFolder
    places: AccessPlaces
    environment: EmbeddedEnvironment
    sweep: Collector


def lanes_for(wanted: int, running: int) -> int:
    """How many of the lanes a transfer wants it gets beside so many jobs that run, itself among them: one at least."""
    return max(1, min(wanted, LANES_IN_ALL // max(1, running)))


def _nobody_else() -> int:
    return 1


def own_engine(
    stack: ExitStack,
    data: Path,
    database: ServiceDatabase,
    native: Platform,
    *,
    limit: RateLimit | None = None,
    crowd: Callable[[], int] = _nobody_else,
) -> OwnEngine:
    """Closed with the stack. `crowd` counts the jobs that run: they share lanes."""
    catalogue = database.catalogue
    content = ContentFolder(data / "content", catalogue.leases)
    stack.callback(content.close)
    listing = OciListing(content.tree, catalogue.images)
    stack.callback(listing.close)
    own = EmbeddedStore(content, catalogue.images, listing, "the local store")

    def sweep(dry_run: bool, given_up: Collection[Digest], cancel: Cancel) -> Collected:
        return collect(
            CollectableFolder(content),
            catalogue.images,
            catalogue.leases,
            [database.repositories],
            given_up=given_up,
            left_before=time.time() - LEFTOVER_SECONDS,
            dry_run=dry_run,
            cancel=cancel,
        )

    scratch = private_folder(data / "scratch")
    grounds = Grounds(lambda: own, lambda: catalogue, lambda: scratch, native, os.environ, USER_AGENT, time.time)
    places = AccessPlaces(grounds)
    stack.callback(places.close)
    environment = EmbeddedEnvironment(
        places,
        lambda: catalogue.images,
        sweep,
        native,
        __version__,
        limit=limit,
        lanes=lambda wanted: lanes_for(wanted, crowd()),
    )
    return OwnEngine(content, places, environment, sweep)
