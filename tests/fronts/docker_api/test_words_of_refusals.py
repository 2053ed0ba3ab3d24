"""What went wrong, in Docker's words."""

from __future__ import annotations

import pytest

from lading.errors import Cancelled, LadingError, NoRoom
from lading.fronts.docker_api.refusals import refusal, told
from lading.oci.platform import Platform
from lading.services.access import Denied, NotLoggedIn, Permission
from lading.services.embedded.images import ImageHasNames
from lading.services.identity.throttling import TooManyAttempts
from lading.services.lookup import IdAmbiguous, ImageUnknown
from lading.services.platforms import PlatformMissing, PlatformsIncomplete
from lading.wire.docker_faults import fault

ARM64 = Platform("linux", "arm64")


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ImageUnknown("app", ["here"]), 404, "No such image: app:latest"),
        (ImageUnknown("0123456789ab", ["here"]), 404, "No such image: 0123456789ab:latest"),
        (ImageUnknown("sha256:" + "0" * 64, ["here"]), 404, f"No such image: sha256:{'0' * 64}"),
        (
            ImageHasNames("sha256:0123456789abcdef", ["a", "b"]),
            409,
            "conflict: unable to delete 0123456789ab (must be forced) - image is referenced in multiple repositories",
        ),
        (
            PlatformMissing(ARM64, "docker.io/library/app:1", []),
            404,
            "image with reference app:1 was found but does not provide the specified platform (linux/arm64)",
        ),
        (IdAmbiguous("abcdef", 2), 400, "abcdef begins the id of 2 images. Give more digits."),
        (
            PlatformsIncomplete(2, 9),
            409,
            "Image has 2 of 9 platforms here. Use platform=have, or pull the rest. The platform have pushes those that "
            "are here; a pull of the platform all brings the rest.",
        ),
        (
            Denied(Permission.IMAGES_PUSH),
            403,
            "Permission denied. It takes the permission images:push: ask whoever grants roles.",
        ),
        (NotLoggedIn(), 401, "Authentication required"),
        (fault("No such image: app:9", 404), 404, "No such image: app:9"),
        (
            fault("conflict: unable to remove repository reference", 409),
            409,
            "conflict: unable to remove repository reference",
        ),
        (fault("dial tcp: lookup ghcr.io: no such host"), 500, "dial tcp: lookup ghcr.io: no such host"),
        (NoRoom(), 500, ""),
        (Cancelled(), 500, "cancelled: The work was asked to stop."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, LadingError) else None,
)
def test_what_is_here_fails_in_these_words(error: LadingError, status: int, words: str) -> None:
    assert told(error) == (status, words)


def test_no_secret_is_told() -> None:
    assert "hunter2" not in told(fault('Get "https://ann:hunter2@ghcr.io/v2/": x', 500)).message


def test_who_tries_too_often_is_told_how_long_to_wait() -> None:
    answer = refusal(TooManyAttempts(12.5))

    assert answer.status == 429
    assert ("Retry-After", "13") in answer.headers
