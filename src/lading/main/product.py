"""The product of `lading serve`: every service over one data folder, wired; and what runs beside the doors."""

from __future__ import annotations

import itertools
import os
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from lading.backends.content_store.arriving_archives import ArchiveFolder
from lading.backends.content_store.folder import ContentFolder
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.backends.http.probing import HttpProbe
from lading.backends.job_queue.threads import ThreadQueue
from lading.backends.passwords.hashing import ArgonPasswords
from lading.engine.cancel import Cancellation
from lading.engine.throttle import RateLimit
from lading.fronts.rest_api.product import Product
from lading.main.advisory_store import advisory_folder, advisory_schedule
from lading.main.content_care import ContentCare
from lading.main.counting import Counting
from lading.main.data_folder import IMPORTS, private_folder
from lading.main.environments import EnvironmentBuilder
from lading.main.gating import GateCare
from lading.main.own_engine import USER_AGENT, Keeping, Lanes, own_engine
from lading.main.registry_door import AccessCopier, AccessDoor
from lading.main.repository_care import RepositoryCare, counted_pulls
from lading.main.scanning import Ground, scanning
from lading.main.secret_keys import secret_box
from lading.oci.platform import Platform
from lading.services.advisories import ADVISORIES, Advisories
from lading.services.audit_head import Heads
from lading.services.audit_seal import Sealer
from lading.services.audit_trail import AuditTrail
from lading.services.audit_view import Audit
from lading.services.authentication import Accounts, Authentication, Everybody
from lading.services.clocks import Clocks
from lading.services.configured_registries import ConfiguredRegistries
from lading.services.content_sweep import SWEEP
from lading.services.copies import COPY, Copies
from lading.services.door_logins import LoginVault
from lading.services.environments import Environments
from lading.services.imports import IMPORT, KEPT_SECONDS, Imports, forget_archive
from lading.services.job_chores import KEPT_DAYS, job_chores
from lading.services.job_kinds import Over, WorkKind
from lading.services.job_leases import LOST_SECONDS
from lading.services.job_owners import Owners
from lading.services.job_runner import JobRunner, Surroundings
from lading.services.job_table import Worker, job_table
from lading.services.jobs import Jobs
from lading.services.metrics import Metrics
from lading.services.password_memory import PasswordMemory
from lading.services.pull_counts import PullCounts
from lading.services.pull_gates import PullGates
from lading.services.pulls import PULL, Pulls
from lading.services.pushes import PUSH, Pushes
from lading.services.registry_browsing import RegistryBrowsing
from lading.services.registry_errands import RegistryErrands
from lading.services.retention_runs import RETENTION
from lading.services.roles import Roles
from lading.services.scan_exports import ScanExports
from lading.services.scan_jobs import SCAN
from lading.services.scan_rematch import REMATCH
from lading.services.scan_rounds import SCAN_ROUND
from lading.services.scanner_updates import UPDATE
from lading.services.schedules import Chore, Schedules
from lading.services.sessions import Sessions
from lading.services.setup import Setup
from lading.services.throttling import Throttle
from lading.services.tokens import Tokens
from lading.services.users import Users
from lading.settings import Settings
from lading.wire.docker_words import Verb
from lading.wire.message import Cancel

JOBS_IN_ALL = 384
JOBS_HERE = 224
JOBS_PER_ENVIRONMENT = 64
"""At once: in all, at our own engine, and at each other environment; so two that hang leave room for a third. Most of a
job's time is waiting for somebody else; what each may use of a host, its lanes bound."""

STOP_SECONDS = 20.0
"""How long a stop waits for jobs to save where they are."""

HOUR = 60 * 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """The product while it runs, and what its doors need besides. `stop_jobs` saves jobs and sends away who follows
    them or the audit trail: before the doors close, which wait for answers."""

    product: Product
    content: ContentFolder
    database: ServiceDatabase
    trail: AuditTrail
    counting: Counting
    pull_counts: PullCounts
    errands: RegistryErrands
    setup_token: str | None
    stop_jobs: Callable[[], object]


@contextmanager
def running(settings: Settings, native: Platform) -> Iterator[Running]:
    """Opened, with its jobs taken up where they were left; stopped again at the end, so that nothing is lost.

    Raises StorageFailed, SecretKeyWrong and what the settings get wrong.
    """
    with ExitStack() as stack:
        data = private_folder(settings.data)
        database = open_service_database(settings.database or data / "lading.db", time.time)
        stack.callback(database.close)
        box = secret_box(settings, data, database.settings)
        trail, heads = AuditTrail(database.audit, time.time, database.wakes), Heads(database.audit, box)
        people = _People(database, trail)
        limit = RateLimit(settings.limit_rate, time.monotonic) if settings.limit_rate else None
        engine = own_engine(
            stack,
            data,
            database,
            native,
            keeping=Keeping.of(settings),
            limit=limit,
            crowd=lambda: queue.running,
            lanes=Lanes.of(settings),
        )
        places = engine.places
        builder = EnvironmentBuilder(places, lambda: engine.environment, USER_AGENT)
        stack.callback(builder.close)
        probe = HttpProbe(os.environ.get("SSL_CERT_FILE"))
        environments = Environments(database.environments, box, trail, builder, probe)
        queue = job_queue(environments.ensure_embedded().id)
        registries = ConfiguredRegistries(database.registries, box, trail)
        logins = LoginVault(os.urandom)
        kinds: dict[str, WorkKind] = {}
        owners = Owners(database.users, database.tokens, time.time)
        counting = _counting(queue)
        clocks = Clocks(time.time, time.monotonic)
        runner = JobRunner(Surroundings(database.jobs, kinds, owners, trail, queue, database.wakes, clocks))
        jobs = Jobs(runner, database.jobs, trail, time.time, lambda: str(uuid.uuid4()))
        care = ContentCare.of(settings, engine, database, jobs, trail, forget=lambda: scans.keeping.forget())  # noqa: PLW0108  it is wired below
        kept_advisories = advisory_folder(settings, data, os.environ, USER_AGENT, stack)
        gating = GateCare.of(database, lambda: scans.scans.reconsider(), trail)  # noqa: PLW0108  and so is this
        own = RepositoryCare.of(database, engine.content, jobs, trail)
        ground = Ground(settings, data, native, database, engine, environments, kept_advisories, jobs, trail)
        scans = scanning(ground, gating.exceptions.suppress, stack)
        product = Product(
            authentication=people.authentication,
            authenticator=Everybody() if settings.no_auth else people.authentication,
            setup=people.setup,
            users=people.users,
            roles=people.roles,
            tokens=people.tokens,
            audit=Audit(database.audit, lambda: heads, trail),
            environments=environments,
            registries=registries,
            repositories=own.repositories,
            retention=own.retention,
            retention_runs=own.retention_runs,
            promotions=own.promotions,
            browsing=RegistryBrowsing(registries, AccessDoor(places), probe, trail),
            jobs=jobs,
            pushes=Pushes(environments, registries, jobs, logins, gating.gates),
            pulls=Pulls(
                environments, registries, jobs, logins, PullGates(gating.gates, scans.on_pull, scans.scans.views)
            ),
            copies=Copies(registries, AccessCopier(places, native, limit), jobs, trail, gating.gates),
            imports=Imports(environments, ArchiveFolder(data / IMPORTS), jobs),
            sweep=care.sweep,
            storage=care.storage,
            advisories=Advisories(kept_advisories, jobs, trail, advisory_schedule(settings)),
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
            news=runner.feeds,
            audit_news=trail,
            ready=database.ready,
            metrics=Metrics(counting.render, trail),
        )
        kinds.update(_kinds(product, Lanes.of(settings)))
        chores = [
            *job_chores(database.jobs, time.time, lambda: KEPT_DAYS),
            *people.sessions.chores(),
            *people.tokens.chores(),
            Chore("import expiry", HOUR, lambda: product.imports.archives.expire(time.time() - KEPT_SECONDS)),
            *care.chores(),
            *own.retention_runs.chores(settings.retention_every),
            *product.advisories.chores(),
            *gating.chores(),
            *scans.chores(),
        ]
        care.begin(stack, counting)
        scans.begin(counting)
        pull_counts = counted_pulls(stack, database)
        _beside(stack, database=database, trail=trail, heads=heads, runner=runner, chores=chores)

        def stop_jobs() -> None:
            trail.send_away()
            runner.stop(STOP_SECONDS)

        setup_token = people.first_admin(settings)
        errands = RegistryErrands(registries, AccessDoor(places), trail)
        yield Running(product, engine.content, database, trail, counting, pull_counts, errands, setup_token, stop_jobs)


class _People:
    """Users, and how they are known."""

    def __init__(self, database: ServiceDatabase, trail: AuditTrail) -> None:
        passwords = ArgonPasswords()
        self.roles = Roles(database.users, trail)
        self.roles.ensure_built_in()
        self.users = Users(database.users, database.sessions, passwords, trail, time.time)
        self.tokens = Tokens(database.tokens, database.users, trail, time.time, os.urandom)
        self.sessions = Sessions(database.sessions, time.time, os.urandom)
        self.setup = Setup(database.users, database.settings, passwords, trail, clock=time.time, random=os.urandom)
        self.authentication = Authentication(
            Accounts(database.users, database.tokens, self.sessions),
            passwords,
            PasswordMemory(os.urandom(32), time.monotonic),
            Throttle(time.monotonic),
            trail,
            clock=time.time,
        )

    def first_admin(self, settings: Settings) -> str | None:
        """Made by its password, or else the token of the link that makes it; None where there is one."""
        if settings.no_auth:
            return None
        if settings.admin_password is not None:
            self.setup.ensure_admin(settings.admin_password)
        return self.setup.begin()


def _kinds(product: Product, lanes: Lanes) -> Mapping[str, WorkKind]:
    """What each kind of job does."""
    workers: Mapping[str, Worker] = {
        PUSH: product.pushes,
        PULL: product.pulls,
        COPY: product.copies,
        SWEEP: product.sweep,
        RETENTION: product.retention_runs,
        ADVISORIES: product.advisories,
        SCAN: product.scan_jobs,
        SCAN_ROUND: product.scan_rounds,
        REMATCH: product.rematches,
        UPDATE: product.scanner_updates,
        IMPORT: product.imports,
    }
    over: Mapping[str, Over] = {
        IMPORT: partial(forget_archive, product.imports.archives),
        ADVISORIES: product.rematches.advisories_over,
    }
    return job_table(workers, over, {Verb.PUSH: lanes.push, Verb.PULL: lanes.pull})


def _beside(
    stack: ExitStack,
    *,
    database: ServiceDatabase,
    trail: AuditTrail,
    heads: Heads,
    runner: JobRunner,
    chores: Sequence[Chore],
) -> None:
    """What runs by itself: the sealer, jobs, chores, and whoever listens to other processes."""
    sealer = Sealer(database.audit, heads)
    stack.callback(trail.subscribe(sealer.woken))
    stack.callback(trail.subscribe(lambda: database.changes.woken(None)))
    sealer.begin()
    stack.callback(sealer.stop)
    schedules = Schedules(database.schedules, time.time, chores)

    def woken(topic: str | None) -> None:
        database.changes.woken(topic)
        runner.woken(topic)
        trail.woken(topic)

    stack.enter_context(database.wakes.listening(woken))
    runner.begin()
    stack.callback(runner.stop, STOP_SECONDS)
    runner.recover(LOST_SECONDS if database.shared else 0)
    schedules.begin()
    stack.callback(schedules.stop)


def job_queue(embedded: int) -> ThreadQueue:
    """Where jobs wait for room; `embedded` is our own engine's environment."""
    return ThreadQueue(JOBS_IN_ALL, JOBS_PER_ENVIRONMENT, {embedded: JOBS_HERE})


@contextmanager
def _cancellation(seconds: float | None = None) -> Iterator[Cancel]:
    with Cancellation(seconds, clock=time.monotonic) as cancel:
        yield cancel


def _counting(queue: ThreadQueue) -> Counting:
    counting = Counting()
    counting.watch(
        {
            "lading_jobs_running": ("Jobs that run in this process.", lambda: queue.running),
            "lading_jobs_waiting": ("Jobs that wait for room in this process.", lambda: queue.waiting),
        }
    )
    return counting


def new_request() -> str:
    """An id under which the trail and the log know one request."""
    return f"{next(_REQUESTS):016x}"


_REQUESTS = itertools.count(secrets.randbits(63))
"""From where nobody else began. Asking the system for each would let go of the interpreter a third time a request."""
