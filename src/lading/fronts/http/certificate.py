"""The certificate that our listeners show: two PEM files, read at the start and again whenever we are told to; or one
of our own authority's, where clients show one of it too."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from lading.errors import InputInvalid, Side
from lading.fronts.http.exchange import Peer
from lading.wire.http_framing import RequestRefused
from lading.wire.message import ConnectionLost, Stalled

log = logging.getLogger("lading.http")

_HANDSHAKE = 0x16
"""The first byte of a TLS record that begins a handshake (RFC 8446, 5.1)."""


Begun = Callable[[socket.socket], None]
"""Told of the socket that takes a connection's place, so that others can shut it down from now on."""


def _unheard(_connection: socket.socket) -> None:
    pass


class Protection(Protocol):
    """How a connection that was accepted is protected, and what it says of the peer."""

    def accept(
        self, connection: socket.socket, peer: Peer, seconds: float, begun: Begun = _unheard
    ) -> tuple[socket.socket, Peer]:
        """The TLS side of the connection, which it takes over, told to `begun` before the handshake. Raises
        ConnectionLost, Stalled; and RequestRefused, with the connection as it was, for a client that speaks plain HTTP
        where it may not."""


class CertificateUnusable(InputInvalid):
    """The two files hold no certificate with its key: one cannot be read, is no PEM, or they do not belong together."""

    side = Side.CALLER
    code = "tls"
    hint = "Give the certificate and then its chain, and the key without a passphrase, both as PEM."
    command = (
        "--tls-cert takes the certificate and then its chain, --tls-key the key without a passphrase, both as PEM."
    )

    def __init__(self, certificate: str, key: str, why: str) -> None:
        super().__init__(certificate, key, why)
        self.certificate, self.key, self.why = certificate, key, why

    def __str__(self) -> str:
        return f"the certificate {self.certificate} with the key {self.key} cannot be used"


class ServerCertificate:
    """What TLS takes to begin; for any number of threads and listeners.

    Handshakes that begin after `renew` get the new certificate, connections that stand keep theirs: each context is
    made once and only replaced, and the one that listeners hold hands over to the newest.
    """

    def __init__(self, certificate: str, key: str) -> None:
        """Raises CertificateUnusable."""
        self._files = certificate, key
        self._newest = _context(certificate, key)
        self.context = _context(certificate, key)
        """For a listener, for good."""
        self.context.sni_callback = self._hand_over

    def renew(self) -> None:
        """Read the files again. Where they cannot be used what was read before stays. Raises CertificateUnusable."""
        self._newest = _context(*self._files)
        log.info("the certificate was read again", extra={"certificate": self._files[0]})

    def accept(
        self, connection: socket.socket, peer: Peer, seconds: float, begun: Begun = _unheard
    ) -> tuple[socket.socket, Peer]:
        """Fulfils Protection."""
        with _translated(peer, seconds):
            connection.settimeout(seconds)
            if not _begins_tls(connection):
                raise RequestRefused(400, "this port speaks TLS: use https")
            return _handshake(self.context, connection, begun), peer

    def _hand_over(self, handshake: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        handshake.context = self._newest


class KnownClients:
    """TLS with a certificate on both sides, each signed by our own authority: the client's says who it is. `plain` lets
    those in as well who speak no TLS; who they are, others have to find out. Fulfils Protection."""

    def __init__(self, certificate: str, key: str, authority: str, *, plain: bool = False) -> None:
        """PEM texts, all of them."""
        self._plain = plain
        self._context = _server_context()
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.load_verify_locations(cadata=authority)
        self._context.num_tickets = 0  # a connection that took up another's would not be looked at again
        self._context.options |= ssl.OP_NO_TICKET
        with tempfile.NamedTemporaryFile("w", encoding="ascii", suffix=".pem") as file:
            file.write(f"{certificate}\n{key}\n")  # the TLS library takes a key from a file alone: shortly, and ours
            file.flush()
            self._context.load_cert_chain(file.name)

    def accept(
        self, connection: socket.socket, peer: Peer, seconds: float, begun: Begun = _unheard
    ) -> tuple[socket.socket, Peer]:
        with _translated(peer, seconds):
            connection.settimeout(seconds)
            if not _begins_tls(connection):
                if self._plain:
                    return connection, peer
                raise RequestRefused(400, "this port speaks TLS, and asks for a client certificate")
            secured = _handshake(self._context, connection, begun)
            return secured, replace(peer, certificate=secured.getpeercert(binary_form=True))


def is_secure(connection: socket.socket) -> bool:
    """Whether it speaks TLS."""
    return isinstance(connection, ssl.SSLSocket)


def say_goodbye(connection: socket.socket) -> None:
    """Tell a TLS client that nothing more comes: else it would take the end for a cut (RFC 8446, 6.1). Only where it
    has nothing more to send: what still arrived would break the connection, and the answer with it."""
    if isinstance(connection, ssl.SSLSocket):
        connection.settimeout(0)
        with suppress(OSError, ValueError):  # it would wait for the client's own goodbye
            connection.unwrap()


def shut(connection: socket.socket, how: int) -> None:
    """shutdown(2) alone. A TLS socket's own method would forget that it is one, and what another thread still writes
    would go out in the clear. Raises OSError."""
    socket.socket.shutdown(connection, how)


@contextmanager
def _translated(peer: Peer, seconds: float) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise Stalled(str(peer), seconds) from None
    except OSError as error:  # ssl's errors are OSErrors too
        raise ConnectionLost(str(peer), error.strerror or type(error).__name__) from error


def _begins_tls(connection: socket.socket) -> bool:
    """Or ends before anything came: that is for the handshake to find out. Raises OSError."""
    first = connection.recv(1, socket.MSG_PEEK)
    return not first or first[0] == _HANDSHAKE


def _handshake(context: ssl.SSLContext, connection: socket.socket, begun: Begun) -> ssl.SSLSocket:
    """Raises OSError, with the connection closed."""
    secured = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
    begun(secured)
    try:
        secured.do_handshake()
    except BaseException:
        secured.close()
        raise
    return secured


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _context(certificate: str, key: str) -> ssl.SSLContext:
    context = _server_context()
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except ssl.SSLError as error:
        raise CertificateUnusable(certificate, key, _reason(error, key)) from error
    except OSError as error:
        unreadable = next((path for path in (certificate, key) if not os.access(path, os.R_OK)), certificate)
        raise CertificateUnusable(certificate, key, f"{unreadable}: {os.strerror(error.errno or 0)}") from error
    return context


def _no_passphrase() -> str:
    """Instead of a question on the terminal, at which a service would hang."""
    return ""


def _reason(error: ssl.SSLError, key: str) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "they do not belong together"
    with suppress(OSError):
        if b"ENCRYPTED" in Path(key).read_bytes():  # OpenSSL says no more of it than of one that is no PEM
            return "the key has a passphrase"
    return "one of them is no PEM of its kind"
