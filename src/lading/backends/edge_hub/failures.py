"""What can go wrong between this server and an agent's engine, besides what any network can do: this room's leaves.

NetworkFailed
├── ConnectionLost
│   ├── AgentGone           the agent's connection ended before the exchange did
│   └── AgentFailed         the agent itself says that it could not go on
└── Stalled
    ├── AgentGaveUp         a stock agent waits thirty seconds for an answer that is no stream
    └── AgentTooSlow        an answer that is read whole does not come to its end
Refused
└── AgentCannot             a stock agent cannot carry such a body
ProtocolBroken
└── AgentAnswerTooLong      more than is held in memory
StorageFailed
├── AgentStreamTooFar       a stream ran further ahead of its reader than is held of it
├── BufferBehind            the disk does not keep up with what agents send
├── BufferUnusable          what ran ahead of its reader cannot be kept
└── NoRoom
    └── BufferFull          there is no room for it
"""

from __future__ import annotations

import errno
import os

from lading.errors import NoRoom, ProtocolBroken, Refused, Side, StorageFailed
from lading.wire.docker_faults import one_line
from lading.wire.message import ConnectionLost, Stalled

AGENT = "the agent"
"""Who is meant where an error names a host: which environment it is stands beside it."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MEBIBYTE = 1024 * 1024


class AgentGone(ConnectionLost):
    """The agent's connection ended before the exchange did, or what came after it does not fit what came before."""

    side = Side.HOST
    hint = "The agent's log on that host says why it went away."

    def __init__(self, reason: str) -> None:
        super().__init__(AGENT, reason)
        self.args = (reason,)


class AgentFailed(ConnectionLost):
    """The agent itself says that it could not go on; `said` is its own sentence, bounded and on one line."""

    side = Side.HOST
    hint = "See that Docker runs on that host; the agent's log says more."

    def __init__(self, said: str) -> None:
        self.said = one_line(said)
        super().__init__(AGENT, self.said)
        self.args = (said,)

    def __str__(self) -> str:
        return f"the agent could not go on: {self.said}"


class AgentGaveUp(Stalled):
    """A stock agent ends by itself what is no stream and takes longer than thirty seconds."""

    side = Side.HOST
    hint = "Let that host do less at once, or run Lading's own agent there: it waits as long as it is asked to."

    def __init__(self, seconds: float) -> None:
        super().__init__(AGENT, seconds)
        self.args = (seconds,)

    def __str__(self) -> str:
        return (
            f"the agent gave up after {self.seconds:.0f} s: stock agents end every request after 30 s that is no stream"
        )


class AgentTooSlow(Stalled):
    """An answer that is read whole is still coming, so many seconds after it began."""

    side = Side.HOST
    hint = "See how good the line to that host is."

    def __init__(self, seconds: float) -> None:
        super().__init__(AGENT, seconds)
        self.args = (seconds,)

    def __str__(self) -> str:
        return f"the agent's answer was not whole {self.seconds:g} s after it began"


class AgentCannot(Refused):
    """The environment's agent is of a kind that cannot carry the body of this request; `why` says how much it can."""

    side = Side.HOST
    hint = "Run Lading's own agent on that host, or have the image distributed to it: then it pulls it by itself."

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return "the agent on that host cannot be sent this"


class AgentAnswerTooLong(ProtocolBroken):
    """An answer that is read whole has more than `limit` bytes."""

    side = Side.HOST

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"the agent answered with more than {self.limit} bytes"


class AgentStreamTooFar(StorageFailed):
    """A stock agent cannot be asked to wait: one stream ran further ahead of who reads it than is held of it; `limit`
    is in bytes. That stream is cancelled, the others go on."""

    why = "Who reads is slower than the host sends, and a stock agent cannot be asked to wait."
    hint = (
        "Read faster, raise the setting agent-buffer, or run Lading's own agent on that host: it waits for its reader."
    )

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"the host's answer ran more than {_size(self.limit)} ahead of its reader"


class BufferBehind(StorageFailed):
    """What agents send faster than it is read goes to disk, and more of it waits for the disk than is held in memory;
    `limit` is in bytes."""

    hint = "Put the data folder on a faster disk."

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"the disk does not keep up: {_size(self.limit)} from agents wait to be written"


class BufferUnusable(StorageFailed):
    """The file for what an agent sent ahead of its reader cannot be made, written or read."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(folder, reason)
        self.folder, self.reason = folder, reason

    def __str__(self) -> str:
        return f"cannot keep in {self.folder} what an agent sent: {self.reason}"

    @property
    def afar(self) -> str:
        return f"what an agent sent cannot be kept: {self.reason}"


class BufferFull(NoRoom):
    """There is no room for what an agent sent ahead of its reader."""

    hint = "Make room, or read faster."

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.folder = folder

    def __str__(self) -> str:
        return f"there is no room in {self.folder} for what an agent sent"

    @property
    def afar(self) -> str:
        return "there is no room for what an agent sent"


def storing_failed(folder: str, error: OSError) -> StorageFailed:
    """What the system refused, as ours."""
    if error.errno in _NO_ROOM:
        return BufferFull(folder)
    return BufferUnusable(folder, os.strerror(error.errno) if error.errno else str(error))


def _size(count: int) -> str:
    return f"{count // _MEBIBYTE} MiB" if count >= _MEBIBYTE else f"{count} bytes"
