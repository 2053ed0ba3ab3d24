"""Why a daemon could not be asked, and what it could not do: the leaves of this room.

Unreachable
└── DaemonUnreachable     nobody answers there, or the connection broke
ProtocolBroken
├── NotDocker             somebody answers, and it is no Docker daemon
└── AnswerUnreadable      an answer without what every version of the API has in it
Refused
├── DaemonTooOld          a daemon, or something asked of it, from before the API we know
└── PlatformsRefused      a daemon moves one platform at a time
LadingError
└── PushUnverified        the daemon says that it is done, and the registry could not be asked
"""

from __future__ import annotations

from lading.errors import LadingError, NetworkFailed, ProtocolBroken, Refused, Side, Unreachable
from lading.oci.digest import Digest


class DaemonUnreachable(Unreachable):
    """Nobody answers at a Docker host, or the connection to it broke; `cause` says how."""

    def __init__(self, name: str, cause: NetworkFailed) -> None:
        super().__init__(name, cause)
        self.name, self.why, self.hint = name, str(cause), cause.hint

    def __str__(self) -> str:
        return f"the Docker host {self.name} cannot be reached"


class NotDocker(ProtocolBroken):
    """Somebody answers, and it is no Docker daemon; `status` is what it answered to a ping."""

    side = Side.HOST
    hint = "Check the address and the port: the Docker API is usually at 2375, or 2376 with TLS."

    def __init__(self, name: str, status: int) -> None:
        super().__init__(name, status)
        self.name, self.status = name, status

    def __str__(self) -> str:
        return f"{self.name} is no Docker host: it answered {self.status} to a ping"


class AnswerUnreadable(ProtocolBroken):
    """An answer without what every version of the API has in it."""

    side = Side.HOST

    def __init__(self, name: str, what: str) -> None:
        super().__init__(name, what)
        self.name, self.what = name, what

    def __str__(self) -> str:
        return f"the Docker host {self.name} answered without {self.what}"


class DaemonTooOld(Refused):
    """What is asked needs a newer daemon; `needed` is the API version that has it."""

    side = Side.HOST
    hint = "Update Docker on that host."

    def __init__(self, name: str, what: str, needed: str) -> None:
        super().__init__(name, what, needed)
        self.name, self.what, self.needed = name, what, needed

    def __str__(self) -> str:
        return f"the Docker host {self.name} is too old {self.what}: that needs API version {self.needed}"


class PlatformsRefused(Refused):
    """Several platforms at once, which a daemon does not move."""

    code = "platform"
    hint = "Name one platform, or none for the Docker host's own; Lading's own environment takes them all."

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"the Docker host {self.name} moves one platform at a time"


class PushUnverified(LadingError):
    """The daemon says that it is done, yet nobody could make sure of it at the registry; `why` says what was in the
    way."""

    side = Side.TARGET
    code = "unverified"
    hint = "The image may be there all the same: look at the registry, or push again."

    def __init__(self, reference: str, digest: Digest | None, why: str) -> None:
        super().__init__(reference, digest, why)
        self.reference, self.digest, self.why = reference, digest, why

    def __str__(self) -> str:
        return f"the push to {self.reference} could not be verified"
