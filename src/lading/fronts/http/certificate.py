"""The certificate that our listeners show: two PEM files, read at the start and again whenever we are told to."""

from __future__ import annotations

import logging
import os
import socket
import ssl
from contextlib import suppress
from pathlib import Path

from lading.errors import InputInvalid, Side
from lading.fronts.http.exchange import Peer
from lading.wire.http_framing import RequestRefused
from lading.wire.message import ConnectionLost, Stalled

log = logging.getLogger("lading.http")

_HANDSHAKE = 0x16
"""The first byte of a TLS record that begins a handshake (RFC 8446, 5.1)."""


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

    def accept(self, connection: socket.socket, peer: Peer, seconds: float) -> ssl.SSLSocket:
        """The TLS side of a connection that was accepted, which it takes over. Raises ConnectionLost, Stalled; and
        RequestRefused, with the connection as it was, for a client that speaks plain HTTP."""
        try:
            connection.settimeout(seconds)
            first = connection.recv(1, socket.MSG_PEEK)
            if first and first[0] != _HANDSHAKE:
                raise RequestRefused(400, "this port speaks TLS: use https")
            secured = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            try:
                secured.do_handshake()
            except BaseException:
                secured.close()
                raise
        except TimeoutError:
            raise Stalled(str(peer), seconds) from None
        except OSError as error:  # ssl's errors are OSErrors too
            raise ConnectionLost(str(peer), error.strerror or type(error).__name__) from error
        return secured

    def _hand_over(self, handshake: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        handshake.context = self._newest


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


def _context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
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
