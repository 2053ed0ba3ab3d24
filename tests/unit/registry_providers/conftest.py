from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from lading.backends.http.transport import HttpTransport
from lading.backends.registry_providers.minting import ProviderApis
from lading.services.registries.minting import ProviderLogin
from lading.services.registries.providers import API_URL, Provider
from lading.wire.endpoint import Endpoint, Tls
from tests.fakes.played_providers import PlayedProviders, service_key
from tests.fakes.records import Clock
from tests.fakes.scripted_server import ScriptedServer

NOW = 1_700_000_000.0


@dataclass
class World:
    """Played providers, and what asks them over real sockets."""

    providers: PlayedProviders
    apis: ProviderApis
    clock: Clock
    host: str
    key: str

    def login(
        self, provider: Provider, api: str, username: str = "", secret: str = "", *, path: str = "", **fields: str
    ) -> ProviderLogin:
        """At the played registry; `api` is where its provider's API is on the server, empty for its usual place."""
        told = {API_URL: f"{self.providers.url}{api}"} if api else {}
        return ProviderLogin(provider, Endpoint(self.host, Tls.HTTP), path, username, secret, {**told, **fields})


@pytest.fixture(scope="session")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def world(private_key: rsa.RSAPrivateKey) -> Iterator[World]:
    clock = Clock(NOW)
    providers = PlayedProviders(clock, account=private_key.public_key())
    with ScriptedServer(providers) as server:
        providers.url = server.url("")
        transport = HttpTransport(Endpoint, {}, "lading/test")
        apis = ProviderApis(lambda _endpoint: transport, clock, lambda: 0.0)
        yield World(providers, apis, clock, providers.url.removeprefix("http://"), service_key(private_key))
        transport.close()
