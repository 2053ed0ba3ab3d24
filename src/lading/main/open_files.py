"""How many files and connections this process may have open."""

from __future__ import annotations

import resource
from contextlib import suppress

WANTED = 65_536
"""More than all connections and transfers of a server need."""


def raise_open_files() -> int:
    """As many as the system lets us have without asking anybody: what a shell starts with is often 1,024, or 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS names a hard limit that its kernel does not grant
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
    return WANTED if soft == resource.RLIM_INFINITY else soft
