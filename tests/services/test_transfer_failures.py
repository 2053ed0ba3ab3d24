"""The texts that are fixed for failed pushes and pulls, chosen by cause."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lading.engine.stores import TagUnknown
from lading.errors import AccessDenied, LadingError, NetworkFailed, NotFound, TlsRefused
from lading.oci.platform import Platform
from lading.services.environments.environment import ConnectionType
from lading.services.lookup import ImageUnknown
from lading.services.named_rows import RowUnknown
from lading.services.platforms import PlatformMissing
from lading.services.transfers.failures import pull_failed, push_failed
from lading.wire.docker_faults import PlatformNotOffered, ThingMissing
from lading.wire.message import ConnectFailed

EMBEDDED, SOCKET = ConnectionType.EMBEDDED, ConnectionType.SOCKET
LOGIN = "Authentication failed. Check registry credentials."
TLS = "TLS/HTTPS error. If your registry uses HTTP, add it to Docker's insecure-registries in /etc/docker/daemon.json"
EITHER = "Image not found or registry authentication failed"


class NoTls(TlsRefused):
    hint = "the cause's own hint"

    def __str__(self) -> str:
        return "the cause's own words"


@pytest.mark.parametrize("connection", [EMBEDDED, SOCKET])
@pytest.mark.parametrize(
    ("cause", "pushed", "pulled"),
    [
        (AccessDenied(), LOGIN, EITHER),
        (ImageUnknown("app:1", ["the local store"]), "Image not found", EITHER),
        (ThingMissing("no such image"), "Image not found", EITHER),
        (TagUnknown("1", "registry.test/app"), "Image not found", EITHER),
        (NotFound("the registry has no such repository"), "the registry has no such repository", EITHER),
        (RowUnknown("registry", 7), "Registry not found", "Registry not found"),
        (NoTls(), TLS, "the cause's own words"),
        (NetworkFailed("broken"), "broken", "broken"),
        (PlatformMissing(Platform("linux", "arm"), "app:1", ()), "app:1 has no linux/arm", "app:1 has no linux/arm"),
        (PlatformNotOffered("no arm"), "the Docker host says: no arm", "the Docker host says: no arm"),
    ],
)
def test_what_is_said(cause: LadingError, pushed: str, pulled: str, connection: ConnectionType) -> None:
    assert str(push_failed(cause, connection)) == pushed
    assert str(pull_failed(cause, connection)) == pulled


def test_the_cause_is_left_as_it_was_raised() -> None:
    cause = NoTls()

    assert str(pull_failed(cause, EMBEDDED).hint) != "the cause's own hint"
    assert cause.hint == "the cause's own hint"


def test_only_our_own_engine_is_told_of_our_own_setting() -> None:
    for failed in (push_failed, pull_failed):
        assert "set the registry's tls" in str(failed(NoTls(), EMBEDDED).hint)
        assert failed(NoTls(), SOCKET).hint == "the cause's own hint"


@pytest.mark.parametrize("failed", [push_failed, pull_failed])
def test_a_registry_that_cannot_be_reached_is_named_in_what_to_do(
    failed: Callable[[LadingError, ConnectionType], LadingError],
) -> None:
    cause = ConnectFailed("registry.example:5000", "connection refused")

    told = failed(cause, ConnectionType.EMBEDDED)

    assert str(told) == str(cause)
    assert "registry.example:5000 is up" in (told.hint or "")
