"""What an object store says when it fails, and whether that may be over in a while."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lading.backends.content_store.objects.bucket import Bucket, BucketAway, BucketFailed
from lading.errors import Unavailable
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


def test_one_that_hangs_up_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(lambda _asked: Reply(silent=True, ending=Ending.RST)) as server:
        told = failure(f"http://{server.authority}", monkeypatch)

    assert isinstance(told, BucketAway)
