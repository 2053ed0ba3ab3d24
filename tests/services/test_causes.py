"""The words that rows of jobs have for errors: the same in every version, whatever becomes of the classes."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest

import lading.services
from lading import errors
from lading.errors import LadingError
from lading.fronts.rest_api.refusals import STATUS, status_of_line
from lading.services import access
from lading.services.identity.passwords import PasswordsBusy
from lading.services.identity.throttling import TooManyAttempts
from lading.services.jobs.causes import CAUSES, cause_of, root_of

KEPT = {
    "access_denied": "lading.errors.AccessDenied",
    "cancelled": "lading.errors.Cancelled",
    "content_corrupt": "lading.errors.ContentCorrupt",
    "denied": "lading.services.access.Denied",
    "input_invalid": "lading.errors.InputInvalid",
    "lading_error": "lading.errors.LadingError",
    "network_failed": "lading.errors.NetworkFailed",
    "no_room": "lading.errors.NoRoom",
    "not_accepted": "lading.errors.NotAccepted",
    "not_found": "lading.errors.NotFound",
    "not_logged_in": "lading.services.access.NotLoggedIn",
    "partly_done": "lading.errors.PartlyDone",
    "protocol_broken": "lading.errors.ProtocolBroken",
    "rate_limited": "lading.errors.RateLimited",
    "refused": "lading.errors.Refused",
    "storage_failed": "lading.errors.StorageFailed",
    "timed_out": "lading.errors.TimedOut",
    "tls_refused": "lading.errors.TlsRefused",
    "unavailable": "lading.errors.Unavailable",
    "unreachable": "lading.errors.Unreachable",
}
"""As they stand in databases. Where a class was renamed, change the right side; the left side never changes."""


def test_the_words_are_those_that_databases_hold() -> None:
    assert {word: f"{root.__module__}.{root.__qualname__}" for root, word in CAUSES.items()} == KEPT


def test_every_root_has_a_word() -> None:
    roots = {
        each
        for module in (errors, access)
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, LadingError) and each.__module__ == module.__name__
    }

    assert roots == set(CAUSES)


def every_error() -> Iterator[type[LadingError]]:
    """All there are in the services, and what they stand on. A database that fails writes no row."""
    for module in pkgutil.walk_packages(lading.services.__path__, "lading.services."):
        importlib.import_module(module.name)
    waiting = [LadingError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("lading.") and "database" not in kind.__module__:
            yield kind


NO_JOBS = (TooManyAttempts, PasswordsBusy)
"""They answer who logs in, and end no job."""


@pytest.mark.parametrize("kind", sorted(set(every_error()), key=str))
def test_an_error_read_back_from_a_row_is_answered_as_the_error_itself(kind: type[LadingError]) -> None:
    root = root_of(cause_of(kind))

    assert issubclass(kind, root)
    if not issubclass(kind, NO_JOBS):
        status = next(STATUS[each] for each in kind.__mro__ if each in STATUS)
        assert status_of_line({"cause": cause_of(kind)}) == status


@pytest.mark.parametrize("cause", [None, "", "of_a_later_version", 7])
def test_a_word_that_nobody_knows_is_an_error_of_no_kind(cause: object) -> None:
    assert root_of(cause) is LadingError
