"""One exchange, from Request to Response: the concrete Transport."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import NamedTuple

from lading.backends.http import addresses as addressing
from lading.backends.http.addresses import Address, Names, Resolve, check_referred
from lading.backends.http.channel import Channel
from lading.backends.http.dial import dial, dial_socket
from lading.backends.http.pool import Pool
from lading.backends.http.proxies import Proxies, Proxy
from lading.backends.http.receiving import Answer, Body, read_answer, read_whole
from lading.backends.http.refusals import ProxyRefused, ProxyUnreachable
from lading.backends.http.sending import head, send_body
from lading.backends.http.target import Target
from lading.backends.http.tls import Protection, protection_for, secure
from lading.backends.http.tunnel import open_tunnel
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel, ConnectFailed, ConnectionLost, Request, Response

CONNECT_SECONDS = 10.0
_ASKING = frozenset({"GET", "HEAD"})


def _uncounted(_count: int) -> None:
    """Nobody counts the bytes."""


class _Tally:
    """Counts the bytes of a body that went out, and tells whoever else counts them."""

    def __init__(self, passed: Callable[[int], None]) -> None:
        self.count = 0
        self._passed = passed

    def __call__(self, count: int) -> None:
        self.count += count
        self._passed(count)


class _Place(NamedTuple):
    """Connections to the same place serve each other's exchanges."""

    origin: tuple[str, str, int]
    proxy: Proxy | None
    endpoint: Endpoint | None  # what a TLS connection was checked against; None without TLS
    socket: str | None = None  # the path of a unix socket, which is asked instead of the origin's host


class _Errand(NamedTuple):
    """One exchange that was asked for, and the way to where it goes."""

    request: Request
    target: Target
    place: _Place
    cancel: Cancel
    passed: Callable[[int], None]

    @property
    def forwarding_proxy(self) -> Proxy | None:
        """The proxy that is asked for the whole URL, because nothing hides it from it."""
        return self.place.proxy if self.place.endpoint is None else None


class HttpTransport:
    """Fulfils `wire.message.Transport` over TCP, TLS and unix sockets. Thread-safe; connections are kept and reused.

    `endpoint_of` answers for host[:port] how it is reached, `environment` holds the proxy variables, `connect_seconds`
    is the longest wait for a connection and once more for its protection.
    """

    def __init__(
        self,
        endpoint_of: Callable[[str], Endpoint],
        environment: Mapping[str, str],
        user_agent: str,
        *,
        resolve: Resolve = addressing.resolve,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        self._endpoint_of = endpoint_of
        self._proxies = Proxies(environment)
        self._user_agent = user_agent
        self._names = Names(resolve)
        self._connect_seconds = connect_seconds
        self._pool = Pool()
        self._authorities = environment.get("SSL_CERT_FILE")
        self._protections: dict[Endpoint, Protection] = {}
        self._protections_lock = threading.Lock()

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = _uncounted) -> Response:
        """See Transport. Raises UrlInvalid, ProxyUnsupported, ProxyInvalid and CertificateFileUnusable besides."""
        cancel.check()
        target = Target.parse(request.url)
        tally = _Tally(passed)
        errand = _Errand(request, target, self._place(target), cancel, tally)
        kept = self._kept(errand)
        if kept is not None:
            try:
                return self._exchange(kept, errand)
            except ConnectionLost:
                # It was closed over there while idle. What was only asked, or never got to its body, had no effect.
                begun = tally.count > 0 if request.body_size else request.method not in _ASKING
                if kept.inbox.heard or begun:
                    raise
        return self._exchange(self._connect(errand), errand)

    def close(self) -> None:
        """Ends the connections that are kept."""
        self._pool.close()

    def _place(self, target: Target) -> _Place:
        origin = (target.scheme, target.host, target.port)
        endpoint = self._endpoint_of(target.authority)
        if endpoint.socket is not None:
            return _Place(origin, None, None, endpoint.socket)
        return _Place(origin, self._proxies.route(target), endpoint if target.scheme == "https" else None)

    def _kept(self, errand: _Errand) -> Channel | None:
        if errand.request.reader is not None:
            return None  # it can be read once: no connection is tried that may have ended in the meantime
        channel = self._pool.take(errand.place)
        if channel is not None and errand.place.proxy is None and errand.place.socket is None:
            try:
                self._guard(errand, [channel.peer])
            except BaseException:
                channel.close()
                raise
        return channel

    def _guard(self, errand: _Errand, addresses: Sequence[Address]) -> None:
        if errand.request.referred_by is not None:
            check_referred(errand.target.host, addresses, errand.request.referred_by, self._names.first)

    def _connect(self, errand: _Errand) -> Channel:
        """Raises ConnectFailed, AddressRefused, TlsRefused, CertificateFileUnusable, Cancelled."""
        target, proxy, endpoint = errand.target, errand.place.proxy, errand.place.endpoint
        if errand.place.socket is not None:
            return Channel(dial_socket(errand.place.socket, self._connect_seconds, errand.cancel), errand.place.socket)
        protection = None if endpoint is None else self._protection(endpoint)
        connected = self._dial(errand) if proxy is None else self._dial_proxy(errand, proxy)
        if protection is None:
            return Channel(connected, target.authority)
        if proxy is not None:
            open_tunnel(connected, proxy, target, self._connect_seconds, errand.cancel)
        return secure(connected, target, protection, self._connect_seconds, errand.cancel)

    def _dial(self, errand: _Errand) -> socket.socket:
        found = self._names.resolve(errand.target.host, errand.target.port)
        self._guard(errand, found)
        return dial(errand.target.authority, found, self._connect_seconds, errand.cancel)

    def _dial_proxy(self, errand: _Errand, proxy: Proxy) -> socket.socket:
        self._guard(errand, addressing.written(errand.target.host))
        try:
            found = self._names.resolve(proxy.host, proxy.port)
            return dial(str(proxy), found, self._connect_seconds, errand.cancel)
        except ConnectFailed as error:
            raise ProxyUnreachable(errand.target.authority, str(proxy), error.reason) from error

    def _protection(self, endpoint: Endpoint) -> Protection:
        """Made once per endpoint: reading the system's CAs takes tens of milliseconds."""
        with self._protections_lock:
            if endpoint not in self._protections:
                self._protections[endpoint] = protection_for(endpoint, self._authorities)
            return self._protections[endpoint]

    def _exchange(self, channel: Channel, errand: _Errand) -> Response:
        request, cancel = errand.request, errand.cancel
        try:
            with cancel.closing(channel.shut):
                answer, whole = self._ask(channel, errand)
            proxy = errand.forwarding_proxy
            if proxy is not None and answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                raise ProxyRefused(errand.target.authority, str(proxy), answer.status)
            body = Body(answer, cancel, partial(self._finished, errand.place, channel, whole))
        except BaseException:
            channel.close()
            cancel.check()
            raise
        if request.streamed and 200 <= answer.status < 300:
            return Response(answer.status, answer.headers, stream=body)
        return Response(answer.status, answer.headers, read_whole(body, answer))

    def _ask(self, channel: Channel, errand: _Errand) -> tuple[Answer, bool]:
        """The answer, and whether all of the request went out.

        Where sending breaks, the reason may lie in the inbox: a refusal, sent before the other side hung up.
        """
        request = errand.request
        channel.inbox.begin(request.stall_seconds)
        opening = head(request, errand.target, errand.forwarding_proxy, self._user_agent)
        try:
            channel.send_all(opening, request.stall_seconds)
            whole = send_body(channel, request, errand.cancel, errand.passed)
        except ConnectionLost as lost:
            try:
                return read_answer(channel, request.method, request.answer_seconds), False
            except ConnectionLost:
                raise lost from None
        return read_answer(channel, request.method, request.answer_seconds), whole

    def _finished(self, place: _Place, channel: Channel, whole: bool, reusable: bool) -> None:
        if whole and reusable and channel.is_silent():
            self._pool.give(place, channel)
        else:
            channel.close()
