"""Protected connections: whom we believe, whom we do not, and why."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lading.backends.http.refusals import (
    CertificateExpired,
    CertificateFileUnusable,
    CertificateMismatch,
    CertificateNotYetValid,
    CertificateUntrusted,
    ClientCertificateRefused,
    ClientCertificateRequired,
    HandshakeFailed,
)
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, TlsRefused
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.message import (
    BytesContent,
    ConnectFailed,
    ConnectionLost,
    PlainHttpAnswered,
    Request,
    Stalled,
)
from tests.fakes.certificates import Authority, Certificate
from tests.fakes.reading import FileContent, read_all
from tests.fakes.scripted_server import Asked, Ending, Reply, ScriptedServer
from tests.unit.http.conftest import Opens

BODY = bytes(range(256)) * 8000


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs everything here."""
    return Authority(tmp_path_factory.mktemp("authority"))


def endpoint(authority: Authority, ours: Certificate | None = None) -> Endpoint:
    believed = Endpoint("any", ca_file=str(authority.certificate))
    if ours is None:
        return believed
    return replace(believed, client_certificate=str(ours.certificate), client_key=str(ours.key))


def test_the_endpoints_own_authority_is_believed(opens: Opens, cancel: Cancellation, authority: Authority) -> None:
    tls = authority.context(authority.server("127.0.0.1"))
    with ScriptedServer(lambda asked: Reply(body=asked.receive()), tls=tls) as server:
        transport = opens(endpoint(authority))
        for _ in range(2):
            request = Request("PUT", server.url("/"), content=BytesContent(BODY), streamed=True)
            assert read_all(transport.send(request, cancel).stream) == BODY
    assert server.connections == 1


def test_files_are_encrypted_too(opens: Opens, cancel: Cancellation, authority: Authority, tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(BODY)
    sent: list[int] = []
    with ScriptedServer(lambda _: Reply(201), tls=authority.context(authority.server("127.0.0.1"))) as server:
        request = Request("PUT", server.url("/"), content=FileContent(path), start=9)
        opens(endpoint(authority)).send(request, cancel, sent.append)
    assert server.asked[0].body == BODY[9:]
    assert sum(sent) == len(BODY) - 9


def test_a_server_may_be_believed_by_its_own_certificate(
    opens: Opens, cancel: Cancellation, authority: Authority
) -> None:
    certificate = authority.server("127.0.0.1")
    with ScriptedServer(lambda _: Reply(), tls=authority.context(certificate)) as server:
        transport = opens(Endpoint("any", ca_file=str(certificate.certificate)))
        assert transport.send(Request("GET", server.url("/")), cancel).status == 200


def test_ssl_cert_file_names_authorities(authority: Authority) -> None:
    program = (
        "import sys; from lading.backends.http.transport import HttpTransport;"
        "from lading.wire.endpoint import Endpoint;"
        "from lading.engine.cancel import Cancellation; from lading.wire.message import Request;"
        "transport = HttpTransport(Endpoint, {}, 'x');"
        "print(transport.send(Request('GET', sys.argv[1]), Cancellation()).status); transport.close()"
    )
    with ScriptedServer(lambda _: Reply(), tls=authority.context(authority.server("127.0.0.1"))) as server:
        done = subprocess.run(
            [sys.executable, "-c", program, server.url("/")],
            env=os.environ | {"SSL_CERT_FILE": str(authority.certificate)},
            capture_output=True,
            check=False,
        )
    assert done.stdout == b"200\n", done.stderr.decode()


@pytest.mark.parametrize(
    ("names", "days", "trusted", "error"),
    [
        (("127.0.0.1",), (-1, 30), False, CertificateUntrusted),
        (("elsewhere.example",), (-1, 30), True, CertificateMismatch),
        (("127.0.0.2",), (-1, 30), True, CertificateMismatch),
        (("127.0.0.1",), (-9, -2), True, CertificateExpired),
        (("127.0.0.1",), (5, 30), True, CertificateNotYetValid),
    ],
    ids=["unknown authority", "another name", "another address", "expired", "not yet valid"],
)
def test_a_certificate_is_refused_for_its_own_reason(
    opens: Opens,
    cancel: Cancellation,
    authority: Authority,
    names: tuple[str, ...],
    days: tuple[int, int],
    trusted: bool,
    error: type[TlsRefused],
) -> None:
    tls = authority.context(authority.server(*names, days=days))
    with ScriptedServer(lambda _: Reply(), tls=tls) as server:
        transport = opens(endpoint(authority) if trusted else None)
        with pytest.raises(error, match=server.authority) as caught:
            transport.send(Request("GET", server.url("/")), cancel)

        assert caught.value.hint
        assert caught.value.code == "tls"
        unchecked = opens(Endpoint("any", tls=Tls.SKIP))
        assert unchecked.send(Request("GET", server.url("/")), cancel).status == 200


def test_our_certificate_is_shown_where_it_is_asked_for(
    opens: Opens, cancel: Cancellation, authority: Authority
) -> None:
    tls = authority.context(authority.server("127.0.0.1"), asks=True)
    ours = authority.client()
    with ScriptedServer(lambda _: Reply(), tls=tls) as server:
        transport = opens(endpoint(authority, ours))
        assert transport.send(Request("GET", server.url("/")), cancel).status == 200


@pytest.mark.parametrize(
    ("version", "error"),
    [(ssl.TLSVersion.TLSv1_2, HandshakeFailed), (ssl.TLSVersion.TLSv1_3, ClientCertificateRequired)],
)
def test_a_missing_client_certificate_is_spoken_of(
    opens: Opens, cancel: Cancellation, authority: Authority, version: ssl.TLSVersion, error: type[TlsRefused]
) -> None:
    tls = authority.context(authority.server("127.0.0.1"), asks=True)
    tls.maximum_version = version
    with ScriptedServer(lambda _: Reply(), tls=tls) as server, pytest.raises(error, match=server.authority) as caught:
        opens(endpoint(authority)).send(Request("GET", server.url("/")), cancel)
    assert "client" in str(caught.value.hint).lower()


def test_a_client_certificate_of_strangers_is_named(
    opens: Opens, cancel: Cancellation, authority: Authority, tmp_path: Path
) -> None:
    tls = authority.context(authority.server("127.0.0.1"), asks=True)
    foreign = Authority(tmp_path, "Foreign").client()
    with ScriptedServer(lambda _: Reply(), tls=tls) as server:
        transport = opens(endpoint(authority, foreign))
        with pytest.raises(ClientCertificateRefused, match=str(foreign.certificate)):
            transport.send(Request("GET", server.url("/")), cancel)


@pytest.mark.parametrize(
    ("kind", "unusable"),
    [
        ("CA file", lambda broken, ours: Endpoint("any", ca_file=broken)),
        (
            "client certificate",
            lambda broken, ours: Endpoint("any", client_certificate=broken, client_key=str(ours.key)),
        ),
        (
            "client key",
            lambda broken, ours: Endpoint("any", client_certificate=str(ours.certificate), client_key=broken),
        ),
    ],
    ids=["authorities", "certificate", "key"],
)
@pytest.mark.parametrize("content", [None, b"no PEM at all"])
def test_a_file_that_cannot_be_used_is_named(
    opens: Opens,
    cancel: Cancellation,
    authority: Authority,
    tmp_path: Path,
    kind: str,
    unusable: Callable[[str, Certificate], Endpoint],
    content: bytes | None,
) -> None:
    ours = authority.client()
    broken = tmp_path / "broken.pem"
    if content is not None:
        broken.write_bytes(content)
    with pytest.raises(CertificateFileUnusable) as caught:
        opens(unusable(str(broken), ours)).send(Request("GET", "https://127.0.0.1:1/"), cancel)
    assert (caught.value.kind, caught.value.path) == (kind, str(broken))


def test_a_key_may_stand_in_the_certificates_file_and_is_missed_where_it_does_not(
    opens: Opens, cancel: Cancellation, authority: Authority, tmp_path: Path
) -> None:
    ours = authority.client()
    both = tmp_path / "both.pem"
    both.write_bytes(ours.certificate.read_bytes() + ours.key.read_bytes())
    tls = authority.context(authority.server("127.0.0.1"), asks=True)
    with ScriptedServer(lambda _: Reply(), tls=tls) as server:
        asked = Request("GET", server.url("/"))
        together = replace(endpoint(authority), client_certificate=str(both))
        assert opens(together).send(asked, cancel).status == 200
        with pytest.raises(CertificateFileUnusable, match="no key of its own"):
            opens(replace(together, client_certificate=str(ours.certificate))).send(asked, cancel)


@pytest.mark.parametrize("content", [None, b"no PEM at all"])
def test_ssl_cert_file_is_named_where_it_cannot_be_used(tmp_path: Path, content: bytes | None) -> None:
    named = tmp_path / "authorities.pem"
    if content is not None:
        named.write_bytes(content)
    program = (
        "import sys; from lading.backends.http.tls import protection_for; from lading.errors import LadingError\n"
        "from lading.wire.endpoint import Endpoint, Tls\n"
        "protection_for(Endpoint('any', tls=Tls.SKIP), sys.argv[1])\n"
        "try: protection_for(Endpoint('any'), sys.argv[1])\n"
        "except LadingError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(named)],
        env=os.environ | {"SSL_CERT_FILE": str(named)},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().startswith(f"the SSL_CERT_FILE {named} cannot be used: ")


def test_plain_http_on_the_port_is_told_apart(opens: Opens, cancel: Cancellation) -> None:
    with ScriptedServer(lambda _: Reply(400)) as server, pytest.raises(PlainHttpAnswered, match=server.authority):
        opens().send(Request("GET", f"https://{server.authority}/v2/"), cancel)


def test_hanging_up_in_the_handshake_is_no_connection(opens: Opens, cancel: Cancellation) -> None:
    gone = Reply(silent=True, ending=Ending.FIN)
    with ScriptedServer(lambda _: gone) as server, pytest.raises(ConnectFailed, match="hung up during the TLS"):
        opens().send(Request("GET", f"https://{server.authority}/v2/"), cancel)


def test_a_cancel_ends_a_handshake(opens: Opens, cancel: Cancellation) -> None:
    def answer(asked: Asked) -> Reply:
        threading.Thread(target=cancel.cancel).start()
        return Reply(silent=True, ending=Ending.STALL)

    with ScriptedServer(answer) as server, pytest.raises(Cancelled):
        opens().send(Request("GET", f"https://{server.authority}/v2/"), cancel)


@pytest.mark.parametrize("ending", [Ending.FIN, Ending.RST])
@pytest.mark.parametrize("declared", [len(BODY), -1], ids=["before its length", "until the end"])
def test_a_protected_body_that_is_cut_off_is_lost(
    opens: Opens, cancel: Cancellation, authority: Authority, ending: Ending, declared: int
) -> None:
    cut = Reply(body=BODY, declared=declared, upto=5000, ending=ending)
    with ScriptedServer(lambda _: cut, tls=authority.context(authority.server("127.0.0.1"))) as server:
        request = Request("GET", server.url("/"), streamed=True)
        with pytest.raises(ConnectionLost):
            read_all(opens(endpoint(authority)).send(request, cancel).stream)


def test_an_early_refusal_is_heard_through_tls(opens: Opens, cancel: Cancellation, authority: Authority) -> None:
    refusal = Reply(413, body=b"no", read=1000, ending=Ending.STALL)
    content = BytesContent(bytes(24 * 1024 * 1024))
    with ScriptedServer(lambda _: refusal, tls=authority.context(authority.server("127.0.0.1"))) as server:
        request = Request("PUT", server.url("/"), content=content, stall_seconds=5, answer_seconds=5)
        assert opens(endpoint(authority)).send(request, cancel).status == 413


def test_silence_is_limited_through_tls(opens: Opens, cancel: Cancellation, authority: Authority) -> None:
    silent = Reply(body=BODY, upto=100, ending=Ending.STALL)
    with ScriptedServer(lambda _: silent, tls=authority.context(authority.server("127.0.0.1"))) as server:
        request = Request("GET", server.url("/"), streamed=True, stall_seconds=0.2)
        response = opens(endpoint(authority)).send(request, cancel)
        with pytest.raises(Stalled):
            read_all(response.stream)
