"""TLS on the byte server: which certificate is shown, who is let in, and that nothing ever goes out in the clear."""

from __future__ import annotations

import io
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.certificate import CertificateUnusable, ServerCertificate
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.http.limits import Limits
from tests.fakes.certificates import Authority, Certificate
from tests.fakes.raw_client import RawClient

GET = "GET /x HTTP/1.1\nHost: localhost\n\n"
CONTENT = os.urandom(900_000)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def issued(authority: Authority) -> Certificate:
    return authority.server("127.0.0.1")


@pytest.fixture
def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.certificate)


class File(io.FileIO):
    """As the store gives blobs away: the kernel might send it."""

    def file(self) -> tuple[int, int]:
        return self.fileno(), 0


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    path = tmp_path / "blob"
    path.write_bytes(CONTENT)
    return path


@contextmanager
def serving(shown: ServerCertificate, blob: Path, limits: Limits | None = None) -> Iterator[ByteServer]:
    def application(_request: IncomingRequest) -> Answer:
        return Answer(200, (("Content-Length", str(len(CONTENT))),), stream=File(blob))

    with ByteServer([("127.0.0.1", 0)], application, limits or Limits(), certificate=shown) as server:
        yield server


def shown(issued: Certificate) -> ServerCertificate:
    return ServerCertificate(str(issued.certificate), str(issued.key))


def expiry(server: ByteServer, trusting: ssl.SSLContext) -> str:
    with RawClient(server.addresses[0], trusting) as client:
        assert isinstance(client.socket, ssl.SSLSocket)
        certificate = client.socket.getpeercert()
        assert certificate is not None
        return str(certificate["notAfter"])


def test_a_blob_passes_whole(issued: Certificate, trusting: ssl.SSLContext, blob: Path) -> None:
    with serving(shown(issued), blob) as server, RawClient(server.addresses[0], trusting) as client:
        assert client.send(GET).reply().body == CONTENT
        assert client.send(GET).reply().body == CONTENT


def test_the_end_of_an_answer_without_a_length_is_told_in_tls(
    issued: Certificate, trusting: ssl.SSLContext, blob: Path
) -> None:
    with serving(shown(issued), blob) as server, RawClient(server.addresses[0], trusting, strict=True) as client:
        client.send("GET /x HTTP/1.0\n\n").reply()

        assert client.socket.recv(1) == b""  # an end that is not told raises SSLEOFError here


def test_who_speaks_plain_http_is_told_so(issued: Certificate, blob: Path) -> None:
    with serving(shown(issued), blob) as server, RawClient(server.addresses[0]) as client:
        reply = client.send(GET).reply()

    assert (reply.status, reply.body) == (400, b"this port speaks TLS: use https\n")


def test_a_handshake_that_does_not_come_holds_nobody_up_and_ends(
    issued: Certificate, trusting: ssl.SSLContext, blob: Path
) -> None:
    limits = Limits(head_seconds=0.2)
    with serving(shown(issued), blob, limits) as server, socket.create_connection(server.addresses[0]) as silent:
        with RawClient(server.addresses[0], trusting) as client:
            assert client.send(GET).reply().status == 200
        silent.settimeout(20)
        assert silent.recv(1) == b""


def test_a_client_that_does_not_trust_us_harms_nobody(
    issued: Certificate, trusting: ssl.SSLContext, blob: Path
) -> None:
    with serving(shown(issued), blob) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            RawClient(server.addresses[0], ssl.create_default_context())
        with RawClient(server.addresses[0], trusting) as client:
            assert client.send(GET).reply().status == 200


def test_a_renewed_certificate_is_shown_from_the_next_handshake_on(
    authority: Authority, issued: Certificate, trusting: ssl.SSLContext, blob: Path
) -> None:
    certificate = shown(issued)
    with serving(certificate, blob) as server, RawClient(server.addresses[0], trusting) as before:
        old = expiry(server, trusting)
        later = authority.server("127.0.0.1", days=(-1, 60))
        shutil.copy(later.certificate, issued.certificate)
        shutil.copy(later.key, issued.key)
        assert expiry(server, trusting) == old

        certificate.renew()

        assert expiry(server, trusting) != old
        assert before.send(GET).reply().body == CONTENT


def test_what_cannot_be_used_leaves_the_old_one(issued: Certificate, trusting: ssl.SSLContext, blob: Path) -> None:
    certificate = shown(issued)
    with serving(certificate, blob) as server:
        old = expiry(server, trusting)
        issued.certificate.write_text("nothing of the kind")

        with pytest.raises(CertificateUnusable, match="cannot be used"):
            certificate.renew()

        assert expiry(server, trusting) == old


def test_what_cannot_be_used_is_named(authority: Authority, issued: Certificate, tmp_path: Path) -> None:
    other = authority.server("elsewhere")
    locked = tmp_path / "locked.key"
    command = ["openssl", "pkey", "-in", str(issued.key), "-aes256", "-passout", "pass:x", "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)

    for key, why in (
        (other.key, "they do not belong together"),
        (tmp_path / "none.key", f"{tmp_path}/none.key: No such file or directory"),
        (issued.certificate, "one of them is no PEM of its kind"),
        (locked, "the key has a passphrase"),
    ):
        with pytest.raises(CertificateUnusable) as raised:
            ServerCertificate(str(issued.certificate), str(key))
        assert raised.value.why == why
