"""Why no protected connection, no way through a proxy, or no understandable answer: the leaves of this room.

ConnectFailed
├── ProxyUnreachable          a proxy is to be used and does not answer
├── ProxyRefused              it answers, and will not let us through
└── UpgradeRefused            it answers, and opens no WebSocket
ConnectionLost
└── SocketClosed              the other side closed a WebSocket, and said why
LinkAddressRefused            an address at which a cloud's metadata service may answer
TlsRefused
├── CertificateRefused        the other side's certificate does not convince us
│   ├── CertificateUntrusted      nobody we know signed it
│   ├── CertificateMismatch       it is for another name
│   ├── CertificateExpired        it is over
│   └── CertificateNotYetValid    its time has not come
├── ClientCertificateRequired the other side wants to see ours
├── ClientCertificateRefused  it saw ours and does not take it
└── HandshakeFailed           anything else
InputInvalid
├── CertificateFileUnusable   a CA, certificate or key file we were given
├── ProxyUnsupported          a kind of proxy we do not speak to
└── ProxyInvalid              a proxy variable that cannot be read
ProtocolBroken
├── UrlInvalid                a realm, Location or header value that cannot be asked for
├── AnswerMalformed           not HTTP
└── AnswerTooLong             longer than anything that may be held in memory
"""

from __future__ import annotations

from http import HTTPStatus

from lading.errors import InputInvalid, NetworkFailed, ProtocolBroken, TlsRefused
from lading.wire.guard import host_name
from lading.wire.message import ConnectFailed, ConnectionLost


class ProxyUnreachable(ConnectFailed):
    """A proxy is to be used for this host, and does not answer."""

    why = "A proxy is set for it, and nothing came through."

    def __init__(self, host: str, proxy: str, reason: str) -> None:
        super().__init__(host, f"the proxy {proxy} cannot be used: {reason}")
        self.proxy = proxy
        self.hint = _other_way(host)


class ProxyRefused(ConnectFailed):
    """A proxy will not let us through; `status` is what it answered."""

    why = "The proxy refused, and the registry was not reached."

    def __init__(self, host: str, proxy: str, status: int) -> None:
        super().__init__(host, f"the proxy {proxy} answered {status}")
        self.proxy, self.status = proxy, status
        self.hint = _other_way(host)
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            self.hint = "Put the proxy's user and password into the proxy variable: http://user:password@host:port"


class LinkAddressRefused(NetworkFailed):
    """An address of this machine's own link, where clouds keep their metadata services (server-side request
    forgery). No failed connection, as none was tried: it is as wrong the next time."""

    code = "denied"

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host

    def __str__(self) -> str:
        return f"cannot connect to {self.host}: link-local and metadata addresses are not allowed"


_MISDIRECTED = 421
"""RFC 9110, 15.5.20: the name is not one of its own."""


class UpgradeRefused(ConnectFailed):
    """It answers in HTTP, and opens no WebSocket (RFC 6455, 4.1); `status` is None where it agreed in the wrong way."""

    why = "What answers there is another program, or a proxy that hands no WebSocket on."
    hint = (
        "Check the address, and whether it begins with https://; "
        "a proxy in between has to pass the fields Upgrade and Connection on."
    )

    def __init__(self, host: str, status: int | None) -> None:
        said = "its answer opens no WebSocket" if status is None else f"it answered {status} where a WebSocket was due"
        super().__init__(host, said)
        self.status = status
        if status == _MISDIRECTED:
            self.why = "What answers there goes by other names than the one it was asked by."
            self.hint = "Use the address by which the server says others reach it, its public URL."


class SocketClosed(ConnectionLost):
    """The other side closed a WebSocket; `number` is one of RFC 6455, 7.4, and `said` its reason, fit to be
    shown, perhaps empty."""

    def __init__(self, host: str, number: int, said: str) -> None:
        super().__init__(host, f"it was closed with {number}" + (f", {said}" if said else ""))
        self.number, self.said = number, said


def _other_way(host: str) -> str:
    name = host_name(host) or host
    return f"Correct the proxy variable, or have the host reached directly: NO_PROXY={name}"


class CertificateRefused(TlsRefused):
    """The other side's certificate does not convince us."""

    said = "is not valid"

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host

    def __str__(self) -> str:
        return f"the certificate of {self.host} {self.said}"


class CertificateUntrusted(CertificateRefused):
    """Nobody we know signed it."""

    said = "is signed by nobody this machine trusts"
    why = "Whoever signed it is not among the authorities that are known here, nor in a CA file that was given."
    hint = "Give Lading the CA that signed it, or name that CA in SSL_CERT_FILE."
    command = "Name the CA that signed it with --tls-ca FILE, or in SSL_CERT_FILE"


class CertificateMismatch(CertificateRefused):
    """It is for another name."""

    said = "is for another name"
    why = "It does not show that this is the host that was asked for."
    hint = "Use the name the certificate was made for"


class CertificateExpired(CertificateRefused):
    """It is over."""

    said = "has expired"
    why = "By this machine's clock its last day is over."
    hint = "Look at this machine's clock; where it is right, its owner has to renew the certificate"


class CertificateNotYetValid(CertificateRefused):
    """Its time has not come."""

    said = "is not valid yet"
    why = "By this machine's clock its first day has not come."
    hint = "Look at this machine's clock; where it is right, its owner has to look at the certificate"


class ClientCertificateRequired(TlsRefused):
    """The other side wants to see our certificate, and there is none for it."""

    why = "It lets in only those who show a certificate, and none is set for it."

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host
        self.hint = "Client certificates are named in the settings file of the command line, by registry."
        self.command = (
            f'set client-certificate and client-key under [registry."{host}"] in the settings: lading config path'
        )

    def __str__(self) -> str:
        return f"{self.host} asks for a client certificate"


class ClientCertificateRefused(TlsRefused):
    """The other side does not take the certificate that we showed it; `path` is where ours stands."""

    why = "The other side trusts none who signed it, or it is over."
    hint = "Have one made by the authority that the other side trusts for its clients"

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        self.host, self.path = host, path

    def __str__(self) -> str:
        return f"{self.host} does not take the client certificate {self.path}"

    @property
    def afar(self) -> str:
        return f"{self.host} does not take our client certificate"


class HandshakeFailed(TlsRefused):
    """The two sides could not agree; `reason` is the TLS library's own word for it.

    In TLS 1.2 a server that wants our certificate says no more than this.
    """

    hint = "The other side may ask for a client certificate, or speak only TLS versions older than 1.2"

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(host, reason)
        self.host, self.reason = host, reason

    def __str__(self) -> str:
        return f"no TLS connection with {self.host}: {self.reason}"


class CertificateFileUnusable(InputInvalid):
    """A file that cannot be read or holds something else; `kind` says what it was to be."""

    code = "tls"
    why = "Without it no protected connection is made."
    hint = "Give a PEM file that this user may read: text with lines like -----BEGIN CERTIFICATE-----"

    def __init__(self, kind: str, path: str, reason: str) -> None:
        super().__init__(kind, path, reason)
        self.kind, self.path, self.reason = kind, path, reason

    def __str__(self) -> str:
        return f"the {self.kind} {self.path} cannot be used: {self.reason}"

    @property
    def afar(self) -> str:
        return f"the {self.kind} cannot be used: {self.reason}"


class ProxyUnsupported(InputInvalid):
    """A kind of proxy that we do not speak to. The variable's value may hold a password and is not repeated."""

    hint = "Give an http:// proxy"

    def __init__(self, variable: str, scheme: str) -> None:
        super().__init__(variable, scheme)
        self.variable, self.scheme = variable, scheme

    def __str__(self) -> str:
        return f"{self.variable} names a proxy of kind {self.scheme!r}, and only http:// proxies are supported"


class ProxyInvalid(InputInvalid):
    """A proxy variable that cannot be read. Its value may hold a password and is not repeated."""

    hint = "A proxy is written http://host:port, or http://user:password@host:port"

    def __init__(self, variable: str, reason: str) -> None:
        super().__init__(variable, reason)
        self.variable, self.reason = variable, reason

    def __str__(self) -> str:
        return f"{self.variable} names no proxy: {self.reason}"


class UrlInvalid(ProtocolBroken):
    """Text that is no URL we can ask; names of hosts are checked where people write them, so an answer gave it.

    It may hold a signature and is not repeated.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"not a URL that can be asked: {self.reason}"


class AnswerMalformed(ProtocolBroken):
    """What came back is not HTTP."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(host, reason)
        self.host, self.reason = host, reason

    def __str__(self) -> str:
        return f"{self.host} answered something that is not HTTP: {self.reason}"


class AnswerTooLong(ProtocolBroken):
    """The answer is longer, in bytes, than anything that may be held in memory."""

    def __init__(self, host: str, limit: int) -> None:
        super().__init__(host, limit)
        self.host, self.limit = host, limit

    def __str__(self) -> str:
        return f"{self.host} answered with more than {self.limit} bytes where a short answer was due"
