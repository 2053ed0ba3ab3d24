"""Requests that are sent again and done once: what an `Idempotency-Key` stands for (interfaces §2).

A key is its user's, with whatever login or token it came: the same words of another user are another key. It stands for
one request as it was sent, not for what became of it here: a registry that leads elsewhere by now makes no other
request of it, and a field more does.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from urllib.parse import parse_qsl

from lading.errors import Refused


class KeyUsed(Refused):
    """An idempotency key stands for one request; this is another."""

    code = "idempotency_key"
    hint = "Use a new key for every new request."

    def __str__(self) -> str:
        return "this Idempotency-Key was used for another request"


@dataclass(frozen=True, slots=True)
class RequestKey:
    """`text` is what the caller chose, `digest` tells the request that came with it from others."""

    text: str
    digest: str

    @classmethod
    def of(cls, text: str, method: str, path: str, query: str, body: str) -> RequestKey:
        """`body` is its digest, `query` as in a URL: in which order its fields come does not count."""
        fields = sorted(parse_qsl(query, keep_blank_values=True))
        told = json.dumps([method, path, fields, body])
        return cls(text, hashlib.sha256(told.encode()).hexdigest())


def body_digest(content: bytes) -> str:
    """Of a body: two that hold the same JSON are the same, however it is spaced and whatever its members' order."""
    try:
        told = json.dumps(json.loads(content), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return f"bytes:{hashlib.sha256(content).hexdigest()}"
    return f"json:{hashlib.sha256(told.encode()).hexdigest()}"
