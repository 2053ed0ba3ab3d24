"""Statuses: an error that a transfer raises, and the same one that ended its job, are answered alike."""

from __future__ import annotations

import pytest

from lading import errors
from lading.errors import LadingError
from lading.fronts.rest_api.refusals import status_of, status_of_line
from lading.services.access import Denied, NotLoggedIn, Permission
from lading.services.running.ending import ending_of
from lading.services.transfers.failures import TransferFailed


class Taken(errors.Refused):
    """A leaf."""


class Plain(errors.TlsRefused):
    """A leaf of a leaf."""


@pytest.mark.parametrize(
    ("error", "status", "transfer"),
    [
        (errors.InputInvalid(), 400, 400),
        (NotLoggedIn(), 401, 401),
        (Denied(Permission.IMAGES_PUSH), 403, 403),
        (errors.NotFound(), 404, 404),
        (errors.Refused(), 409, 409),
        (Taken(), 409, 409),
        (TransferFailed("in other words", errors.NotFound()), 404, 404),
        (errors.Unreachable(), 503, 503),
        (errors.AccessDenied(), 502, 500),
        (errors.RateLimited(), 502, 500),
        (errors.ProtocolBroken(), 502, 500),
        (errors.TimedOut(), 504, 500),
        (Plain(), 502, 500),
        (errors.StorageFailed(), 500, 500),
        (LadingError(), 500, 500),
    ],
)
def test_a_status_for_every_root(error: LadingError, status: int, transfer: int) -> None:
    """What another side did wrong is told by the status, but of a transfer: interfaces §2, Push."""
    cause = ending_of(error).line["cause"]
    assert isinstance(cause, str)
    statuses = status_of(error), status_of(error, transfer=True), status_of_line({"cause": cause})
    assert statuses == (status, transfer, transfer)


@pytest.mark.parametrize("cause", [None, "", "of another version"])
def test_a_cause_that_nobody_knows(cause: str | None) -> None:
    assert status_of_line({"cause": cause}) == 500
