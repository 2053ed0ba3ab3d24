"""What protects a connection: contexts by endpoint, the handshake, and why it could not be made.

Causes are decided from the TLS library's numbers and from the bytes the other side sent, never from an error's text.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from lading.backends.http.channel import Channel
from lading.backends.http.refusals import (
    CertificateExpired,
    CertificateFileUnusable,
    CertificateMismatch,
    CertificateRefused,
    CertificateUntrusted,
    ClientCertificateRequired,
    HandshakeFailed,
)
from lading.backends.http.target import Target
from lading.errors import TlsRefused
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.message import Cancel, ConnectFailed, ConnectionLost, PlainHttpAnswered

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CERTIFICATE_CAUSES: dict[int, type[CertificateRefused]] = {
    # X509_V_ERR_… of openssl/x509_vfy.h
    9: CertificateExpired,  # not yet valid
    10: CertificateExpired,
    18: CertificateUntrusted,  # signed by itself
    19: CertificateUntrusted,  # signed by itself somewhere in the chain
    20: CertificateUntrusted,  # the issuer is not known here
    21: CertificateUntrusted,  # the first certificate cannot be checked
    62: CertificateMismatch,  # host name
    64: CertificateMismatch,  # IP address
}

_CUTS_PASS: int = getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
"""With it, OpenSSL takes a connection that was cut off for one that was ended; OpenSSL 1.1.1 does not know it."""

_ASKS_FOR_OURS = frozenset(
    {
        # alerts the other side sends about our certificate, by their names in openssl/sslerr.h
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "TLSV1_ALERT_UNKNOWN_CA",
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
    }
)


def context_for(endpoint: Endpoint) -> ssl.SSLContext:
    """The system's CAs (or SSL_CERT_FILE), the endpoint's own, and our certificate. Raises CertificateFileUnusable."""
    checked = endpoint.tls is not Tls.SKIP
    # Reading the system's CAs takes tens of milliseconds, which who checks nothing does not need to spend.
    context = ssl.create_default_context() if checked else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The same certificates convince every Python we run on: from 3.13 on, strictness about extensions that many private
    # CAs leave out would be the default. A given CA file may hold an intermediate or the server's own certificate.
    context.verify_flags = (context.verify_flags & ~ssl.VERIFY_X509_STRICT) | ssl.VERIFY_X509_PARTIAL_CHAIN
    context.options &= ~_CUTS_PASS  # Python 3.11.2, which Debian 12 ships, sets it
    context.set_alpn_protocols(["http/1.1"])
    if not checked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if endpoint.ca_file is not None:
        ca_file = endpoint.ca_file
        _load(ca_file, lambda: context.load_verify_locations(cafile=ca_file))
    if endpoint.client_certificate is not None:
        certificate, key = endpoint.client_certificate, endpoint.client_key
        _load(certificate, lambda: context.load_cert_chain(certificate, key, password=_no_password))
    return context


def _load(path: str, load: Callable[[], None]) -> None:
    try:
        load()
    except ssl.SSLError as error:
        raise CertificateFileUnusable(path, "it holds no certificate or key that fits") from error
    except OSError as error:
        raise CertificateFileUnusable(path, (error.strerror or "it cannot be read").lower()) from error


def _no_password() -> bytes:
    """A key that needs a password fails to load; without this the library would ask on the terminal."""
    return b""


def secure(
    connected: socket.socket, target: Target, context: ssl.SSLContext, seconds: float, cancel: Cancel
) -> Channel:
    """The same connection, encrypted within these seconds; else it is closed.

    Raises TlsRefused, PlainHttpAnswered, ConnectFailed, Cancelled.
    """
    name = target.authority
    try:
        wrapped = context.wrap_socket(
            connected, server_hostname=target.host, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
    except (OSError, ValueError) as error:
        connected.close()
        raise HandshakeFailed(name, "its name cannot be asked for") from error
    channel = TlsChannel(wrapped, name)
    try:
        with cancel.closing(channel.shut):
            _handshake(wrapped, name, time.monotonic() + seconds, seconds)
    except BaseException:
        channel.close()
        cancel.check()
        raise
    return channel


def _handshake(wrapped: ssl.SSLSocket, name: str, deadline: float, seconds: float) -> None:
    first = True
    while True:
        try:
            wrapped.do_handshake()
        except ssl.SSLWantReadError:
            _wait(wrapped, name, select.POLLIN, deadline, seconds)
            if first and _speaks_plain_http(wrapped):
                raise PlainHttpAnswered(name) from None
            first = False
        except ssl.SSLWantWriteError:
            _wait(wrapped, name, select.POLLOUT, deadline, seconds)
        except ssl.SSLError as error:
            if _is_cut_off(error):
                raise ConnectFailed(name, "it hung up during the TLS handshake") from error
            if first and _speaks_plain_http(wrapped):
                raise PlainHttpAnswered(name) from None
            raise _refused(name, error) from error
        except OSError as error:
            raise ConnectFailed(name, "it hung up during the TLS handshake") from error
        else:
            return


def _wait(wrapped: ssl.SSLSocket, name: str, events: int, deadline: float, seconds: float) -> None:
    poll = select.poll()
    poll.register(wrapped.fileno(), events)
    if not poll.poll(max(deadline - time.monotonic(), 0) * 1000):
        raise ConnectFailed(name, f"no TLS handshake within {seconds:g} s")


def _speaks_plain_http(wrapped: ssl.SSLSocket) -> bool:
    """Looked at beside the TLS library, whose error for this changes with its version.

    A fast answer is there before the handshake first waits: then the library has taken the `HTTP/` of `HTTP/1.1`, as
    long as a record's header is, and choked on it.
    """
    try:
        return socket.socket.recv(wrapped, 5, socket.MSG_PEEK).startswith((b"HTTP/", b"1.1 ", b"1.0 "))
    except OSError:
        return False


def _is_cut_off(error: ssl.SSLError) -> bool:
    """Whether the connection ended without TLS's own goodbye; Python 3.11.2 gives OpenSSL 3's word for it no class."""
    return isinstance(error, ssl.SSLEOFError) or error.reason == "UNEXPECTED_EOF_WHILE_READING"


def _refused(name: str, error: ssl.SSLError) -> TlsRefused:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE_CAUSES.get(error.verify_code, CertificateRefused)(name)
    if error.reason in _ASKS_FOR_OURS:
        return ClientCertificateRequired(name)
    return HandshakeFailed(name, (error.reason or "unknown cause").replace("_", " ").lower())


class TlsChannel(Channel):
    """A channel whose bytes the TLS library encrypts."""

    kernel_sends = False

    def __init__(self, wrapped: ssl.SSLSocket, host: str) -> None:
        super().__init__(wrapped, host)
        self._wrapped = wrapped

    def try_receive(self, buffer: WriteableBuffer) -> int | None:
        return self._attempt(lambda: self._wrapped.recv_into(buffer))

    def try_send(self, rest: memoryview) -> int | None:
        return self._attempt(lambda: self._wrapped.send(rest))

    def _attempt(self, move: Callable[[], int]) -> int | None:
        try:
            return move()
        except ssl.SSLWantReadError:
            self._wants = select.POLLIN
            return None
        except ssl.SSLWantWriteError:
            self._wants = select.POLLOUT
            return None
        except ssl.SSLError as error:
            if _is_cut_off(error):
                raise ConnectionLost(self.host, "it was cut off") from error
            # In TLS 1.3 a server judges our certificate after our side of the handshake is over.
            raise _refused(self.host, error) from error
        except OSError as error:
            raise self._lost(error) from error
