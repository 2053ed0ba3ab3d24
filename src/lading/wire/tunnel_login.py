"""How an agent is let in or turned away: the texts that agents of the field know, and the close codes.

agent   opens /api/hawser/connect, and says hello with its token, in its first frame
server  welcome: it is in       or  error, and a close with POLICY
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum

from lading.wire.tunnel_frames import LADING_STREAMS, ErrorFrame, Hello, Welcome

CONNECT_PATH = "/api/hawser/connect"
"""Where agents connect."""

LOGIN_SECONDS = 10.0
"""How long a socket may be silent before its hello."""

LOGIN_LIMIT = 64 * 1024
"""What an agent may say before it is let in, in bytes."""

SERVER = "lading"
"""What the welcome calls us."""


class RefusalText(StrEnum):
    """What an agent is told that is not let in; its users look these up."""

    EMPTY = "No token provided"
    INVALID = "Invalid token"
    TOO_MANY_FAILURES = "Too many failed attempts"
    FAILED = "Authentication failed"
    NOT_AUTHENTICATED = "Not authenticated"


def throttled_text(seconds: int) -> str:
    """Of an agent that logs in again and again."""
    return f"Reconnection throttled. Retry after {seconds}s."


class CloseCode(IntEnum):
    """Why a socket is closed (RFC 6455, 7.4.1)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL = 1002
    POLICY = 1008
    TOO_BIG = 1009
    OUR_FAULT = 1011


REGENERATED = "Token regenerated"
"""The reason of a NORMAL close: a new token has taken the place of the one that let it in."""

REPLACED = "Replaced by a newer connection"
"""The same: an agent of this environment has come in since, here or at another server."""


def refusal(text: str, retry_after: int | None = None) -> ErrorFrame:
    """What an agent is told before it is turned away; `retry_after` in seconds."""
    return ErrorFrame(text, retry_after=retry_after)


def speaks_lading_streams(said: Hello | Welcome) -> bool:
    """Whether the frames of both our ends may be used with who says so of itself."""
    return LADING_STREAMS in said.capabilities


def welcome(environment: int, hello: Hello, version: str, requests: Mapping[str, int]) -> Welcome:
    """For the agent that said `hello`: ours are told that we speak as they do, and for which `requests` we still wait,
    with how many bytes of each answer we have. `version` is this program's."""
    ours = speaks_lading_streams(hello)
    return Welcome(
        environment=environment,
        server=SERVER,
        version=version,
        message="Connected",
        capabilities=frozenset({LADING_STREAMS}) if ours else frozenset(),
        requests=requests if ours else {},
    )
