"""Dialling a WebSocket at one address as everything else of this room is dialled: proxies, authorities, limits."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from websockets.uri import WebSocketURI

from lading.backends.http import addresses as addressing
from lading.backends.http.addresses import Resolve
from lading.backends.http.channel import Channel
from lading.backends.http.dial import dial
from lading.backends.http.proxies import Proxies
from lading.backends.http.refusals import ProxyUnreachable, UrlInvalid
from lading.backends.http.target import Target
from lading.backends.http.tls import protection_for, secure
from lading.backends.http.transport import CONNECT_SECONDS
from lading.backends.http.tunnel import open_tunnel
from lading.backends.http.websocket import GOODBYE_SECONDS, MOST_WAITING, WebSocket
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel, ConnectFailed

_HTTP = {"ws": "http", "wss": "https", "http": "http", "https": "https"}


@dataclass(frozen=True, slots=True)
class WebSocketDialer:
    """Opens WebSockets at one address: `url` is ws://, wss://, http:// or https://.

    `endpoint` says how its host is reached, `environment` holds the proxy variables. A close may take
    `goodbye_seconds`; past `most_waiting` bytes on their way out the other side is given up.
    """

    url: str
    endpoint: Endpoint
    environment: Mapping[str, str] = field(repr=False)
    user_agent: str
    resolve: Resolve = addressing.resolve
    seconds: float = CONNECT_SECONDS
    goodbye_seconds: float = GOODBYE_SECONDS
    most_waiting: int = MOST_WAITING

    def __call__(self, cancel: Cancel) -> WebSocket:
        """Raises ConnectFailed, ConnectionLost, TlsRefused, UrlInvalid, ProxyUnsupported, ProxyInvalid,
        CertificateFileUnusable, Cancelled."""
        target = self.target
        channel = self._connect(target, cancel)
        opened = WebSocket(
            channel,
            _uri(target),
            self.user_agent,
            goodbye_seconds=self.goodbye_seconds,
            most_waiting=self.most_waiting,
        )
        try:
            with cancel.closing(channel.shut):
                opened.open(self.seconds)
        except BaseException:
            opened.drop()
            cancel.check()
            raise
        return opened

    @property
    def target(self) -> Target:
        """Whom the address means. Raises UrlInvalid."""
        scheme, colon, rest = self.url.partition("://")
        if not colon or scheme.lower() not in _HTTP:
            raise UrlInvalid("it is none of ws://, wss://, http:// and https://")
        return Target.parse(f"{_HTTP[scheme.lower()]}://{rest}")

    def _connect(self, target: Target, cancel: Cancel) -> Channel:
        """By a proxy in any case through a tunnel: what speaks plain HTTP alone hands no WebSocket on."""
        encrypted = target.scheme == "https"
        endpoint = replace(self.endpoint, host=target.authority)
        protection = protection_for(endpoint, self.environment.get("SSL_CERT_FILE")) if encrypted else None
        connected = self._dial(target, cancel)
        if protection is None:
            return Channel(connected, target.authority)
        return secure(connected, target, protection, self.seconds, cancel)

    def _dial(self, target: Target, cancel: Cancel) -> socket.socket:
        proxy = Proxies(self.environment).route(target)
        if proxy is None:
            return dial(target.authority, self.resolve(target.host, target.port), self.seconds, cancel)
        try:
            connected = dial(str(proxy), self.resolve(proxy.host, proxy.port), self.seconds, cancel)
        except ConnectFailed as error:
            raise ProxyUnreachable(target.authority, str(proxy), error.reason) from error
        open_tunnel(connected, proxy, target, self.seconds, cancel)
        return connected


def _uri(target: Target) -> WebSocketURI:
    parts = urlsplit(target.absolute)
    return WebSocketURI(target.scheme == "https", target.host, target.port, parts.path, parts.query)
