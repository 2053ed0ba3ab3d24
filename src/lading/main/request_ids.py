"""Ids of requests."""

from __future__ import annotations

import itertools
import secrets


def new_request() -> str:
    """An id under which the trail and the log know one request."""
    return f"{next(_REQUESTS):016x}"


_REQUESTS = itertools.count(secrets.randbits(63))
"""From where nobody else began. Asking the system for each would let go of the interpreter a third time a request."""
