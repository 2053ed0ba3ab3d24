"""What protects a connection: contexts by endpoint, the handshake, and why it could not be made.

Causes are decided from the TLS library's numbers and from the bytes the other side sent, never from an error's text.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lading.backends.http.channel import Channel
from lading.backends.http.refusals import (
    CertificateExpired,
    CertificateFileUnusable,
    CertificateMismatch,
    CertificateNotYetValid,
    CertificateRefused,
    CertificateUntrusted,
    ClientCertificateRefused,
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
    9: CertificateNotYetValid,
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


class Protection(NamedTuple):
    """How connections to one endpoint are protected; `shown` is where our own certificate stands, if there is one."""

    context: ssl.SSLContext
    shown: str | None


def protection_for(endpoint: Endpoint, system_file: str | None) -> Protection:
    """The system's CAs, the endpoint's own, and our certificate.

    `system_file` is what SSL_CERT_FILE says, which the TLS library reads by itself and in silence. Raises
    CertificateFileUnusable.
    """
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
    if checked and system_file and not context.cert_store_stats()["x509"]:
        _trust(context, "SSL_CERT_FILE", system_file)
    if endpoint.ca_file is not None:
        _trust(context, "CA file", endpoint.ca_file)
    if endpoint.ca_pem is not None:
        ca_pem = endpoint.ca_pem.encode("ascii", "replace").decode("ascii")  # other letters stand in comments alone
        with _reading("CA certificate", "given", "it is no PEM certificate"):
            context.load_verify_locations(cadata=ca_pem)
    if endpoint.client_certificate is not None:
        _show(context, endpoint.client_certificate, endpoint.client_key)
    if endpoint.client_certificate_pem is not None:
        pem = f"{endpoint.client_certificate_pem}\n{endpoint.client_key_pem or ''}\n"
        with _shortly_a_file(pem) as path, _reading("client certificate", "given", "it does not fit its key"):
            context.load_cert_chain(path, password=_no_password)
        return Protection(context, "given")
    return Protection(context, endpoint.client_certificate)


def _trust(context: ssl.SSLContext, kind: str, path: str) -> None:
    with _reading(kind, path, "it holds no certificate"):
        context.load_verify_locations(cafile=path)


@contextmanager
def _shortly_a_file(text: str) -> Iterator[str]:
    """The TLS library takes a key from a file alone: one that only we can read, and that is gone at once."""
    import tempfile  # noqa: PLC0415  with all its compressions it would cost every command

    with tempfile.NamedTemporaryFile("w", encoding="ascii", errors="replace", suffix=".pem") as file:
        file.write(text)
        file.flush()
        yield file.name


def _show(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """Our own certificate, whose key may stand in the same file. Each file is looked at by itself, to name the one."""
    _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "client certificate", certificate)
    if key is None:
        with _reading("client certificate", certificate, "it holds no key of its own, and no client-key is set"):
            context.load_cert_chain(certificate, password=_no_password)
        return
    reason = "it holds no key of that certificate, or one with a password"
    with _reading("client key", key, reason):
        Path(key).open("rb").close()
        context.load_cert_chain(certificate, key, password=_no_password)


@contextmanager
def _reading(kind: str, path: str, otherwise: str) -> Iterator[None]:
    """`otherwise` is what is wrong with a file that can be read, and that the TLS library does not take."""
    try:
        yield
    except (ssl.SSLError, ValueError) as error:
        raise CertificateFileUnusable(kind, path, otherwise) from error
    except OSError as error:
        raise CertificateFileUnusable(kind, path, (error.strerror or "it cannot be read").lower()) from error


def _no_password() -> bytes:
    """A key that needs a password fails to load; without this the library would ask on the terminal."""
    return b""


def secure(
    connected: socket.socket, target: Target, protection: Protection, seconds: float, cancel: Cancel
) -> TlsChannel:
    """The same connection, encrypted within these seconds; else it is closed.

    Raises TlsRefused, PlainHttpAnswered, ConnectFailed, Cancelled.
    """
    name = target.authority
    try:
        wrapped = protection.context.wrap_socket(
            connected, server_hostname=target.host, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
    except (OSError, ValueError) as error:
        connected.close()
        raise HandshakeFailed(name, "its name cannot be asked for") from error
    channel = TlsChannel(wrapped, name, protection.shown)
    try:
        with cancel.closing(channel.shut):
            _handshake(wrapped, channel.refused, name, time.monotonic() + seconds, seconds)
    except BaseException:
        channel.close()
        cancel.check()
        raise
    return channel


def _handshake(
    wrapped: ssl.SSLSocket, refused: Callable[[ssl.SSLError], TlsRefused], name: str, deadline: float, seconds: float
) -> None:
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
            raise refused(error) from error
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


class TlsChannel(Channel):
    """A channel whose bytes the TLS library encrypts."""

    kernel_sends = False

    def __init__(self, wrapped: ssl.SSLSocket, host: str, shown: str | None) -> None:
        """`shown` is where the certificate stands that we show, if there is one."""
        super().__init__(wrapped, host)
        self._wrapped, self._shown = wrapped, shown

    @property
    def protection(self) -> str:
        """The version of TLS that was agreed on: `TLSv1.3`."""
        return self._wrapped.version() or "TLS"

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
            raise self.refused(error) from error
        except OSError as error:
            raise self._lost(error) from error

    def refused(self, error: ssl.SSLError) -> TlsRefused:
        """What the TLS library's error means for this connection."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return _CERTIFICATE_CAUSES.get(error.verify_code, CertificateRefused)(self.host)
        if error.reason in _ASKS_FOR_OURS:
            if self._shown is not None:
                return ClientCertificateRefused(self.host, self._shown)
            return ClientCertificateRequired(self.host)
        return HandshakeFailed(self.host, (error.reason or "unknown cause").replace("_", " ").lower())
