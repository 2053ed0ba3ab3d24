"""What an object store says when it fails, and whether that may be over in a while."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.backends.content_store.objects.bucket import Bucket, BucketAway, BucketFailed
from lading.errors import Unavailable
from tests.fakes.certificates import Authority
from tests.fakes.scripted_server import Asked, Ending, Reply, ScriptedServer
from tests.peers.programs import free_port


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    for name, text in variables.items():
        monkeypatch.setenv(name, text)


def refusal(status: int, code: str) -> Callable[[Asked], Reply]:
    return lambda _asked: Reply(
        status, [("Content-Type", "application/xml")], f"<Error><Code>{code}</Code></Error>".encode()
    )


def failure(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> BucketFailed:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(BucketFailed) as failed:
        Bucket.at("s3://images/lading").check()
    return failed.value


@pytest.mark.parametrize(
    ("status", "code", "away"),
    [
        (503, "SlowDown", True),
        (500, "InternalError", True),
        (502, "BadGateway", True),
        (429, "TooManyRequests", True),
        (400, "AuthorizationHeaderMalformed", False),
        (401, "Unauthorized", False),
        (403, "SignatureDoesNotMatch", False),
        (404, "NoSuchBucket", False),
    ],
)
def test_its_answer_says_whether_to_ask_again(
    status: int, code: str, away: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedServer(refusal(status, code)) as server:
        told = failure(f"http://{server.authority}", monkeypatch)

    assert isinstance(told, BucketAway) is away
    assert isinstance(told, Unavailable) is away
    assert f"({code})" in (told.why or "")
    assert str(status) in (told.why or "")


def test_one_that_nobody_listens_for_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    told = failure(f"http://127.0.0.1:{free_port()}", monkeypatch)

    assert isinstance(told, BucketAway)
    assert told.why == "it cannot be reached"


@pytest.mark.parametrize(
    ("named", "days", "known", "why"),
    [
        ("127.0.0.1", (-1, 30), False, "its certificate is not taken here (UnknownIssuer)"),
        ("other.example", (-1, 30), True, "its certificate is not taken here (NotValidForNameContext)"),
        ("127.0.0.1", (-3, -1), True, "its certificate is not taken here (ExpiredContext)"),
    ],
)
def test_one_whose_certificate_is_not_good_says_so(
    named: str, days: tuple[int, int], known: bool, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE names an authority that the machine does not know."""
    authority = Authority(tmp_path)
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    shown = authority.server(named, days=days)
    protection = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    protection.load_cert_chain(shown.certificate, shown.key)
    with ScriptedServer(lambda _asked: Reply(404), tls=protection) as server:
        told = failure(f"https://{server.authority}", monkeypatch)

    assert (told.why or "").startswith(why)


def test_one_that_speaks_no_tls_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(refusal(404, "NoSuchBucket")) as server:
        told = failure(f"https://{server.authority}", monkeypatch)

    assert told.why == "it does not answer in TLS"


def test_one_that_hangs_up_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(lambda _asked: Reply(silent=True, ending=Ending.RST)) as server:
        told = failure(f"http://{server.authority}", monkeypatch)

    assert isinstance(told, BucketAway)


def test_an_address_that_was_signed_is_no_word_of_the_store(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody was asked for it: clients that are sent on while the store is away do not make the log say it is back."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    bucket = Bucket.at("s3://images/lading")

    assert "/images/lading/blobs/x?" in bucket.signed_url("blobs/x", 60)
    with pytest.raises(BucketAway):
        bucket.check()
    assert not caplog.records
