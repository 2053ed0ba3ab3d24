"""What a job's row says its error was: a word for each root of our errors, by which a door that reads the row chooses
a status or an exit code, as it does for the error itself.

The words are in databases. A class may be renamed or moved, its word stays; a root that is new gets a word of its own,
and a word that no root has any more is never given to another.
"""

from __future__ import annotations

from collections.abc import Mapping

from lading import errors
from lading.services.access import Denied, NotLoggedIn

CAUSES: Mapping[type[errors.LadingError], str] = {
    errors.InputInvalid: "input_invalid",
    errors.NotFound: "not_found",
    errors.AccessDenied: "access_denied",
    errors.Refused: "refused",
    errors.NetworkFailed: "network_failed",
    errors.TlsRefused: "tls_refused",
    errors.RateLimited: "rate_limited",
    errors.ProtocolBroken: "protocol_broken",
    errors.ContentCorrupt: "content_corrupt",
    errors.StorageFailed: "storage_failed",
    errors.NoRoom: "no_room",
    errors.Unavailable: "unavailable",
    errors.Unreachable: "unreachable",
    errors.NotAccepted: "not_accepted",
    errors.PartlyDone: "partly_done",
    errors.Cancelled: "cancelled",
    errors.TimedOut: "timed_out",
    errors.LadingError: "lading_error",
    Denied: "denied",
    NotLoggedIn: "not_logged_in",
}

_ROOTS = {word: root for root, word in CAUSES.items()}


def cause_of(kind: type[errors.LadingError]) -> str:
    """The word of its nearest root."""
    return next(CAUSES[each] for each in kind.__mro__ if each in CAUSES)


def root_of_line(line: Mapping[str, object]) -> type[errors.LadingError]:
    """Of the terminal line of a job that failed. The one that names no cause at all, nor anything else, is fixed: the
    agent of the environment is away (interfaces §2, Push)."""
    return errors.Unreachable if line.keys() == {"status", "error"} else root_of(line.get("cause"))


def root_of(cause: object) -> type[errors.LadingError]:
    """What a row's word stands for; of one that this version does not know, an error of no particular kind."""
    return _ROOTS.get(cause, errors.LadingError) if isinstance(cause, str) else errors.LadingError
