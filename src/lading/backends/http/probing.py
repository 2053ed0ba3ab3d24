"""The parts of a connection, each tried by itself: fulfils services.environments.connection_test.Probe."""

from __future__ import annotations

from lading.backends.http.addresses import Resolve, resolve_beyond_link
from lading.backends.http.dial import dial, dial_socket
from lading.backends.http.target import Target
from lading.backends.http.tls import protection_for, secure
from lading.backends.http.transport import CONNECT_SECONDS
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel


class HttpProbe:
    """`resolve` decides which addresses may be knocked at; those that were checked are the ones that are used.
    `authorities` is what SSL_CERT_FILE says."""

    def __init__(
        self,
        authorities: str | None = None,
        *,
        resolve: Resolve = resolve_beyond_link,
        seconds: float = CONNECT_SECONDS,
    ) -> None:
        self._authorities, self._resolve, self._seconds = authorities, resolve, seconds

    def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """Raises ConnectFailed, LinkAddressRefused."""
        return tuple(dict.fromkeys(address.place[0] for address in self._resolve(host, port)))

    def connect(self, host: str, port: int, cancel: Cancel) -> None:
        """Raises ConnectFailed, LinkAddressRefused, Cancelled."""
        dial(_authority(host, port), self._resolve(host, port), self._seconds, cancel).close()

    def connect_socket(self, path: str, cancel: Cancel) -> None:
        """Raises ConnectFailed, Cancelled."""
        dial_socket(path, self._seconds, cancel).close()

    def secure(self, endpoint: Endpoint, host: str, port: int, cancel: Cancel) -> str:
        """Raises ConnectFailed, TlsRefused, PlainHttpAnswered, CertificateFileUnusable, Cancelled."""
        protection = protection_for(endpoint, self._authorities)
        target = Target.parse(f"https://{_authority(host, port)}/")
        connected = dial(target.authority, self._resolve(host, port), self._seconds, cancel)
        channel = secure(connected, target, protection, self._seconds, cancel)
        try:
            return channel.protection
        finally:
            channel.close()


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
