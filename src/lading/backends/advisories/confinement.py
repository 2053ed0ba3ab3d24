"""What the child may use of the machine: it reads what strangers wrote, and nobody waits for it."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress

MEMORY_LIMIT = 1024**3
"""Bytes of address space: an advisory of the greatest length takes some hundreds of millions while it is read."""

_POLITENESS = 10


def confine() -> None:
    """This process, from now on, and whatever it starts."""
    with suppress(OSError):
        os.nice(_POLITENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # elsewhere the limit is taken and not kept, or keeps Python from beginning
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
