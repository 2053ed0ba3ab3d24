"""Places for one login at a time, and the proof of a push at the registry itself."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from lading.backends.content_store.piped import as_stream, piped
from lading.backends.http.addresses import resolve_beyond_link
from lading.backends.http.transport import HttpTransport
from lading.backends.registry_client.client import RegistryClient
from lading.backends.registry_client.host import Manners
from lading.engine.embedded import EmbeddedStore
from lading.engine.stores import Locations
from lading.errors import NotFound
from lading.main.counted_transport import Count, CountedTransport, uncounted
from lading.main.places import HeldRelay, Openers, Places, Streams
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import DEFAULT_TAG, Reference, canonical_registry
from lading.services.content.stores import Stores
from lading.services.environments.orders import Access
from lading.services.registries.holds import RegistryHolds
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint, Profiles, Uploads
from lading.wire.guard import host_name
from lading.wire.message import Cancel, Reader, Transport
from lading.wire.retry import Quota

KEPT_CLIENTS = 64
"""Registries, each by the way it is reached, whose connections and tokens are kept at a time."""


class Known(Protocol):
    """What is remembered of registries; the catalogue fulfils it."""

    @property
    def profiles(self) -> Profiles:
        """Of hosts."""

    def uploads(self, account: str) -> Uploads:
        """Of one login."""

    def locations(self, account: str) -> Locations:
        """As one login has seen them."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What all environments stand on. `proxies` are the environment's proxy variables, `clock` gives seconds since
    1970."""

    own: Callable[[], EmbeddedStore]
    known: Callable[[], Known]
    scratch: Callable[[], Path]
    native: Platform
    proxies: Mapping[str, str]
    user_agent: str
    clock: Callable[[], float]


@dataclass(slots=True)
class _Client:
    """The registries behind one endpoint; `logins` is the last credential of each configured registry."""

    transport: HttpTransport
    client: RegistryClient
    held: HeldRelay
    logins: dict[int, Credential | None] = field(default_factory=dict)


class AccessPlaces:
    """Fulfils services.embedded.environment.Ways. When a registry wants to be left alone is known to all who reach it,
    what is learned of it to all who reach it in the same way; tokens are shared by all who have the same login, until
    that login changes."""

    def __init__(self, grounds: Grounds, count: Count = uncounted, manners: Manners | None = None) -> None:
        """`count` is told of every request; `manners` None: what registries ask for is told to no other process."""
        self._grounds, self._count = grounds, count
        self._manners = manners or Manners(RegistryHolds(grounds.clock))
        self._lock = threading.Lock()
        self._clients: OrderedDict[Endpoint, _Client] = OrderedDict()

    def local(self) -> Stores:
        return self._places(None, None)

    def stores(self, access: Access) -> Stores:
        return self._places(access, None)

    def reading(self, archive: Reader) -> Stores:
        return self._places(None, Streams(read=as_stream(archive)))

    def written(self, write: Callable[[Stores], None]) -> AbstractContextManager[Reader]:
        return piped(lambda stream: write(self._places(None, Streams(written=stream))))

    def client(self, access: Access) -> RegistryClient:
        """The registries behind this access, under its login."""
        return self._client(access)[0]

    def transport(self, endpoint: Endpoint) -> Transport:
        """The way to a registry, and to whatever else belongs to it, without any login."""
        with self._lock:
            kept, dropped = self._kept(endpoint)
        if dropped is not None:
            dropped.transport.close()
        return kept.transport

    def prove(self, reference: Reference, access: Access, cancel: Cancel) -> Digest | None:
        """What the registry itself answers for the tag; None where there is no such tag.

        Raises AccessDenied, NetworkFailed and the like.
        """
        client, _ = self._client(access)
        store = client.repository(reference.repository, cancel=cancel)
        try:
            return store.resolve(reference.tag or DEFAULT_TAG).digest
        except NotFound:
            return None

    def quotas(self) -> Mapping[str, Quota]:
        """What is left of the requests that registries allow, as they said last, by their hosts."""
        with self._lock:
            clients = list(self._clients.values())
        return {host: quota for each in clients for host, quota in each.client.quotas().items()}

    def close(self) -> None:
        """Ends the connections that are kept."""
        with self._lock:
            clients = list(self._clients.values())
            self._clients.clear()
        for each in clients:
            each.transport.close()

    def _places(self, access: Access | None, streams: Streams | None) -> Places:
        grounds = self._grounds
        client, held = (None, HeldRelay()) if access is None else self._client(access)

        def reached() -> RegistryClient:
            if client is None:
                raise AssertionError("local places reach no registry")
            return client

        openers = Openers(grounds.own, lambda: grounds.known().locations(_account(access)), reached, grounds.scratch)
        return Places(openers, held, set(), grounds.native, streams)

    def _client(self, access: Access) -> tuple[RegistryClient, HeldRelay]:
        """Under the login of this access."""
        with self._lock:
            kept, dropped = self._kept(access.endpoint)
            former = kept.logins.get(access.registry) if access.registry is not None else None
            if access.registry is not None:
                kept.logins[access.registry] = access.credential
        if dropped is not None:
            dropped.transport.close()
        if former is not None and former != access.credential:
            kept.client.forget(former)
        uploads = self._grounds.known().uploads(_account(access))
        return kept.client.under(access.credential, uploads), kept.held

    def _kept(self, endpoint: Endpoint) -> tuple[_Client, _Client | None]:
        """The one behind it, and the one that had to go for it. The caller holds the lock."""
        kept = self._clients.pop(endpoint, None) or self._new(endpoint)
        self._clients[endpoint] = kept
        return kept, self._clients.popitem(last=False)[1] if len(self._clients) > KEPT_CLIENTS else None

    def _new(self, endpoint: Endpoint) -> _Client:
        grounds = self._grounds
        ways = EndpointOf(endpoint)
        transport = HttpTransport(ways, grounds.proxies, grounds.user_agent, resolve=resolve_beyond_link)
        held = HeldRelay()
        client = RegistryClient(
            CountedTransport(transport, endpoint.host, self._count),
            ways,
            lambda _repository: None,
            grounds.known().profiles,
            grounds.known().uploads(""),
            clock=grounds.clock,
            report_held=held,
            manners=self._manners,
        )
        return _Client(transport, client, held)


@dataclass(frozen=True, slots=True)
class EndpointOf:
    """How hosts are reached for one registry: itself and what runs on the same machine by its own rules, its token
    service elsewhere by everybody's, with the same CA."""

    endpoint: Endpoint

    def __call__(self, host: str) -> Endpoint:
        """For host[:port]."""
        endpoint = self.endpoint
        same = host_name(host) == host_name(endpoint.host)
        if same or canonical_registry(host) == canonical_registry(endpoint.host):
            return replace(endpoint, host=host)
        return Endpoint(host, ca_file=endpoint.ca_file, ca_pem=endpoint.ca_pem)


def _account(access: Access | None) -> str:
    """A fingerprint of the login: what is learned under one is not told to another."""
    if access is None or access.credential is None:
        return Digest.of(b"").encoded[:16]
    return Digest.of(f"{access.registry}/{access.credential.username}".encode()).encoded[:16]
