"""Our own engine over a data folder, as an environment, and the places that all environments stand on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from lading import __version__
from lading.backends.content_store.storage import Reserve
from lading.backends.database.catalogue import open_catalogue
from lading.backends.database.service_database import ServiceDatabase
from lading.engine.collect import Keeper
from lading.engine.embedded import EmbeddedStore
from lading.engine.throttle import RateLimit
from lading.main.access_places import AccessPlaces, Grounds
from lading.main.content_place import ContentPlace, OwnContent, content_of
from lading.main.counted_transport import Count, uncounted
from lading.main.data_folder import private_folder
from lading.main.registry_manners import CommonManners, common_manners
from lading.main.sweeping import NamesNote, OtherNames, Sweeper
from lading.oci.platform import Platform
from lading.services.embedded.environment import EmbeddedEnvironment, Upkeep
from lading.services.transfers.transfers import PULL_LANES, PUSH_LANES
from lading.settings import Settings

LANES_IN_ALL = 192
"""Threads that move bytes, where many jobs run at once: more of them only wait for each other, and keep those waiting
who write lines and answer requests."""

LOCAL_DATABASE = "lading.db"

USER_AGENT = f"lading/{__version__}"


@dataclass(frozen=True, slots=True)
class OwnEngine:
    """The engine, what it stands on, and where its content is."""

    place: ContentPlace
    places: AccessPlaces
    environment: EmbeddedEnvironment
    sweep: Sweeper
    manners: CommonManners

    @property
    def content(self) -> OwnContent:
        """What its images consist of."""
        return self.place.content


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept: free space, and unfinished transfers for so many seconds; and where: `storage` None is the data
    folder."""

    reserve: Reserve = field(default_factory=Reserve)
    unfinished_seconds: float = 7 * 24 * 60 * 60.0
    storage: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Keeping:
        """As it was set."""
        reserve = Reserve(settings.keep_free, settings.keep_free_percent)
        return cls(reserve, settings.keep_unfinished, settings.storage)


@dataclass(frozen=True, slots=True)
class Lanes:
    """How many layers one push and one pull move at a time; and all of them together at one registry, None: any
    number."""

    push: int = PUSH_LANES
    pull: int = PULL_LANES
    host: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> Lanes:
        """As it was set: each by itself, or both together."""
        both = settings.lanes
        push, pull = settings.push_lanes or both or PUSH_LANES, settings.pull_lanes or both or PULL_LANES
        return cls(push, pull, settings.host_lanes)


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
    keeping: Keeping = Keeping(),
    limit: RateLimit | None = None,
    crowd: Callable[[], int] = _nobody_else,
    lanes: Lanes = Lanes(),
    count: Count = uncounted,
) -> OwnEngine:
    """Closed with the stack. `crowd` counts the jobs that run: they share lanes. `count` is told of every request to a
    registry."""
    catalogue = database.catalogue
    place = content_of(stack, data, database, keeping.storage, keeping.reserve)
    own = EmbeddedStore(place.content, catalogue.lasting_images, place.listing, "the local store")

    sweep = Sweeper(
        place.collectable,
        place.content.uploads,
        catalogue.images,
        catalogue.leases,
        database.repositories,
        _names_beside(stack, data, database),
        keeping.unfinished_seconds,
    )
    scratch = private_folder(data / "scratch")
    grounds = Grounds(lambda: own, lambda: catalogue, lambda: scratch, native, os.environ, USER_AGENT, time.time)
    manners = common_manners(stack, database, lanes.host)
    places = AccessPlaces(grounds, count, manners.manners)
    stack.callback(places.close)
    environment = EmbeddedEnvironment(
        places,
        lambda: catalogue.images,
        Upkeep(sweep, sweep.shed),
        native,
        __version__,
        clock=time.time,
        limit=limit,
        listing=place.changes,
        lanes=lambda wanted: lanes_for(wanted, crowd()),
        push_lanes=lanes.push,
        pull_lanes=lanes.pull,
    )
    return OwnEngine(place, places, environment, sweep, manners)


def _names_beside(stack: ExitStack, data: Path, database: ServiceDatabase) -> Sequence[Keeper]:
    """Where rows are elsewhere, the local command may have names of its own beside the folder; it is told of us."""
    if not database.shared:
        return ()
    NamesNote.of(data).leave(str(database.place))
    beside = open_catalogue(data / LOCAL_DATABASE, time.time)
    stack.callback(beside.close)
    return (OtherNames(beside.images, beside.leases),)
