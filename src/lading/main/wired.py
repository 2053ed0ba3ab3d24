"""The application: each part opened when it is first asked for, all closed together."""
# ruff: noqa: PLC0415  every room is imported where it is opened: a command pays for what it uses

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING

from lading import __version__
from lading.fronts.cli.application import Administration, Configuration, Preferences
from lading.main.configuration import CONTEXTS, load, user_folder
from lading.main.data_folder import KeptPort, served_port
from lading.main.local_store import LocalStore
from lading.settings import Settings

if TYPE_CHECKING:
    from lading.backends.advisories.keeping import AdvisoryFolder
    from lading.backends.credentials.own import OwnCredentials
    from lading.backends.http.transport import HttpTransport
    from lading.backends.registry_client.client import RegistryClient
    from lading.backends.scanners.program_scanner import ProgramScanner
    from lading.engine.cancel import Cancellation
    from lading.engine.stores import Locations
    from lading.engine.throttle import RateLimit
    from lading.fronts.cli.running import EdgeAgent, OpenRegistry, Serving, Working
    from lading.main.contexts import ContextFile
    from lading.main.listing import ListingProbe
    from lading.main.places import HeldRelay, Places
    from lading.main.remote import ConnectedServer, Grounds, KeptServerLogins
    from lading.oci.platform import Platform
    from lading.oci.reference import Repository
    from lading.services.backups.restoring import Restored
    from lading.services.embedded.images import Images
    from lading.services.environments.docker_hosts import HostImages
    from lading.services.environments.orders import Access
    from lading.services.notary.keys import Passphrase, TrustKeys
    from lading.services.notary.notary import NotaryTrust
    from lading.services.registries.directories import Directories
    from lading.services.registries.registries import EndpointRules, Registries
    from lading.services.scans.local_scans import LocalScans
    from lading.services.server.diagnosis import Diagnosis
    from lading.services.transfers.archives import Archives
    from lading.services.transfers.transfers import Transfers
    from lading.services.trust.content_trust import ContentTrust
    from lading.services.trust.signatures import ImageSignatures
    from lading.wire.authorize import Credential
    from lading.wire.message import Cancel
    from lading.wire.progress import Report

_USER_AGENT = f"lading/{__version__}"


class Wired:
    """Fulfils fronts.cli.application.Application."""

    def __init__(
        self,
        settings: Settings,
        configuration: Configuration,
        environment: Mapping[str, str],
        flags: Mapping[str, object],
    ) -> None:
        self.configuration = configuration
        self._settings, self._environment, self._flags = settings, environment, flags
        self._open = ExitStack()
        self._named: set[str] = set()
        self._store = LocalStore(settings, self._open)
        self._notaries: dict[Passphrase | None, NotaryTrust] = {}
        self._trust_keys: dict[Passphrase | None, TrustKeys] = {}

    @classmethod
    def start(cls, environment: Mapping[str, str], flags: Mapping[str, object]) -> Wired:
        """Raises SettingInvalid, SettingUnknown, SettingsUnreadable."""
        settings, configuration = load(environment, flags)
        return cls(settings, configuration, environment, flags)

    def elsewhere(self, flags: Mapping[str, object]) -> Wired:
        other = Wired.start(self._environment, {**self._flags, **flags})
        other._store.begins = self._store.begins
        return other

    def begin(self) -> None:
        self._store.begins = True

    def close(self) -> None:
        self._open.close()

    # ── what the command line asks

    @property
    def preferences(self) -> Preferences:
        settings = self._settings
        return Preferences(settings.format, settings.progress, settings.lanes, settings.platform)

    @cached_property
    def remote(self) -> ConnectedServer | None:
        settings, folder = self._settings, user_folder(self._environment)
        kept = folder / CONTEXTS if folder else None
        if settings.server is None and settings.context is None and not (kept and kept.exists()):
            return None  # nobody spoke of a server: what commands here pay for it ends here
        from lading.main.contexts import chosen_server
        from lading.main.remote import connected_server

        url = chosen_server(settings, self._flags, self.contexts)
        return connected_server(url, self._grounds) if url else None

    @cached_property
    def contexts(self) -> ContextFile:
        from lading.main.contexts import ContextFile

        return ContextFile(user_folder(self._environment))

    @cached_property
    def server_logins(self) -> KeptServerLogins:
        from lading.main.remote import KeptServerLogins

        return KeptServerLogins(self._grounds)

    @property
    def token(self) -> str | None:
        return self._settings.token

    @property
    def _grounds(self) -> Grounds:
        from lading.main.configuration import names_file
        from lading.main.remote import Grounds

        return Grounds(
            self._reached,
            lambda: self._own_logins,
            self._settings.token,
            self._endpoints.of,
            self._uploading,
            names_file(self._environment),
        )

    def _reached(self, server: str) -> HttpTransport:
        """Like a registry that is named: --insecure and --tls-ca hold for it."""
        from urllib.parse import urlsplit

        from lading.backends.http.transport import HttpTransport

        self._named.add(urlsplit(server).netloc)
        transport = HttpTransport(self._endpoints.of, self._environment, _USER_AGENT)
        self._open.callback(transport.close)
        return transport

    def _uploading(self, access: Access) -> Transfers:
        from lading.main.uploading import Machine, uploading

        machine = Machine(self._store, self._environment, _USER_AGENT, self._native, self._limit, self._held)
        return uploading(access, machine, self._open, self._docker, self._cancel)

    @cached_property
    def one_off(self) -> Credential | None:
        from lading.wire.authorize import Credential

        username, password = self._settings.username, self._settings.password
        if username is None and password is None:
            return None
        return Credential(username or "", password or "", source="this call's flags")

    def cancellation(self) -> AbstractContextManager[Cancellation]:
        return self._cancel

    @cached_property
    def transfers(self) -> Transfers:
        from lading.oci.platform import Platform
        from lading.services.transfers.transfers import Transfers

        asked = self._environment.get("DOCKER_DEFAULT_PLATFORM")
        pulled = Platform.parse(asked) if asked else self._native
        return Transfers(self._places, self._store.image_names, lambda: self.registries, pulled, self._limit)

    @cached_property
    def images(self) -> Images:
        from lading.services.embedded.images import Images

        return Images(self._places, self._store.image_names, self._store.collect, self._native)

    @cached_property
    def archives(self) -> Archives:
        from lading.services.transfers.archives import Archives

        return Archives(self._places, self._store.image_names, self._native)

    @cached_property
    def signatures(self) -> ImageSignatures:
        from lading.main.content_trusting import image_signatures

        return image_signatures(self._settings, self._places, self.notary)

    def content_trust(self, ask: Passphrase | None = None) -> ContentTrust | None:
        if not self._settings.content_trust and self._settings.trust_policy is None:
            return None  # whoever asks for no trust does not wait for its imports
        from lading.main.content_trusting import content_trust

        return content_trust(self._settings, self.signatures, lambda: self.notary(ask), ask)

    def notary(self, ask: Passphrase | None = None) -> NotaryTrust:
        from lading.main.notary_trusting import TrustServers, notary_trust

        if ask not in self._notaries:
            servers = TrustServers(lambda: self._client, self._credential_of, self._settings.trust_server, self._named)
            self._notaries[ask] = notary_trust(self._settings.data, servers, self.trust_keys(ask))
        return self._notaries[ask]

    def trust_passphrases(self, ask: Passphrase | None = None) -> Passphrase:
        from lading.main.notary_trusting import trust_passphrases

        return trust_passphrases(self._settings, ask)

    def trust_keys(self, ask: Passphrase | None = None) -> TrustKeys:
        from lading.main.notary_trusting import trust_keys

        if ask not in self._trust_keys:
            self._trust_keys[ask] = trust_keys(self._settings, ask)
        return self._trust_keys[ask]

    @property
    def trust_passphrase(self) -> str | None:
        return self._settings.trust_passphrase

    @property
    def trust_key_file(self) -> str | None:
        return self._settings.trust_key

    @property
    def trust_policy_file(self) -> str | None:
        return self._settings.trust_policy

    @cached_property
    def registries(self) -> Registries:
        from lading.backends.credentials.docker_logins import DockerLogins
        from lading.backends.credentials.sources import CredentialSources, docker_config
        from lading.services.registries.registries import Registries

        own = self._own_logins
        sources = CredentialSources(self.one_off, own, self._environment, os.getuid())
        docker = DockerLogins(docker_config(self._environment), self._environment)
        return Registries(sources, own, self._listing, self.one_off, docker=docker)

    @cached_property
    def _listing(self) -> ListingProbe:
        from lading.main.listing import ListingProbe

        def directories() -> Directories:
            from lading.backends.registry_providers.directories import ProviderDirectories
            from lading.backends.registry_providers.minting import ProviderApis

            return ProviderDirectories(ProviderApis(lambda _endpoint: self._transport, time.time))

        return ListingProbe(self._places, directories, self._credential_of, self._endpoints.of, lambda: self._cancel)

    @cached_property
    def advisories(self) -> AdvisoryFolder:
        from lading.main.advisory_store import advisory_folder

        return advisory_folder(self._settings, self._store.data, self._environment, _USER_AGENT, self._open)

    @cached_property
    def scanner_programs(self) -> Mapping[str, ProgramScanner]:
        from lading.main.scanner_programs import scanner_programs
        from lading.services.clocks import Clocks

        clocks = Clocks(time.time, time.monotonic)
        return scanner_programs(self._settings, self._store.data, self._environment, clocks)

    @cached_property
    def scans(self) -> LocalScans:
        from contextlib import closing

        from lading.main.scanner_programs import layouts
        from lading.main.scanners import inventory_reader, scanner_choice
        from lading.services.clocks import Clocks
        from lading.services.scans.local_scans import LocalScans

        data, clocks = self._store.data, Clocks(time.time, time.monotonic)
        inventories = inventory_reader(data, self._open)
        programs = self.scanner_programs
        choice = scanner_choice(inventories, lambda: closing(self.advisories.lookup()), programs, clocks)
        return LocalScans(
            self._places,
            self._store.image_names,
            self._native,
            layouts=layouts(data),
            choice=choice,
            inventories=inventories,
        )

    @cached_property
    def diagnosis(self) -> Diagnosis:
        from lading.backends.machine.looks import ThisMachine
        from lading.main.local_soundness import LocalSoundness
        from lading.main.service_looks import service_diagnosis
        from lading.services.server.diagnosis import Diagnosis, Surroundings
        from lading.services.server.serving import ports

        settings = self._settings
        return Diagnosis(
            ThisMachine(self._environment, self._count_authorities, self._server_name),
            self.registries,
            Surroundings(
                str(settings.data),
                lambda: ports(settings.registry_port, KeptPort.of(settings.data).read()),
                self._environment,
                lambda: {feed.ecosystem: feed.built for feed in self.advisories.feeds() if feed.ecosystem},
                lambda: served_port(settings.data),
            ),
            lambda: len(list(self._store.image_names().all())),
            LocalSoundness(self._store),
            service=service_diagnosis(settings, self._store, self._environment, self._cancel).findings,
        )

    @cached_property
    def administration(self) -> Administration:
        from lading.main.administration import DataFolderAdministration

        return DataFolderAdministration(self._open, self._settings, self._store.data, self._native, self._own_logins)

    def restore(self, place: str, report: Report, cancel: Cancel, *, keep_going: bool) -> Restored:
        from lading.main.restoring import restored

        return restored(self._settings, place, report, cancel, keep_going=keep_going)

    def serve(self) -> AbstractContextManager[Serving]:
        from lading.main.service import served_product

        return served_product(self._settings, self._native, cancel=self._cancel)

    def work(self) -> AbstractContextManager[Working]:
        from lading.main.working import working_product

        return working_product(self._settings, self._native, self._cancel)

    def api_description(self) -> Mapping[str, object]:
        from lading.fronts.rest_api.application import description

        return description()

    def agent(self) -> AbstractContextManager[EdgeAgent]:
        from lading.main.agent import opened_agent

        return opened_agent(self._settings, self._environment, self._native)

    def open_registry(self) -> AbstractContextManager[OpenRegistry]:
        from lading.main.served import served

        self.begin()
        settings = self._settings
        return served(settings.data, self._store.folder, lambda: self._store.records, settings.registry_port)

    # ── registries

    @cached_property
    def _transport(self) -> HttpTransport:
        from lading.backends.http.transport import HttpTransport

        transport = HttpTransport(self._endpoints.of, self._environment, _USER_AGENT)
        self._open.callback(transport.close)
        return transport

    @cached_property
    def _client(self) -> RegistryClient:
        from lading.backends.registry_client.client import RegistryClient

        return RegistryClient(
            self._transport,
            self._endpoints.of,
            self._credential_of,
            self._store.catalogue.profiles,
            self._store.catalogue.uploads(self._account),
            clock=time.time,
            report_held=self._held,
            cancel=self._cancel,
        )

    def _credential_of(self, repository: Repository) -> Credential | None:
        return self.registries.credential(repository).credential

    def _server_name(self, port: int) -> str:
        from lading.backends.http.server_name import server_name

        return server_name(port, self._cancel, _USER_AGENT)

    def _count_authorities(self) -> int:
        from lading.backends.http.tls import protection_for
        from lading.wire.endpoint import Endpoint

        endpoint = Endpoint("", ca_file=self._settings.tls_ca)
        return len(protection_for(endpoint, self._environment.get("SSL_CERT_FILE")).context.get_ca_certs())

    @cached_property
    def _own_logins(self) -> OwnCredentials:
        from lading.backends.credentials.own import OwnCredentials

        folder = self._settings.data
        return OwnCredentials(folder / "logins.json", folder / "secret.key", self._settings.secret_key)

    @cached_property
    def _endpoints(self) -> EndpointRules:
        from lading.services.registries.registries import EndpointRules
        from lading.wire.endpoint import Endpoint, Tls

        configured = {
            host: Endpoint(host, Tls(each.tls), each.insecure, each.ca, each.client_certificate, each.client_key)
            for host, each in self._settings.registries.items()
        }
        return EndpointRules(configured, self._settings.insecure, self._settings.tls_ca, self._named)

    @cached_property
    def _account(self) -> str:
        """A fingerprint of the login that this call was given: what is learned under one is not told to another."""
        from lading.oci.digest import Digest

        return Digest.of((self._settings.username or "").encode()).encoded[:16]

    # ── what all of it shares

    @cached_property
    def _cancel(self) -> Cancellation:
        from lading.engine.cancel import Cancellation

        return Cancellation(self._settings.timeout, clock=time.monotonic)

    @cached_property
    def _limit(self) -> RateLimit | None:
        from lading.engine.throttle import RateLimit

        rate = self._settings.limit_rate
        return RateLimit(rate, time.monotonic) if rate else None

    @cached_property
    def _held(self) -> HeldRelay:
        from lading.main.places import HeldRelay

        return HeldRelay()

    @cached_property
    def _native(self) -> Platform:
        from lading.oci.platform import Platform

        return Platform.of(platform.system(), platform.machine())

    @cached_property
    def _places(self) -> Places:
        from lading.main.places import Openers, Places

        openers = Openers(
            lambda: self._store.own, self._locations, lambda: self._client, self._store.scratch, self._docker
        )
        return Places(openers, self._held, self._named, self._native)

    def _docker(self, host: str | None) -> AbstractContextManager[HostImages]:
        """By its address; else the environment of this name."""
        from lading.main.docker_source import opened_docker_host
        from lading.services.access import LADING
        from lading.services.environments.docker_hosts import configured_host

        if host is None or "://" in host:
            return opened_docker_host(self._environment, host)
        return nullcontext(configured_host(self.administration.environments, LADING, host))

    def _locations(self) -> Locations:
        return self._store.catalogue.locations(self._account)
