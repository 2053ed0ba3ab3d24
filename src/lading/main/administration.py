"""The services of `lading serve` for the owner of the machine, over the same data folder: fulfils
fronts.cli.application.Administration.

A server may be at work there meanwhile. Rows are read and written beside it; whatever would pull the ground away from
under it is for whoever is `alone`.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from lading.backends.content_store.locks import exclusive_at_once, join
from lading.backends.credentials.authority import CertificateAuthority
from lading.backends.credentials.own import OwnCredentials
from lading.backends.database.service_database import open_service_database
from lading.backends.http.probing import HttpProbe
from lading.backends.passwords.hashing import ArgonPasswords
from lading.errors import LadingError
from lading.fronts.cli.application import Rotated
from lading.main.arriving import archives_of
from lading.main.content_care import storage_of
from lading.main.content_place import storage_told
from lading.main.data_folder import SERVE_LOCK
from lading.main.distributing import requests
from lading.main.environments import EnvironmentBuilder
from lading.main.own_engine import USER_AGENT, Keeping, OwnEngine, own_engine
from lading.main.providers import PulledRepositories, directories, mint
from lading.main.registry_door import AccessDoor
from lading.main.repository_care import RepositoryCare
from lading.main.secret_keys import keys_of, secret_box
from lading.oci.platform import Platform
from lading.services.access import LADING, Actor
from lading.services.agents.agents import Agents
from lading.services.audit.audit import Deed, Result
from lading.services.audit.head import Heads
from lading.services.audit.seal import Sealer
from lading.services.audit.trail import AuditTrail
from lading.services.audit.view import Audit
from lading.services.backups.backups import Made
from lading.services.clocks import Clocks
from lading.services.content.storage_figures import Storage
from lading.services.distribution.distributions import DistributionRequests
from lading.services.environments.environments import Environments
from lading.services.hub.recorded_hub import RecordedHub
from lading.services.identity.client_certificates import DOOR_SETTING, ClientCertificates
from lading.services.identity.roles import Roles
from lading.services.identity.tokens import Tokens
from lading.services.identity.users import Users
from lading.services.jobs.job import JobState, JsonObject, Telling
from lading.services.jobs.owners import Owners
from lading.services.promotion.promotion import Promotions
from lading.services.registries.browsing import RegistryBrowsing
from lading.services.registries.configured_registries import ConfiguredRegistries
from lading.services.repositories.guarded_repositories import GuardedRepositories
from lading.services.retention.guarded_retention import GuardedRetention
from lading.services.retention.runs import RetentionRuns
from lading.services.running.jobs import Jobs
from lading.services.running.runner import JobRunner, Surroundings
from lading.services.secrets import SecretBox
from lading.services.server.secret_rotation import KeyInUse, NewKeyMissing, rotate
from lading.services.trust.guarded_trust import GuardedTrust
from lading.services.trust.keys import AcceptedKeys
from lading.services.work.imports import IMPORT, forget_archive
from lading.services.work.table import JOB_KINDS, job_table
from lading.settings import Settings
from lading.wire.message import Cancel
from lading.wire.progress import Report
from lading.wire.registry_urls import api_host

KEY_LOCK = "secret.lock"
"""Held by whoever seals, shared; and by whoever changes the key, alone."""

LOOK_SECONDS = 5.0
"""How long one waits for news at most: a wake-up may be lost."""


class DataFolderAdministration:
    """Each part is opened when it is first asked for."""

    def __init__(
        self, stack: ExitStack, settings: Settings, data: Path, native: Platform, logins: OwnCredentials
    ) -> None:
        """Closed with the stack. `data` is there. Raises DatabaseFailed."""
        self._stack, self._settings, self._data = stack, settings, data
        self._native, self._logins = native, logins
        self._database = open_service_database(settings.database or data / "lading.db", time.time)
        stack.callback(self._database.close)
        self._trail = AuditTrail(self._database.audit, time.time)
        self._recorded = False
        self._trail.subscribe(self._note)
        stack.callback(self._seal)

    # ── people

    @cached_property
    def roles(self) -> Roles:
        roles = Roles(self._database.users, self._trail)
        roles.ensure_built_in()
        return roles

    @cached_property
    def users(self) -> Users:
        database = self._database
        return Users(
            database.users,
            database.sessions,
            ArgonPasswords(),
            self._trail,
            time.time,
            identities=database.identities,
        )

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(self._database.tokens, self._database.users, self._trail, time.time, os.urandom)

    @cached_property
    def certificates(self) -> ClientCertificates:
        authority = CertificateAuthority.kept(self._database.settings, self._box, time.time)
        return ClientCertificates(self.tokens, authority, time.time)

    @property
    def docker_host(self) -> str | None:
        told = self._database.settings.setting(DOOR_SETTING)
        return told if isinstance(told, str) else None

    @cached_property
    def audit(self) -> Audit:
        return Audit(self._database.audit, lambda: self._heads, self._trail)

    # ── places

    @cached_property
    def registries(self) -> ConfiguredRegistries:
        database = self._database
        minted = mint(lambda: self._engine.places, database.minted_logins)
        return ConfiguredRegistries(database.registries, self._box, self._trail, minted)

    @cached_property
    def _holds(self) -> Mapping[str, float]:
        now = time.time()
        return {hold.host: now + hold.seconds for hold in self._database.holds.holds()}

    def held(self, host: str) -> float | None:
        return self._holds.get(api_host(host))

    @cached_property
    def browsing(self) -> RegistryBrowsing:
        places, images = self._engine.places, self._database.catalogue.images
        return RegistryBrowsing(
            self.registries,
            AccessDoor(places),
            self._probe,
            self._trail,
            directories=directories(lambda: places),
            seen=PulledRepositories(lambda: images),
        )

    @cached_property
    def environments(self) -> Environments:
        hub = self._hub
        builder = EnvironmentBuilder(self._engine.places, lambda: self._engine.environment, USER_AGENT, hub)
        self._stack.callback(builder.close)
        made = Environments(self._database.environments, self._box, self._trail, builder, self._probe, hub=hub)
        made.ensure_embedded()
        return made

    @cached_property
    def agents(self) -> Agents:
        database, clocks = self._database, Clocks(time.time, time.monotonic)
        wakes = database.wakes
        return Agents(
            database.agents,
            database.environments,
            self._hub,
            self._trail,
            clocks=clocks,
            random=os.urandom,
            wakes=wakes,
        )

    @property
    def public_url(self) -> str | None:
        return self._settings.public_url

    @property
    def own_url(self) -> str:
        settings = self._settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return f"{'https' if settings.tls_cert else 'http'}://{host}:{settings.port}"

    @cached_property
    def distributions(self) -> DistributionRequests:
        """A server does their work, and says how its registry is reached."""
        return requests(self._database, self._engine.content, self.environments, self.jobs, self._trail)

    @cached_property
    def storage(self) -> Storage:
        return storage_of(self._engine.place, self._database, self._trail)

    @property
    def repositories(self) -> GuardedRepositories:
        return self._repositories.repositories

    @property
    def retention(self) -> GuardedRetention:
        return self._repositories.retention

    @property
    def retention_runs(self) -> RetentionRuns:
        return self._repositories.retention_runs

    @property
    def promotions(self) -> Promotions:
        return self._repositories.promotions

    @property
    def repository_trust(self) -> GuardedTrust:
        return self._repositories.trust

    @property
    def accepted_keys(self) -> AcceptedKeys:
        return self._repositories.own_trust.keys

    @cached_property
    def _repositories(self) -> RepositoryCare:
        content = self._engine.content
        return RepositoryCare.of(self._settings, self._database, content, self.jobs, self._trail, box=lambda: self._box)

    # ── jobs

    @cached_property
    def jobs(self) -> Jobs:
        """They are run by a server: what is asked for here waits until one takes it up."""
        return Jobs(self._runner, self._database.jobs, self._trail, time.time, lambda: str(uuid.uuid4()))

    def hand_over(self) -> None:
        self._runner.stop(0)

    @cached_property
    def _runner(self) -> JobRunner:
        """It holds what is asked for, and runs nothing."""
        database, clocks = self._database, Clocks(time.time, time.monotonic)
        owners = Owners(database.users, database.tokens, time.time)
        kinds = job_table(dict.fromkeys(JOB_KINDS, _ByAServer()), {IMPORT: self._forget_archive})
        surroundings = Surroundings(database.jobs, kinds, owners, self._trail, _Nowhere(), clocks)
        runner = JobRunner(surroundings)
        self._stack.callback(runner.stop, 0)
        return runner

    def _forget_archive(self, fields: JsonObject, state: JobState) -> None:
        """Content is opened by who ends such a job alone. Raises StorageFailed."""
        forget_archive(archives_of(self._data, self._engine.content), fields, state)

    @contextmanager
    def news(self) -> Iterator[News]:
        news = News()
        with self._database.wakes.listening(news.woken):
            yield news

    # ── beside a server

    def backup(self, place: str, report: Report, cancel: Cancel, *, content: bool, keys: bool) -> Made:
        from lading.main.backing_up import backups_of, opened_destination  # noqa: PLC0415  backups alone need it

        backups = backups_of(self._data, self._engine.content, self._database, self._trail)
        with opened_destination(place) as destination:
            return backups.make(LADING, destination, report, cancel, content=content, keys=keys)

    def alone(self) -> AbstractContextManager[bool]:
        return exclusive_at_once(self._data / SERVE_LOCK)

    def rotate(self) -> Rotated:
        keys, kept = keys_of(self._settings, self._data), self._database.settings
        with exclusive_at_once(self._data / KEY_LOCK) as alone:
            if not alone:
                raise KeyInUse
            secret_box(self._settings, self._data, kept)
            given = self._settings.secret_key is not None
            if given and len(keys.ids()) == 1:
                raise NewKeyMissing
            count = rotate(keys, self._database.seals, self._logins, kept)
            self._trail.record(LADING, Deed("rotate", "key", keys.ids()[0], ""), Result.DONE)
            return Rotated(count, keys.ids()[0], given=given)

    # ── what they stand on

    @cached_property
    def _engine(self) -> OwnEngine:
        storage = storage_told(self._settings, self._database.settings)
        keeping = replace(Keeping.of(self._settings), storage=storage)
        return own_engine(self._stack, self._data, self._database, self._native, keeping=keeping)

    @cached_property
    def _hub(self) -> RecordedHub:
        return RecordedHub(self._database.agents, self._database.wakes)

    @cached_property
    def _probe(self) -> HttpProbe:
        return HttpProbe(os.environ.get("SSL_CERT_FILE"))

    @cached_property
    def _box(self) -> SecretBox:
        """Opened before any transaction begins, because it may write what key is in use."""
        self._stack.callback(os.close, join(self._data / KEY_LOCK))
        return secret_box(self._settings, self._data, self._database.settings)

    @property
    def _heads(self) -> Heads:
        return Heads(self._database.audit, self._box)

    def _note(self) -> None:
        self._recorded = True

    def _seal(self) -> None:
        """What this call recorded, and whatever else has no seal yet. What cannot be sealed now, a server
        seals: perhaps only it has the key."""
        if self._recorded:
            with suppress(LadingError):
                Sealer(self._database.audit, self._heads).seal_all()


class News:
    """Fulfils fronts.cli.application.News."""

    def __init__(self) -> None:
        self._something = threading.Event()

    def woken(self, topic: str | None) -> None:  # noqa: ARG002  whoever waits looks at everything
        """Something has changed, somewhere."""
        self._something.set()

    def wait(self, cancel: Cancel) -> None:
        with cancel.closing(self._something.set):
            self._something.wait(LOOK_SECONDS)
        self._something.clear()
        cancel.check()


class _ByAServer:
    """Fulfils services.work.table.Worker for every kind: what is asked for here again, a server does."""

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """The owner of the machine may have anything done; what is gone meanwhile the server finds out."""

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:  # noqa: ARG002
        raise AssertionError("jobs run in a server")


class _Nowhere:
    """Fulfils services.running.runner.JobQueue: begins nothing, so that what is put here waits for a server."""

    def put(self, name: str, environment: int | None, run: Callable[[], None]) -> None:
        pass

    def look(self) -> None:
        pass

    def withdraw(self, name: str) -> bool:  # noqa: ARG002  nothing ever begins
        return True

    def close(self) -> None:
        pass

    def join(self, seconds: float) -> bool:  # noqa: ARG002  nothing has begun
        return True
