"""Why no protected connection, no way through a proxy, or no understandable answer: the leaves of this room.

ConnectFailed
└── ProxyRefused              a proxy stands between us and will not let us through
TlsRefused
├── CertificateRefused        the other side's certificate does not convince us
│   ├── CertificateUntrusted      nobody we know signed it
│   ├── CertificateMismatch       it is for another name
│   └── CertificateExpired        it is over, or not yet valid
├── ClientCertificateRequired the other side wants to see ours
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

from lading.errors import InputInvalid, ProtocolBroken, TlsRefused
from lading.wire.message import ConnectFailed


class ProxyRefused(ConnectFailed):
    """A proxy will not let us through; `status` is what it answered."""

    def __init__(self, host: str, proxy: str, status: int) -> None:
        super().__init__(host, f"the proxy {proxy} answered {status}")
        self.proxy, self.status = proxy, status
        if status == 407:
            self.hint = "put the proxy's user and password into the proxy variable: http://user:password@host:port"


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
    hint = "name the registry's CA with --tls-ca FILE, or in SSL_CERT_FILE"


class CertificateMismatch(CertificateRefused):
    """It is for another name."""

    said = "is for another name"
    hint = "use the name the certificate was made for"


class CertificateExpired(CertificateRefused):
    """It is over, or not yet valid."""

    said = "has expired or is not valid yet"
    hint = "look at this machine's clock, then at the certificate's dates"


class ClientCertificateRequired(TlsRefused):
    """The other side wants to see our certificate, or did not like it."""

    hint = "configure a client certificate and key for this registry"

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host

    def __str__(self) -> str:
        return f"{self.host} asks for a client certificate that it accepts"


class HandshakeFailed(TlsRefused):
    """The two sides could not agree; `reason` is the TLS library's own word for it.

    In TLS 1.2 a server that wants our certificate says no more than this.
    """

    hint = "the registry may ask for a client certificate, or speak only TLS versions older than 1.2"

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(host, reason)
        self.host, self.reason = host, reason

    def __str__(self) -> str:
        return f"no TLS connection with {self.host}: {self.reason}"


class CertificateFileUnusable(InputInvalid):
    """A CA, certificate or key file that cannot be read or holds something else."""

    code = "tls"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"cannot use {self.path}: {self.reason}"


class ProxyUnsupported(InputInvalid):
    """A kind of proxy that we do not speak to. The variable's value may hold a password and is not repeated."""

    hint = "give an http:// proxy"

    def __init__(self, variable: str, scheme: str) -> None:
        super().__init__(variable, scheme)
        self.variable, self.scheme = variable, scheme

    def __str__(self) -> str:
        return f"{self.variable} names a proxy of kind {self.scheme!r}, and only http:// proxies are supported"


class ProxyInvalid(InputInvalid):
    """A proxy variable that cannot be read. Its value may hold a password and is not repeated."""

    hint = "a proxy is written http://host:port, or http://user:password@host:port"

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
