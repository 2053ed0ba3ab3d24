"""The roots of Lading's exceptions; the leaves live beside the code that raises them.

Every error carries data, answers whose side failed, and composes its own sentence. Doors translate the root into an
exit code or an HTTP status in one table each; nobody ever reads the text to decide.

    LadingError
    ├── InputInvalid        what the caller wrote cannot be understood, or asks for the impossible
    ├── NotFound            the thing named is not there
    ├── AccessDenied        a login is missing, wrong, or not enough
    ├── Refused             a rule forbids it: a tag exists, an image is locked, a platform would be dropped
    ├── NetworkFailed       no answer, or a broken one, between us and the other side
    │   └── TlsRefused      the two sides could not agree on a protected connection
    ├── RateLimited         the other side asks us to wait longer than we may
    ├── ProtocolBroken      the other side answered against its specification
    ├── ContentCorrupt      bytes are not the content their digest or size names
    ├── StorageFailed       a disk, file or database did not do its part
    │   ├── NoRoom          there is no space left for it, or what is left is kept free
    │   └── Unavailable     a database or an object store of ours cannot be had for now: later, or elsewhere, it can
    ├── Unreachable         a server, agent or Docker host does not answer at all
    ├── PartlyDone          some of the things asked for are done, the others are not
    ├── Cancelled           somebody asked the work to stop
    └── TimedOut            the time the caller allowed is over
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Side(StrEnum):
    """Whose side failed: what a person with a failed transfer asks first. HOST is a Docker host that works for us."""

    CALLER = "caller"
    LADING = "lading"
    SOURCE = "source"
    TARGET = "target"
    HOST = "host"
    NETWORK = "network"


class LadingError(Exception):
    """What went wrong, as data. `str()` is one sentence for a person and never holds a secret.

    `why` is the cause in plain words and `hint` one thing to do about it, where they add to the sentence, in words that
    fit every door; `command` is the hint at the command line, where that has a better one, and no other door shows it.
    `code` is the short name scripts match on (interfaces §2). `raw` is what the other side said, shown only when asked
    for.
    """

    side: Side = Side.LADING
    code: str = "failed"
    why: str | None = None
    hint: str | None = None
    command: str | None = None
    raw: str | None = None

    @property
    def afar(self) -> str:
        """The sentence for who is not at this machine, which tells nothing of where files of ours are: a leaf that
        names one says it here without. Doors and jobs tell this one; the log and the command line the whole."""
        return str(self)

    def but(
        self,
        *,
        side: Side | None = None,
        why: str | None = None,
        hint: str | None = None,
        command: str | None = None,
    ) -> Self:
        """The same failure told with these in place of its own: an error is a value, and stays as it was raised."""
        changed = {"side": side, "why": why, "hint": hint, "command": command}
        other = type(self).__new__(type(self), *self.args)
        other.__dict__ |= self.__dict__ | {name: value for name, value in changed.items() if value is not None}
        return other


class InputInvalid(LadingError):
    """What the caller wrote cannot be understood or asks for the impossible."""

    side = Side.CALLER
    code = "invalid"


class NotFound(LadingError):
    """The thing named is not there."""

    side = Side.CALLER
    code = "not_found"


class AccessDenied(LadingError):
    """A login is missing, wrong, or not enough for what was asked."""

    side = Side.CALLER
    code = "registry_auth"


class Refused(LadingError):
    """A rule forbids it."""

    side = Side.CALLER
    code = "denied"


class NetworkFailed(LadingError):
    """No answer, or a broken one, between us and the other side, `host`; empty where that is not known."""

    side = Side.NETWORK
    code = "network"
    host: str = ""


class TlsRefused(NetworkFailed):
    """The two sides could not agree on a protected connection."""

    code = "tls"


class RateLimited(LadingError):
    """The other side asks us to wait longer than we may."""

    side = Side.TARGET
    code = "rate_limited"


class ProtocolBroken(LadingError):
    """The other side answered against its specification."""

    side = Side.TARGET
    code = "protocol"


class ContentCorrupt(LadingError):
    """Bytes are not the content that their digest or size names."""

    side = Side.SOURCE
    code = "corrupt"


class StorageFailed(LadingError):
    """A disk, file or database did not do its part."""

    code = "storage"


class NoRoom(StorageFailed):
    """There is no space left for it, or what is left is kept free."""

    code = "disk_full"


class Unavailable(StorageFailed):
    """What we stand on cannot be had for now: the same is done in a while, or by another server. Whoever notices says
    so in the log once, and once when it is over (services.outages); doors only answer."""

    code = "unavailable"
    hint = "Try again in a few seconds."


class Unreachable(LadingError):
    """A server, agent or Docker host does not answer at all."""

    side = Side.NETWORK
    code = "unreachable"


class NotAccepted(LadingError):
    """What was asked for was done, and what it showed is not what the caller accepts."""

    side = Side.CALLER
    code = "not_accepted"


class PartlyDone(LadingError):
    """Some of the things asked for are done, the others are not."""

    code = "partly_done"
    why = "Each failure was told as it happened."


class Cancelled(LadingError):
    """Somebody asked the work to stop."""

    side = Side.CALLER
    code = "cancelled"
    why = "The work was asked to stop."

    def __str__(self) -> str:
        return "cancelled"


class TimedOut(LadingError):
    """The time the caller allowed is over."""

    side = Side.CALLER
    code = "timed_out"
    why = "The time allowed for it is over."
