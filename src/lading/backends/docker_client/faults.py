"""Why a daemon could not be asked, and what it could not do: the leaves of this room.

Unreachable
├── DaemonUnreachable     nobody answers there, or the connection broke
├── TransferLost          the connection broke in the middle of it, and what became of it is not known
├── AgentTokenRefused     the agent before the host wants another token
├── AgentThrottles        the agent before the host answers us no more for a while
├── EngineAway            the agent before the host finds no engine
└── AnswerCut             the agent before the host ended the answer, as it ends most of them after so long
ProtocolBroken
├── NotDocker             somebody answers, and it is no Docker daemon
└── AnswerUnreadable      an answer without what every version of the API has in it
Refused
├── DaemonTooOld          a daemon, or something asked of it, from before the API we know
└── PlatformsRefused      a daemon moves one platform at a time
ContentCorrupt
└── ExportCut             an archive without its end
LadingError
├── PushUnverified        the daemon says that it is done, and the registry could not be asked
├── PullUnverified        the daemon does not say what it pulled, and what is there is not known to be that
└── PushCannotConverge    every answer is cut after so long, and a layer takes longer
"""

from __future__ import annotations

from collections.abc import Sequence

from lading.errors import ContentCorrupt, LadingError, NetworkFailed, ProtocolBroken, Refused, Side, Unreachable
from lading.oci.digest import Digest
from lading.wire.docker_faults import one_line
from lading.wire.docker_progress import short_id, size_text
from lading.wire.progress import Piece

LEFT_TOLD = 3
"""Layers that a sentence names."""


class DaemonUnreachable(Unreachable):
    """Nobody answers at a Docker host, or the connection to it broke; `cause` says how."""

    def __init__(self, name: str, cause: NetworkFailed) -> None:
        super().__init__(name, cause)
        self.name, self.why, self.hint = name, str(cause), cause.hint

    def __str__(self) -> str:
        return f"the Docker host {self.name} cannot be reached"


class TransferLost(Unreachable):
    """The connection to a Docker host broke in the middle of a push, a pull, a load or an import, which `transfer`
    names, and nobody could find out what became of it; `cause` says how it broke."""

    side = Side.HOST
    hint = "Ask for it again when the host is back: what is there already is not moved twice."

    def __init__(self, name: str, transfer: str, cause: LadingError) -> None:
        super().__init__(name, transfer, cause)
        self.name, self.transfer, self.cause = name, transfer, cause
        self.why = cause.afar if cause.why is None else f"{cause.afar}: {cause.why}"

    def __str__(self) -> str:
        return f"the Docker host {self.name} was lost in the middle of {self.transfer}, and how that ended is not known"


class AgentTokenRefused(Unreachable):
    """The agent wants a token, or another than the environment has."""

    side = Side.HOST
    code = "agent_token"
    hint = "Give the environment the token that the agent was started with (its TOKEN)."

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"the agent at {self.name} refuses the environment's token"


class AgentThrottles(Unreachable):
    """The agent has been shown too many wrong tokens from our address, and answers nobody there for a while."""

    side = Side.HOST
    hint = "Wait a minute, and check the environment's token."

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"the agent at {self.name} wants to be left alone for a while"


class EngineAway(Unreachable):
    """The agent answers, and the Docker engine behind it does not; `said` is the agent's sentence."""

    side = Side.HOST
    hint = "Start Docker on that host."

    def __init__(self, name: str, said: str) -> None:
        super().__init__(name, said)
        self.name, self.said = name, said
        self.why = f"The agent says: {one_line(said)}"

    def __str__(self) -> str:
        return f"the agent at {self.name} does not reach its Docker engine"


class AnswerCut(Unreachable):
    """The agent ended an answer after `seconds`, as it ends every answer that lasts so long and is no stream to it."""

    side = Side.HOST
    hint = "Connect this host in edge mode, or with Lading's own agent: neither has such a limit."

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(name, seconds)
        self.name, self.seconds = name, seconds

    def __str__(self) -> str:
        return f"the agent at {self.name} ended an answer after {self.seconds:g} s, and how that went on is not known"


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


class PullUnverified(LadingError):
    """The daemon ended a pull without saying what it pulled, and nobody could make sure of what is there."""

    side = Side.HOST
    code = "unverified"
    hint = "Pull again: what is there already is not moved twice."

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference

    def __str__(self) -> str:
        return f"the pull of {self.reference} ended without a word on what was pulled"


class PushCannotConverge(LadingError):
    """Every answer of the agent before the host ends after `seconds`, and with it the push: what of `left`, the layers
    that are not there yet, takes longer than that by itself never arrives. The largest is the first."""

    side = Side.HOST
    code = "agent_limit"
    hint = "Connect this host in edge mode, or with Lading's own agent: neither has such a limit."

    def __init__(self, reference: str, name: str, seconds: float, left: Sequence[Piece]) -> None:
        super().__init__(reference, name, seconds, left)
        self.reference, self.name, self.seconds, self.left = reference, name, seconds, tuple(left)

    def __str__(self) -> str:
        return (
            f"the push to {self.reference} cannot be finished: the agent at {self.name} ends every answer after "
            f"{self.seconds:g} s, and {self._what} not go in that time"
        )

    @property
    def _what(self) -> str:
        if not self.left:
            return "what is left does"
        told = [
            f"layer {short_id(piece.id)}" + ("" if piece.size is None else f" ({size_text(piece.size)})")
            for piece in self.left[:LEFT_TOLD]
        ]
        more = len(self.left) - len(told)
        return ", ".join(told) + (f" and {more} more do" if more else " does" if len(told) == 1 else " do")


class ExportCut(ContentCorrupt):
    """An archive that ends without the mark that every archive ends with (POSIX.1, pax, two blocks of zeros)."""

    side = Side.HOST
    hint = "Try again; what came is not whole."

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"the Docker host {self.name} ended an archive before its end"
