"""Scans of the service, wired: views of images, scanners, what is kept of them, and what is done from time to time."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lading.backends.advisories.keeping import AdvisoryFolder
from lading.backends.content_store.sieved_archive import sieved_archive
from lading.backends.database.service_database import ServiceDatabase
from lading.engine.cancel import Cancellation
from lading.main.counting import Counting
from lading.main.own_engine import OwnEngine
from lading.main.public_registry import public_registry
from lading.main.scanner_programs import layouts, scanner_programs
from lading.main.scanners import inventory_reader, scanner_choice
from lading.oci.platform import Platform
from lading.services.audit.audit import Trail
from lading.services.clocks import Clocks
from lading.services.environments.environments import Environments
from lading.services.inventories.host_views import ArchivedContent, HostContent
from lading.services.inventories.image_views import ImageViews
from lading.services.inventories.inventory_keeping import InventoryKeeping
from lading.services.inventories.staging import FOR_SCANS, Staging
from lading.services.repositories.logins import RepositoryLogins
from lading.services.repositories.repositories import Repositories
from lading.services.running.jobs import Jobs
from lading.services.scans.figures import ScanFigures
from lading.services.scans.jobs import ScanJobs
from lading.services.scans.keeping import ScanKeeping
from lading.services.scans.lists import ScanLists
from lading.services.scans.on_pull import ScanOnPull
from lading.services.scans.rematch import Rematches
from lading.services.scans.rounds import ScanRounds
from lading.services.scans.scanner_following import ScannerFollowing
from lading.services.scans.scanner_settings import ScannerSettings
from lading.services.scans.scanner_updates import ScannerUpdates
from lading.services.scans.scans import Scans, Suppression
from lading.services.schedules import Chore
from lading.settings import Settings

LOOK_SECONDS = 60.0
"""How long a look at a scanner may take that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Scanning:
    """All over the same rows, scanners and inventories."""

    scans: Scans
    settings: ScannerSettings
    on_pull: ScanOnPull
    jobs: ScanJobs
    rounds: ScanRounds
    rematches: Rematches
    lists: ScanLists
    updates: ScannerUpdates
    following: ScannerFollowing
    kept: ScanKeeping
    keeping: InventoryKeeping
    figures: ScanFigures
    every: float | None

    def chores(self) -> Sequence[Chore]:
        """What is done from time to time."""
        return (
            *self.rounds.chores(self.every),
            *self.rematches.chores(),
            *self.kept.chores(),
            *self.updates.chores(),
            *self.figures.chores(),
        )

    def begin(self, counting: Counting) -> None:
        """From now on findings are counted."""
        self.figures.refresh()
        meaning = "Vulnerabilities of images, by their newest scans."
        counting.kinds("lading_findings", meaning, self.figures.gauges, "severity")


@dataclass(frozen=True, slots=True)
class Ground:
    """What scans stand on."""

    settings: Settings
    data: Path
    native: Platform
    database: ServiceDatabase
    engine: OwnEngine
    environments: Environments
    advisories: AdvisoryFolder
    jobs: Jobs
    trail: Trail


def scanning(ground: Ground, suppression: Suppression, stack: ExitStack) -> Scanning:
    """Closed with the stack; `suppression` is what exceptions hide."""
    database, engine, trail = ground.database, ground.engine, ground.trail
    records, clocks = database.scans, Clocks(time.time, time.monotonic)
    inventories = inventory_reader(ground.data, stack)
    programs = scanner_programs(ground.settings, ground.data, os.environ, clocks)
    choice = scanner_choice(inventories, lambda: closing(ground.advisories.lookup()), programs, clocks)
    own = engine.places.local
    archives = partial(sieved_archive, scratch=ground.data / "scratch", name="the Docker host's archive")
    views = ImageViews(
        lambda: own().own,
        lambda: database.catalogue.images,
        ground.native,
        content=_host_content(ground, ArchivedContent(archives)),
        layouts=layouts(ground.data),
        known=inventories.known,
    )
    scans = Scans(
        records,
        choice,
        views,
        ground.environments,
        inventories=inventories,
        clocks=clocks,
        suppression=suppression,
    )
    kept = ScanKeeping(records, ground.environments, _look)
    chosen = ScannerSettings(database.environments, database.settings, choice, trail)
    return Scanning(
        scans,
        chosen,
        ScanOnPull(scans, chosen, lambda: own().own, trail, clocks),
        ScanJobs(scans, chosen, ground.environments, ground.jobs, time.monotonic),
        ScanRounds(scans, chosen, ground.environments, ground.jobs, trail, keeping=kept),
        Rematches(scans, ground.jobs, trail, _look),
        ScanLists(records, ground.environments, trail),
        ScannerUpdates(programs, choice, ground.jobs, trail, ground.settings.scanner_update_every),
        ScannerFollowing(programs, database.jobs),
        kept,
        InventoryKeeping(lambda: own().own, lambda: database.catalogue.images, records, inventories),
        ScanFigures(records),
        ground.settings.scan_every,
    )


def _host_content(ground: Ground, archived: ArchivedContent) -> HostContent:
    """Docker hosts push to us where we are told how others reach our registry, and hand out archives elsewhere."""
    registry = public_registry(ground.settings)
    if registry is None:
        return archived
    database = ground.database
    logins = RepositoryLogins(database.users, database.tokens, FOR_SCANS, time.time, os.urandom)
    return Staging(
        registry,
        Repositories(database.repositories, ground.engine.content, clock=time.time),
        None if ground.settings.no_auth else logins,
        archived,
        clock=time.monotonic,
        random=os.urandom,
    )


def _look() -> AbstractContextManager[Cancellation]:
    return Cancellation(LOOK_SECONDS, clock=time.monotonic)
