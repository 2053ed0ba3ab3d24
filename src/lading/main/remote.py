"""A Lading server elsewhere, as the command line is handed it, and the logins that are kept for such servers."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from lading.backends.credentials.own import OwnCredentials
from lading.backends.http.transport import HttpTransport
from lading.backends.server_client.client import Json, ServerClient, path_of
from lading.backends.server_client.faults import NotLading
from lading.engine.cancel import Cancellation
from lading.errors import AccessDenied, LadingError
from lading.main.contexts import server_url
from lading.main.live_names import live_names
from lading.oci.reference import is_registry
from lading.services.environments.orders import Access
from lading.services.transfers.transfers import Transfers
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.guard import is_loopback
from lading.wire.message import Cancel

GIVE_UP_SECONDS = 5.0
"""How long who was interrupted waits for the server to hear of it."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a server is spoken to with: `reached` opens the way to a URL, `token` is the login given for this call,
    `endpoint_of` says how a host is reached, `uploading` sends to one registry with one login, `names` is
    the file of names that shells were told."""

    reached: Callable[[str], HttpTransport]
    logins: Callable[[], OwnCredentials]
    token: str | None = field(repr=False)
    endpoint_of: Callable[[str], Endpoint]
    uploading: Callable[[Access], Transfers]
    names: Path | None

    def client(self, url: str, token: str | None) -> ServerClient:
        """Questions to the server, with this login."""
        return ServerClient(self.reached(url), url, token, lambda: str(uuid.uuid4()))


class RegistryInPlain(AccessDenied):
    """A server that is reached by TLS says that its registry has none: the login would go there for all to read, and
    whoever asked for TLS has not asked for that."""

    code = "tls"
    hint = "Have the server's registry-public-url begin with https://; or say --insecure, if the network is trusted."

    def __init__(self, server: str, registry: str) -> None:
        super().__init__(server, registry)
        self.server, self.registry = server, registry

    def __str__(self) -> str:
        return f"the registry {self.registry} of {self.server} has no TLS"


class ConnectedServer(ServerClient):
    """Fulfils fronts.cli.servers.RemoteServer."""

    def __init__(self, grounds: Grounds, url: str, credential: Credential | None) -> None:
        token = credential.secret if credential else None
        super().__init__(grounds.reached(url), url, token, lambda: str(uuid.uuid4()))
        self._grounds, self._credential = grounds, credential
        self._told: Json | None = None

    def give_up(self, job: str) -> None:
        with suppress(LadingError), Cancellation(GIVE_UP_SECONDS, clock=time.monotonic) as cancel:
            self.ask("DELETE", path_of("jobs", job), cancel)

    def names(self, noun: str) -> Sequence[str]:
        return live_names(self, noun, self._grounds.names)

    def registry(self, cancel: Cancel) -> str:
        return self._endpoint(cancel).host

    def uploads(self, cancel: Cancel) -> Transfers:
        return self._grounds.uploading(Access("the server's registry", self._endpoint(cancel), self._login(cancel)))

    def _endpoint(self, cancel: Cancel) -> Endpoint:
        """Where nobody said how others reach the registry, it is at the host that the API has. Raises RegistryInPlain,
        and as `ask`."""
        if self._told is None:
            self._told = self.get(path_of("registry", "address"), cancel)
        said, port, tls = (self._told.get(name) for name in ("url", "port", "tls"))
        if isinstance(said, str):
            parts = urlsplit(said)
            plain, authority = parts.scheme == "http", parts.netloc
            host = authority if is_registry(authority) else f"{authority}:{80 if plain else 443}"
        elif isinstance(port, int):
            name = urlsplit(self.url).hostname or ""
            plain, host = tls is not True, f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        else:
            raise NotLading(self.url, "the address of its registry")
        endpoint = self._grounds.endpoint_of(host)
        if not plain or endpoint.tls is Tls.HTTP:
            return endpoint
        if self.url.startswith("https:") and not is_loopback(host):
            raise RegistryInPlain(self.url, host)
        return Endpoint(host, Tls.HTTP, ca_file=endpoint.ca_file)

    def _login(self, cancel: Cancel) -> Credential | None:
        """As a registry takes it: the token is the password of its user."""
        if self._credential is None:
            return None
        name = self._credential.username or _whose(self, cancel)
        return Credential(name, self._credential.secret, source=self._credential.source)


def connected_server(url: str, grounds: Grounds) -> ConnectedServer:
    """With the token that was given, else the one that `lading login` kept. Raises CredentialFileUnusable,
    SealBroken."""
    if grounds.token is not None:
        return ConnectedServer(grounds, url, Credential("", grounds.token, source="this call's token"))
    return ConnectedServer(grounds, url, grounds.logins().kept(url))


class KeptServerLogins:
    """Fulfils fronts.cli.servers.ServerLogins, over the file that keeps registries' logins too."""

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds

    def address(self, server: str) -> str:
        return server_url(server)

    def login(self, server: str, username: str, password: str, cancel: Cancel) -> str:
        url = server_url(server)
        called = f"lading on {socket.gethostname()}"
        token = self._grounds.client(url, None).login(username, password, called, cancel)
        return self.keep(url, token, cancel)

    def keep(self, server: str, token: str, cancel: Cancel) -> str:
        url = server_url(server)
        name = _whose(self._grounds.client(url, token), cancel)
        self._grounds.logins().set(url, name, token)
        return name

    def logout(self, server: str, cancel: Cancel) -> bool:
        url = server_url(server)
        kept = self._grounds.logins().kept(url)
        if kept is not None:
            self._take_back(url, kept.secret, cancel)
        return self._grounds.logins().remove(url)

    def _take_back(self, url: str, token: str, cancel: Cancel) -> None:
        """The token opens nothing any more, where its server can be told."""
        client = self._grounds.client(url, token)
        try:
            for row in client.rows(path_of("auth", "tokens"), cancel):
                prefix, number = row.get("prefix"), row.get("id")
                if isinstance(prefix, str) and prefix and token.startswith(prefix):
                    client.ask("DELETE", path_of("auth", "tokens", str(number)), cancel)
        except LadingError:
            return  # it is forgotten here all the same


def _whose(client: ServerClient, cancel: Cancel) -> str:
    """The name of the user that the login is of. Raises ServerAnswered, ServerUnreachable, NotLading."""
    name = client.get(path_of("auth", "session"), cancel).get("username")
    if not isinstance(name, str):
        raise NotLading(client.url, "whose login this is")
    return name
