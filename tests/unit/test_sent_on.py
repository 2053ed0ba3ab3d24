"""Where clients are sent for larger blobs, tried before they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.backends.content_store.objects.bucket import Bucket
from lading.engine.cancel import Cancellation
from lading.main.sent_on import SignedAddressRefused, sent_on
from lading.services.server.service_diagnosis import SentOn
from lading.settings import Settings
from lading.wire.message import ConnectFailed
from tests.fakes.scripted_server import Asked, Reply, ScriptedServer

NO_SUCH_KEY = Reply(404, body=b"<Error><Code>NoSuchKey</Code><Message>There is none.</Message></Error>")
EXPIRED = Reply(403, body=b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")


class Store:
    """Played: it answers every address alike."""

    reply = NO_SUCH_KEY

    def __call__(self, _asked: Asked) -> Reply:
        return self.reply


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def server(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """The store of a bucket that one opens from now on."""
    with ScriptedServer(store) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{server.authority}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "lading")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "only-for-tests")
        yield server


def found(settings: Settings) -> SentOn:
    return sent_on(settings, Bucket.at("s3://images/content"), {}, Cancellation())


@pytest.mark.parametrize(
    ("settings", "unreachable"),
    [
        (Settings(Path("data")), False),
        (Settings(Path("data"), registry_public_url="http://localhost:5000"), False),
        (Settings(Path("data"), registry_public_url="https://images.corp"), True),
        (Settings(Path("data"), host="0.0.0.0"), True),
    ],
)
def test_a_store_on_this_machine_is_for_clients_on_this_machine(
    server: ScriptedServer, settings: Settings, unreachable: bool
) -> None:
    assert found(settings) == SentOn(f"http://{server.authority}", unreachable)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", "/images/content/blobs/none")
    assert "X-Amz-Expires=300" in asked.query


def test_a_store_that_takes_no_address_is_told_without_it(server: ScriptedServer, store: Store) -> None:
    """As it does where our clock is slow by more than an address is good for, though it still takes our requests."""
    store.reply = EXPIRED

    with pytest.raises(SignedAddressRefused) as caught:
        found(Settings(Path("data")))
    assert str(caught.value) == (
        f"{server.authority} answered 403 (AccessDenied: Request has expired) to an address that was signed here for "
        "clients"
    )


def test_a_store_that_nobody_reaches_is_told_without_the_address(server: ScriptedServer) -> None:
    server.close()

    with pytest.raises(ConnectFailed) as caught:
        found(Settings(Path("data")))
    assert "X-Amz" not in f"{caught.value} {caught.value.args}"
