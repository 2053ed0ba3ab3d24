"""Failed transfers in Docker's words."""

from __future__ import annotations

import pytest

from lading.engine.stores import TagUnknown
from lading.errors import LadingError
from lading.fronts.docker_api.refusals import Failure, Told
from lading.fronts.docker_api.transfer_refusals import login_told, pull_told, push_told
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.environments.environment import ConnectionType
from lading.services.platforms import PlatformMissing, PlatformsIncomplete
from lading.services.running.ending import ending_of
from lading.services.transfers.failures import pull_failed, push_failed
from lading.wire.docker_faults import RegistryLoginRefused, ThingMissing
from lading.wire.message import ConnectFailed, PlainHttpAnswered
from lading.wire.registry_errors import (
    Fault,
    LoginNeeded,
    LoginRefused,
    PermissionDenied,
    Refusal,
    RegistryFailed,
    RepositoryUnknown,
    TagLocked,
    ThingUnknown,
    TooManyRequests,
)

REFERENCE = Reference.parse("registry.example/team/app:1")
AMD64 = Platform("linux", "amd64")
URL = "https://registry.example/v2/team/app/manifests/1"
EMBEDDED = ConnectionType.EMBEDDED


def refusal(status: int, code: str = "", message: str = "") -> Refusal:
    return Refusal("GET", URL, status, (Fault(code, message),) if code else ())


LIMITED = refusal(429, "TOOMANYREQUESTS", "You have reached your pull rate limit")
DENIED = refusal(403, "DENIED", "requested access to the resource is denied")
NAME = refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
MANIFEST = refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
ACCESS = "pull access denied for registry.example/team/app, repository does not exist or may require 'docker login': "


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            ThingUnknown(MANIFEST),
            Told(404, "manifest for registry.example/team/app:1 not found: manifest unknown: manifest unknown"),
        ),
        (
            TagUnknown("1", "registry.example/team/app"),
            Told(404, "manifest for registry.example/team/app:1 not found: manifest unknown: manifest unknown"),
        ),
        (
            RepositoryUnknown(NAME),
            Told(
                404,
                "repository registry.example/team/app not found: name unknown: repository name not known to registry",
            ),
        ),
        (PermissionDenied(DENIED), Told(404, f"{ACCESS}denied: requested access to the resource is denied")),
        (PermissionDenied(refusal(403)), Told(404, f"{ACCESS}denied: requested access to the resource is denied")),
        (LoginNeeded(refusal(401), "registry.example"), Told(401, "unauthorized: authentication required")),
        (
            LoginRefused(refusal(401, "UNAUTHORIZED", "incorrect username or password"), "registry.example", "x"),
            Told(401, "unauthorized: incorrect username or password"),
        ),
        (
            PlatformMissing(AMD64, "registry.example/team/app:1", []),
            Told(404, "no matching manifest for linux/amd64 in the manifest list entries"),
        ),
        (TooManyRequests(LIMITED), Told(429, "toomanyrequests: You have reached your pull rate limit")),
        (RegistryFailed(refusal(502)), Told(500, f"unknown: GET {URL} answered 502")),
        (
            ConnectFailed("registry.example", "connection refused"),
            Told(
                500,
                'Get "https://registry.example/v2/": dial tcp: cannot connect to registry.example: connection refused',
            ),
        ),
        (
            PlainHttpAnswered("registry.example"),
            Told(500, 'Get "https://registry.example/v2/": tls: registry.example answers in plain HTTP, not TLS'),
        ),
        (RegistryLoginRefused("denied: as the host says"), Told(401, "denied: as the host says")),
        (ThingMissing("manifest for x not found"), Told(404, "manifest for x not found")),
    ],
)
def test_a_pull_that_failed(error: LadingError, told: Told) -> None:
    line = ending_of(pull_failed(error, EMBEDDED)).line

    assert pull_told(REFERENCE, AMD64, Failure.of_line(line)) == told
    assert pull_told(REFERENCE, AMD64, Failure.of_error(error)) == told


@pytest.mark.parametrize(
    ("error", "platform", "message"),
    [
        (PermissionDenied(DENIED), None, "denied: requested access to the resource is denied"),
        (LoginNeeded(refusal(401), "registry.example"), None, "unauthorized: authentication required"),
        (TagLocked(refusal(409, "DENIED", "the tag 1 is immutable")), None, "denied: the tag 1 is immutable"),
        (
            PlatformMissing(AMD64, "x", []),
            AMD64,
            "image with reference registry.example/team/app:1 was found but does not provide the specified platform "
            "(linux/amd64)",
        ),
        (
            PlatformsIncomplete(2, 9),
            None,
            "multiple matching manifests found but no specific platform requested: "
            "Image has 2 of 9 platforms here. Use platform=have, or pull the rest.",
        ),
        (
            PlainHttpAnswered("registry.example"),
            None,
            'Get "https://registry.example/v2/": tls: registry.example answers in plain HTTP, not TLS',
        ),
        (RegistryLoginRefused("unauthorized: as the host says"), None, "unauthorized: as the host says"),
    ],
)
def test_a_push_that_failed(error: LadingError, platform: Platform | None, message: str) -> None:
    line = ending_of(push_failed(error, EMBEDDED)).line

    assert push_told(REFERENCE, platform, Failure.of_line(line)).message == message


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (
            refusal(401, "UNAUTHORIZED", "incorrect username or password"),
            Told(401, 'Get "https://registry.example/v2/": unauthorized: incorrect username or password'),
        ),
        (
            refusal(401),
            Told(401, "login attempt to https://registry.example/v2/ failed with status: 401 Unauthorized"),
        ),
        (refusal(403), Told(401, "login attempt to https://registry.example/v2/ failed with status: 403 Forbidden")),
    ],
)
def test_a_login_that_was_not_taken(refused: Refusal, told: Told) -> None:
    error = LoginRefused(refused, "registry.example", "x")

    assert login_told("registry.example", Failure.of_error(error)) == told
