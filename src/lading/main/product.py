"""The product of `lading serve`: every service over one data folder, wired; and what runs beside the doors."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from lading.backends.database.service_database import ServiceDatabase
from lading.engine.cancel import Cancellation
from lading.fronts.rest_api.product import Product
from lading.main.advisory_store import advisory_folder, advisory_schedule
from lading.main.agents import EdgeHubs
from lading.main.arriving import archives_of
from lading.main.beside import STOP_SECONDS, begin_beside, begin_following
from lading.main.content_care import ContentCare
from lading.main.content_place import OwnContent
from lading.main.counting import Counting
from lading.main.gating import GateCare
from lading.main.gauges import watch_all
from lading.main.handing_over import dispatch_of
from lading.main.hosts import Hosts, open_hosts
from lading.main.insides import InsideCare
from lading.main.own_engine import USER_AGENT, Lanes
from lading.main.people import People
from lading.main.providers import EXPIRY, PulledRepositories, directories, login_chores, mint
from lading.main.registry_door import AccessDoor
from lading.main.relaying import RelayCare
from lading.main.repository_care import RepositoryCare, counted_pulls
from lading.main.rows import Rows, open_rows
from lading.main.scanning import Ground, Scanning, scanning
from lading.main.settings_shown import shown_settings
from lading.main.transferring import Transferring
from lading.main.work import Work, job_kinds, work_in
from lading.oci.platform import Platform
from lading.services.audit.trail import AuditTrail
from lading.services.audit.view import Audit
from lading.services.environments.reachability import Reachability
from lading.services.identity.authentication import Everybody
from lading.services.jobs.chores import KEPT_DAYS, job_chores
from lading.services.registries.browsing import RegistryBrowsing
from lading.services.registries.configured_registries import ConfiguredRegistries
from lading.services.registries.errands import RegistryErrands
from lading.services.repositories.pull_counts import PullCounts
from lading.services.repositories.registry_address import RegistryAddress
from lading.services.scans.advisories import Advisories
from lading.services.scans.advisory_following import AdvisoryFollowing
from lading.services.scans.exports import ScanExports
from lading.services.scans.pull_gates import PullGates
from lading.services.schedules import Chore
from lading.services.secrets import SecretBox
from lading.services.server.metrics import Metrics
from lading.services.server.overview import Overview
from lading.services.server.server_settings import ServerSettings
from lading.services.server.statistics import TransferStatistics
from lading.services.trust.gates import TrustGate
from lading.services.trust.image_signatures import EnvironmentSignatures
from lading.services.trust.verdicts import TrustVerdicts
from lading.services.watching.looks import JobLooks
from lading.services.work.imports import KEPT_SECONDS, Imports
from lading.services.work.previews import TransferPreviews
from lading.settings import Settings
from lading.wire.message import Cancel

HOUR = 60 * 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """The product while it runs, and what its doors need besides. `stop_jobs` saves jobs and sends away who follows
    them or the audit trail: before the doors close, which wait for answers. `take_job` begins one that was handed
    over."""

    product: Product
    content: OwnContent
    database: ServiceDatabase
    trail: AuditTrail
    counting: Counting
    pull_counts: PullCounts
    trust_gate: TrustGate
    errands: RegistryErrands
    hubs: EdgeHubs
    box: SecretBox
    setup_token: str | None
    stop_jobs: Callable[[], object]
    take_job: Callable[[str, Callable[[], None]], None]


@contextmanager
def running(settings: Settings, native: Platform, *, doors: bool = True) -> Iterator[Running]:
    """Opened, with its jobs taken up where they were left; stopped again at the end, so that nothing is lost. Without
    `doors` nobody comes in: a link that makes the first user is one that a server shows.

    Raises StorageFailed, SecretKeyWrong, NothingShared and what the settings get wrong.
    """
    with ExitStack() as stack:
        yield _running(stack, settings, native, doors=doors)


def _running(stack: ExitStack, settings: Settings, native: Platform, *, doors: bool) -> Running:
    rows = open_rows(stack, settings)
    database, trail = rows.database, rows.trail
    counting = Counting()
    people = People(stack, settings, database, trail)
    hosts = open_hosts(stack, settings, native, rows, counting.requested)
    engine, work = hosts.engine, work_in(rows, hosts.queue, counting.transfers.worked, dispatch_of(stack, settings))
    advisories = advisory_folder(settings, rows.data, os.environ, USER_AGENT, stack)
    ground = Ground(settings, rows.data, native, database, engine, hosts.environments, advisories, work.jobs, trail)
    care = _care(stack, ground, hosts, rows.box)
    watch_all(counting, hosts, database)
    product = _product(rows, ground, people, hosts, work=work, care=care, counting=counting)
    work.kinds.update(job_kinds(product, Lanes.of(settings)))
    care.begin(stack, counting)
    pull_counts = counted_pulls(stack, database)
    begin_beside(stack, rows, work.runner, hosts, people, chores=_chores(ground, people, product, care))
    if settings.workers:
        begin_following(stack, "advisories", AdvisoryFollowing(advisories, database.jobs).follow)
        begin_following(stack, "databases of scanners", care.scans.following.follow)
    setup_token = people.first_admin(settings) if doors else None
    errands = RegistryErrands(product.registries, AccessDoor(engine.places), trail)

    def stop_jobs() -> None:
        trail.send_away()
        work.runner.stop(STOP_SECONDS)

    content, hubs, box = engine.content, hosts.hubs, rows.box
    gate = care.repositories.own_trust.gate
    return Running(
        product,
        content,
        database,
        trail,
        counting,
        pull_counts,
        gate,
        errands,
        hubs,
        box,
        setup_token,
        stop_jobs,
        work.runner.take,
    )


@dataclass(frozen=True, slots=True)
class _Care:
    """What looks after content, and what it is let through by."""

    content: ContentCare
    repositories: RepositoryCare
    gating: GateCare
    scans: Scanning
    relays: RelayCare
    insides: InsideCare

    def begin(self, stack: ExitStack, counting: Counting) -> None:
        """It ends with the stack."""
        self.content.begin(stack, counting)
        self.scans.begin(counting)


def _care(stack: ExitStack, ground: Ground, hosts: Hosts, box: SecretBox) -> _Care:
    database, engine, jobs, trail = ground.database, ground.engine, ground.jobs, ground.trail
    gating = GateCare.of(database, lambda: scans.scans.reconsider(), trail)  # noqa: PLW0108  it is wired below
    repositories = RepositoryCare.of(ground.settings, database, engine.content, jobs, trail, box=lambda: box)
    scans = scanning(ground, gating.exceptions.suppress, stack)
    content = ContentCare.of(ground.settings, engine, database, jobs, trail, forget=scans.keeping.forget)
    address = RegistryAddress(ground.settings.registry_public_url)
    insides = InsideCare.of(
        stack, database, ground.environments, scans, address=address, trail=trail, cancellation=_cancellation
    )
    return _Care(content, repositories, gating, scans, RelayCare(ground, hosts), insides)


def _product(
    rows: Rows, ground: Ground, people: People, hosts: Hosts, *, work: Work, care: _Care, counting: Counting
) -> Product:
    """Each service that routes call, in one table."""
    settings, database, trail, jobs = ground.settings, rows.database, rows.trail, ground.jobs
    environments, places = ground.environments, ground.engine.places
    minted = mint(lambda: places, database.minted_logins)
    registries = ConfiguredRegistries(database.registries, rows.box, trail, minted)
    counting.kinds(*EXPIRY, registries.named_validities, "registry")
    own, gating, scans = care.repositories, care.gating, care.scans
    pull_gates = PullGates(gating.gates, scans.on_pull, scans.scans.views)
    transfers = Transferring.of(
        ground, hosts, registries, own, gating, pull_gates=pull_gates, relays=care.relays.relays
    )
    browsing = RegistryBrowsing(
        registries,
        AccessDoor(places),
        hosts.probe,
        trail,
        directories=directories(lambda: places),
        seen=PulledRepositories(lambda: database.catalogue.images),
    )
    return Product(
        authentication=people.authentication,
        authenticator=Everybody() if settings.no_auth else people.authentication,
        sign_on=people.sign_on,
        setup=people.setup,
        users=people.users,
        roles=people.roles,
        tokens=people.tokens,
        audit=Audit(database.audit, lambda: rows.heads, trail),
        environments=environments,
        agents=hosts.agents,
        registries=registries,
        repositories=own.repositories,
        retention=own.retention,
        retention_runs=own.retention_runs,
        promotions=own.promotions,
        repository_trust=own.trust,
        trust_keys=own.own_trust.keys,
        browsing=browsing,
        registry_address=care.insides.address,
        registry_use=counting.use,
        registry_holds=hosts.engine.manners.holds,
        jobs=jobs,
        pushes=transfers.pushes,
        pulls=transfers.pulls,
        distributions=transfers.distributions,
        copies=transfers.copies,
        imports=Imports(environments, archives_of(ground.data, ground.engine.content), jobs),
        insides=care.insides.insides,
        image_lists=care.insides.lists,
        image_signatures=EnvironmentSignatures(environments, registries, transfers.trust, _cancellation, time.time),
        removals=care.insides.removals,
        whereabouts=care.insides.whereabouts,
        layer_grids=care.insides.grids,
        sweep=care.content.sweep,
        storage=care.content.storage,
        storage_history=care.content.history,
        transfer_statistics=TransferStatistics(database.jobs, time.time),
        advisories=Advisories(ground.advisories, jobs, trail, advisory_schedule(settings)),
        policies=gating.policies,
        exceptions=gating.exceptions,
        scans=scans.lists,
        scan_exports=ScanExports(scans.lists, database.gates, scans.scans.inventories.kept, time.time),
        scan_jobs=scans.jobs,
        scan_rounds=scans.rounds,
        rematches=scans.rematches,
        scanner_settings=scans.settings,
        scanner_updates=scans.updates,
        cancellation=_cancellation,
        clock=time.time,
        job_looks=JobLooks(work.runner, database.jobs),
        news=work.runner.feeds,
        audit_news=trail,
        previews=TransferPreviews(environments, registries),
        overview=Overview(
            registries,
            browsing,
            environments,
            Reachability(environments, hosts.hubs.shared, _cancellation, time.monotonic),
            people.tokens,
            hosts.agents.tokens,
            scans.lists,
            care.content.storage,
            time.time,
        ),
        server_settings=ServerSettings(shown_settings(settings), trail),
        ready=database.ready,
        metrics=Metrics(counting.render, trail),
    )


def _chores(ground: Ground, people: People, product: Product, care: _Care) -> Sequence[Chore]:
    """What is done from time to time."""
    archives = product.imports.archives
    return [
        *job_chores(ground.database.jobs, time.time, lambda: KEPT_DAYS),
        *people.sessions.chores(),
        *people.tokens.chores(),
        *product.agents.chores(),
        Chore("import expiry", HOUR, lambda: archives.expire(time.time() - KEPT_SECONDS)),
        *care.content.chores(),
        *product.distributions.chores(),
        *care.relays.chores(),
        *TrustVerdicts(ground.database.trust_verdicts, time.time).chores(),
        *care.repositories.retention_runs.chores(ground.settings.retention_every),
        *care.repositories.collections().chores(),
        *product.advisories.chores(),
        *care.gating.chores(),
        *care.scans.chores(),
        *login_chores(product.registries),
    ]


@contextmanager
def _cancellation(seconds: float | None = None) -> Iterator[Cancel]:
    with Cancellation(seconds, clock=time.monotonic) as cancel:
        yield cancel
