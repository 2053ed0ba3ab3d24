"""What a process that reads hostile bytes may use of the machine, as far as the system has limits for it."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path

MEMORY_LIMIT = 1024 * 1024 * 1024
"""Bytes of address space: the longest evidence, what it becomes, and a zstd window of 128 MiB fit several times."""

_FILE_LIMIT = 64 * 1024  # the last words of a failure; nothing else is ever written
_OPEN_FILES = 32
_LIMITS = (
    (resource.RLIMIT_AS, MEMORY_LIMIT),
    (resource.RLIMIT_FSIZE, _FILE_LIMIT),
    (resource.RLIMIT_NOFILE, _OPEN_FILES),
    (resource.RLIMIT_CORE, 0),
)
_NICER = 5
"""Whoever moves bytes meanwhile goes first."""

_SHORT_OF_MEMORY = Path("/proc/self/oom_score_adj")
_FIRST_TO_GO = "500"  # of 1000: before a server and its database, where Linux must end somebody (proc(5))


def confine() -> None:
    """Holds from now on, for ever. macOS has no limit of the address space, and goes without."""
    for limit, value in _LIMITS:
        with suppress(OSError, ValueError):
            resource.setrlimit(limit, (value, value))
    os.nice(_NICER)
    with suppress(OSError):
        _SHORT_OF_MEMORY.write_text(_FIRST_TO_GO)
