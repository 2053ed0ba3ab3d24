"""What a server answers that did not do as asked, as errors of ours: a leaf for each status that means something.

The status decides (interfaces §2, REST); the sentence, the code and the hint are the server's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lading import errors


@dataclass(frozen=True, slots=True)
class Refusal:
    """The body of an answer that is no success, as far as it is what this service writes."""

    status: int
    sentence: str
    code: str | None = None
    hint: str | None = None
    detail: str | None = None

    @classmethod
    def of(cls, status: int, body: object) -> Refusal:
        """Whatever is no text is left out; a body that is none of ours leaves the status alone to speak."""
        told: Mapping[object, object] = body if isinstance(body, dict) else {}

        def word(name: str) -> str | None:
            value = told.get(name)
            return value if isinstance(value, str) and value else None

        return cls(
            status,
            word("error") or f"the server answered with status {status}",
            word("code"),
            word("hint"),
            word("detail"),
        )


class ServerAnswered(errors.LadingError):
    """The server said no. Its leaves derive from the root that the status stands for."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal
        self.code = refusal.code or self.code
        self.hint, self.why = refusal.hint, refusal.detail

    def __str__(self) -> str:
        return self.refusal.sentence


class ServerFoundInvalid(ServerAnswered, errors.InputInvalid):
    """What was asked cannot be understood there."""


class ServerLoginNeeded(ServerAnswered, errors.AccessDenied):
    """No login, or one that is over."""

    command = "lading login URL   (with the URL of the server), or --token"


class ServerDenied(ServerAnswered, errors.AccessDenied):
    """This login may not."""

    command = "Ask whoever runs the server for the permission, or use another login"


class ServerFoundNothing(ServerAnswered, errors.NotFound):
    """There is no such thing there."""

    command = "Check the name: the server's lists show what it has"


class ServerRefused(ServerAnswered, errors.Refused):
    """A rule there forbids it."""


class ServerBusy(ServerAnswered, errors.RateLimited):
    """It asks to be left alone for a while."""


class ServerNetworkFailed(ServerAnswered, errors.NetworkFailed):
    """It could not reach somebody else."""


class ServerUnready(ServerAnswered, errors.Unreachable):
    """It, or a host of its, is not at work."""


class ServerTimedOut(ServerAnswered, errors.TimedOut):
    """Somebody else did not answer it in time."""


class ServerFull(ServerAnswered, errors.NoRoom):
    """Its disk has no room."""


class ServerFailed(ServerAnswered):
    """It failed, and says no more."""

    command = "See the server's log"


_LEAVES: Mapping[int, type[ServerAnswered]] = {
    400: ServerFoundInvalid,
    401: ServerLoginNeeded,
    403: ServerDenied,
    404: ServerFoundNothing,
    409: ServerRefused,
    413: ServerFoundInvalid,
    422: ServerFoundInvalid,
    429: ServerBusy,
    502: ServerNetworkFailed,
    503: ServerUnready,
    504: ServerTimedOut,
    507: ServerFull,
}


def refused(status: int, body: object) -> ServerAnswered:
    """The error for an answer of this status, whose body is this JSON."""
    return _LEAVES.get(status, ServerFailed)(Refusal.of(status, body))


class ServerUnreachable(errors.Unreachable):
    """Nobody answers there, or not to the end."""

    hint = "Check the server's address, and that it runs."

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(server, reason)
        self.server, self.reason = server, reason
        self.why = reason

    def __str__(self) -> str:
        return f"the server {self.server} does not answer"


class JobOutOfSight(errors.Unreachable):
    """A job was followed, and its server has not answered for so long that nobody waits on."""

    hint = "The job goes on without anybody watching. Look at it again once the server answers."

    def __init__(self, server: str, job: str) -> None:
        super().__init__(server, job)
        self.server, self.job = server, job
        self.command = f"lading jobs watch {job}"

    def __str__(self) -> str:
        return f"the server {self.server} does not answer any more; its job {self.job} is not over"


class NotLading(errors.ProtocolBroken):
    """What answered is no Lading server, or one of another time."""

    side = errors.Side.CALLER
    hint = "Check the address: it is the one of the web pages, not of the registry."

    def __init__(self, server: str, what: str) -> None:
        super().__init__(server, what)
        self.server, self.what = server, what

    def __str__(self) -> str:
        return f"{self.server} did not answer with {self.what}"
