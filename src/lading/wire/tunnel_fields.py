"""The members of a tunnel frame, read as what they must be: a stranger at the edge may send anything.

Go writes an empty list or map as null, and agents leave out what they do not know: absent and null are the same here.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping

from lading.errors import ProtocolBroken, Side

ID_LIMIT = 128
"""Characters of a request's id."""

TEXT_LIMIT = 1024
"""Characters that are kept of a text for people, or of a version or name."""

COUNT_LIMIT = 2**63
"""What a count stays below, in bytes, and where every body ends."""

REQUESTS_LIMIT = 512
"""Requests that a hello names, so that it stays below what may be said before the login; the others are given up."""

CAPABILITIES_LIMIT = 64
"""Capabilities that are kept of one agent."""

JsonMembers = dict[str, object]
"""The members of an object, to be written."""


class FrameInvalid(ProtocolBroken):
    """A message over the tunnel that breaks the protocol. `reason` quotes nothing of it: it may hold a token."""

    side = Side.HOST

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"a frame over the agent's connection cannot be read: {self.reason}"


class Members:
    """The members of one JSON object, by name. Everything raises FrameInvalid where a member is something else."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, object]) -> None:
        self._members = members

    def value(self, name: str) -> object:
        """Whatever it is; None where it is absent."""
        return self._members.get(name)

    def text(self, name: str) -> str:
        """Empty where it is absent."""
        value = self._members.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise FrameInvalid(f"{name} is no text")
        return value

    def name(self, name: str) -> str:
        """A text for people: bounded, on one line, without control characters."""
        return _shown(self.text(name)[:TEXT_LIMIT])

    def id(self) -> str:
        """A request's."""
        text = self.needed("requestId")
        if len(text) > ID_LIMIT:
            raise FrameInvalid(f"requestId is longer than {ID_LIMIT} characters")
        return text

    def needed(self, name: str) -> str:
        """A text that must be there."""
        text = self.text(name)
        if not text:
            raise FrameInvalid(f"it has no {name}")
        return text

    def flag(self, name: str) -> bool:
        """False where it is absent."""
        value = self._members.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise FrameInvalid(f"{name} is neither true nor false")

    def count(self, name: str) -> int | None:
        """A whole number from 0 on; None where it is absent."""
        value = self._members.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < COUNT_LIMIT:
            raise FrameInvalid(f"{name} is no count")
        return value

    def needed_count(self, name: str) -> int:
        """As `count`, and it must be there."""
        value = self.count(name)
        if value is None:
            raise FrameInvalid(f"it has no {name}")
        return value

    def status(self) -> int:
        """An HTTP status."""
        status = self.needed_count("statusCode")
        if not 100 <= status <= 999:
            raise FrameInvalid("statusCode is no status")
        return status

    def instant(self, name: str) -> int:
        """A time by the sender's clock, whole or not; 0 where it is absent."""
        value = self._members.get(name)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < COUNT_LIMIT:
            raise FrameInvalid(f"{name} is no time")
        return int(value)

    def headers(self) -> dict[str, str]:
        """As they were sent."""
        value = self._object("headers")
        headers = {name: text for name, text in value.items() if isinstance(text, str)}
        if len(headers) < len(value):
            raise FrameInvalid("a header is no text")
        return headers

    def capabilities(self) -> frozenset[str]:
        """Those that are texts, the first CAPABILITIES_LIMIT of them; as `name`, as people are told of them."""
        value = self._list("capabilities")[:CAPABILITIES_LIMIT]
        return frozenset(_shown(each[:TEXT_LIMIT]) for each in value if isinstance(each, str))

    def requests(self) -> dict[str, int]:
        """Of each request by its id, how many bytes of a body have been received."""
        value = self._list("requests")
        if len(value) > REQUESTS_LIMIT:
            raise FrameInvalid(f"it names more than {REQUESTS_LIMIT} requests")
        requests: dict[str, int] = {}
        for each in value:
            if not isinstance(each, dict):
                raise FrameInvalid("requests holds what is no object")
            members = Members(each)
            requests[members.id()] = members.needed_count("received")
        return requests

    def _object(self, name: str) -> dict[str, object]:
        value = self._members.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise FrameInvalid(f"{name} is no object")
        return value

    def _list(self, name: str) -> list[object]:
        value = self._members.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise FrameInvalid(f"{name} is no list")
        return value


def _shown(text: str) -> str:
    """On one line, and without what no text for people has: also halves of characters, which nothing can write."""
    return "".join(each if each.isprintable() else " " for each in text).strip()


def base64_content(text: str) -> bytes:
    """What standard base64 says (RFC 4648, section 4): padded, no line breaks, nothing between. Raises FrameInvalid."""
    try:
        content = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise FrameInvalid("it holds what is no base64") from error
    if len(text) != (len(content) + 2) // 3 * 4:  # Python lets more padding pass than there may be
        raise FrameInvalid("it holds what is no base64")
    return content


def base64_text(content: bytes) -> str:
    """The same, written."""
    return binascii.b2a_base64(content, newline=False).decode("ascii")
