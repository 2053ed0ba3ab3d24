"""What people are told when a push or a pull fails: the texts that interfaces §2 fixes, chosen by cause.

The cause itself stays: it says whose side, what code, and what to do. A push that did not find something else than the
image, a repository at the registry or a row in Lading, says what it was.
"""

from __future__ import annotations

from lading.engine.stores import TagUnknown
from lading.errors import AccessDenied, LadingError, NetworkFailed, NotFound, TlsRefused
from lading.services.environments.environment import ConnectionType
from lading.services.lookup import ImageUnknown
from lading.services.named_rows import RowUnknown
from lading.services.platforms import PlatformMissing
from lading.wire.docker_faults import PlatformNotOffered, ThingMissing
from lading.wire.endpoint import Tls

LOGIN_FAILED = "Authentication failed. Check registry credentials."
IMAGE_UNKNOWN = "Image not found"
TLS_FAILED = (
    "TLS/HTTPS error. If your registry uses HTTP, add it to Docker's insecure-registries in /etc/docker/daemon.json"
)
PULL_FAILED = "Image not found or registry authentication failed"
PUSH_FALLBACK = "Failed to push image"
PULL_FALLBACK = "Failed to pull image"

LOGIN_HINT = "Check the user name and the password of the registry in Lading, and what they allow there."
OWN_SETTING = f'In Lading, set the registry\'s tls to "{Tls.HTTP}" or "{Tls.SKIP}", or give it its CA.'


class TransferFailed(LadingError):
    """`cause` in the words that are fixed for it. Everything but the sentence is the cause's own."""

    def __init__(self, text: str, cause: LadingError, hint: str | None = None) -> None:
        super().__init__(text, cause)
        self.text, self.cause = text, cause
        self.side, self.code, self.raw = cause.side, cause.code, cause.raw
        self.hint = hint or cause.hint
        self.why = cause.afar if cause.why is None else f"{cause.afar}: {cause.why}"

    def __str__(self) -> str:
        return self.text


def unworded(error: LadingError) -> LadingError:
    """The cause, where the error only words one anew; else the error."""
    return error.cause if isinstance(error, TransferFailed) else error


def push_failed(cause: LadingError, connection: ConnectionType) -> LadingError:
    """A failed push's error; a cause that has no fixed text speaks for itself."""
    match cause:
        case AccessDenied():
            return TransferFailed(LOGIN_FAILED, cause, LOGIN_HINT)
        case TlsRefused():
            return TransferFailed(TLS_FAILED, cause, _tls_hint(connection))
        case PlatformNotOffered():
            return cause
        case ImageUnknown() | TagUnknown() | ThingMissing():
            return TransferFailed(IMAGE_UNKNOWN, cause)
        case NetworkFailed(hint=None):
            return cause.but(hint=_network_hint(cause))
        case _:
            return cause


def pull_failed(cause: LadingError, connection: ConnectionType) -> LadingError:
    """A failed pull's error: what is not there and what may not be seen read alike (registries answer both alike)."""
    match cause:
        case AccessDenied():
            return TransferFailed(PULL_FAILED, cause, LOGIN_HINT)
        case TlsRefused():
            return cause.but(hint=_tls_hint(connection))
        case PlatformMissing() | PlatformNotOffered() | RowUnknown():
            return cause
        case NotFound():
            return TransferFailed(PULL_FAILED, cause)
        case NetworkFailed(hint=None):
            return cause.but(hint=_network_hint(cause))
        case _:
            return cause


def _tls_hint(connection: ConnectionType) -> str | None:
    """None: the cause's own; a Docker host reaches registries in its own way, whatever Lading's row says."""
    return OWN_SETTING if connection is ConnectionType.EMBEDDED else None


def _network_hint(cause: NetworkFailed) -> str:
    where = cause.host or "the registry"
    return f"Check the address, and that {where} is up and can be reached from where the transfer runs; then try again."
